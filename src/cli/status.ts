/** `status`: is everything in the ledger, and if not, why. Exit 1 when a person is needed, 2 when PostgreSQL could not be asked. */
import { type Command, Option } from 'commander';
import { exitCodeOf, verdictOf } from '../core/verdict/verdict.js';
import { toJson } from '../views/json.js';
import { shortStatus, statusTables, verdictLines } from '../views/status-text.js';
import { plainText } from '../views/text-width.js';
import { jsonOption, printLines, withContext } from './command.js';
import type { CommandEnvironment } from './ports.js';

export function addStatusCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('status')
    .description('say whether everything is in the ledger, and what needs a person')
    .addOption(new Option('--short', 'one line, for prompts and cron').conflicts('json'))
    .addOption(jsonOption())
    .action(({ short = false, json = false }: { readonly short?: boolean; readonly json?: boolean }) =>
      withContext(
        environment,
        async ({ reads }) => {
          const status = await reads.status();
          const verdict = verdictOf(status);
          if (json) {
            const { state, sentence: answer } = verdict;
            const needs = verdict.needs.map((need) => ({ ...need, text: plainText(need.text) }));
            environment.output.print(toJson({ state, answer, needs, ...status }));
          } else if (short) {
            const { text, tone } = shortStatus(verdict, status);
            environment.output.print(text, tone);
          } else {
            for (const { text, tone } of verdictLines(verdict)) environment.output.print(text, tone);
            printLines(environment, ['', ...statusTables(status, environment.output.columns)]);
          }
          environment.exit(exitCodeOf(verdict));
        },
        { codeOfFault: 2, readsOnly: true },
      ),
    );
}
