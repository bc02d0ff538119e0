/** `actions`: what people asked for and decided, the newest first. */
import { type Command, Option } from 'commander';
import { ACTION_KINDS, type ActionKind } from '../core/base/action.js';
import { actionTable } from '../views/action-text.js';
import { toJson } from '../views/json.js';
import { jsonOption, limitOption, moreLine, parseActionId, printLines, withContext } from './command.js';
import type { CommandEnvironment } from './ports.js';

const ROWS_SHOWN = 20;

interface ActionsOptions {
  readonly limit: number;
  readonly after?: string;
  readonly about?: string;
  readonly kind?: ActionKind;
  readonly json?: boolean;
}

export function addActionsCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('actions')
    .description('list what people asked for and decided, the newest first')
    .addOption(limitOption(ROWS_SHOWN))
    .addOption(
      new Option('--after <id>', 'those older than this one; the previous page prints the value').argParser(
        parseActionId,
      ),
    )
    .option('--about <subject>', 'of a payment, a run or a day')
    .addOption(new Option('--kind <kind>', 'only these').choices(ACTION_KINDS))
    .addOption(jsonOption())
    .action(({ json = false, about, ...query }: ActionsOptions) =>
      withContext(
        environment,
        async ({ reads }) => {
          const { output } = environment;
          const page = await reads.actions({ ...query, ...(about === undefined ? {} : { subject: about }) });
          if (json) {
            output.print(toJson(page));
            return;
          }
          if (page.actions.length === 0) output.print('Nothing was asked for or decided.');
          printLines(environment, actionTable(page.actions, output.columns));
          if (page.next === null) return;
          const { limit, after: _, kind } = query;
          const options = { about, kind, limit: limit === ROWS_SHOWN ? undefined : limit, after: page.next };
          output.print(moreLine(page.actions.length, { command: 'actions', options }));
        },
        { readsOnly: true },
      ),
    );
}
