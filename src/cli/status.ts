/** `status`: is everything in the ledger, and if not, why. Exit 1 when something needs a person. */
import type { Command } from 'commander';
import { jsonOption, printLines, withContext } from './command.js';
import { toJson } from './json.js';
import type { CommandEnvironment } from './ports.js';
import { answerSentence, needsOfPerson, statusTables } from './status-text.js';

export function addStatusCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('status')
    .description('say whether everything is in the ledger, and what needs a person')
    .addOption(jsonOption())
    .action(({ json = false }: { readonly json?: boolean }) =>
      withContext(environment, async ({ reads }) => {
        const status = await reads.status();
        const answer = answerSentence(status);
        const needs = needsOfPerson(status);
        if (json) {
          environment.output.print(toJson({ answer, needs, ...status }));
        } else {
          printLines(environment, [answer, ...needs.map((need) => `! ${need}`), '']);
          printLines(environment, statusTables(status, environment.output.columns));
        }
        environment.exit(needs.length > 0 ? 1 : 0);
      }),
    );
}
