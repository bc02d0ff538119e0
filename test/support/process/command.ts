/**
 * A command line in this process: everything that `src/main.ts` does but owning the process. For the many ways in which
 * a start is refused; what belongs to the process itself is tried with real ones.
 */
import { tmpdir } from 'node:os';
import { commandEnvironment } from '../../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../../src/app/commands/compose-command-line.js';
import type { Overrides } from '../../../src/app/overrides.js';
import { runCommandLine } from '../../../src/cli/command-line.js';

export interface CommandEnd {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** What was told besides how far it is: a slow machine lets every command take long enough to say so. */
export function withoutProgress(errors: string): string {
  return errors.replaceAll(/^(?:\{"progress"|\w[^:\n]*: [\d,]+ of [\d,]+ \w+ done).*\n/gm, '');
}

/** A worker that was not refused is stopped after this time; its exit code then says that it ran. */
const STOP_AFTER_MS = 20_000;

export async function runCommand(
  words: readonly string[],
  variables: Readonly<Record<string, string>>,
  overrides?: Overrides,
): Promise<CommandEnd> {
  const end = { code: 0, output: '', errors: '' };
  const environment = commandEnvironment({
    variables: { LOG_LEVEL: 'silent', ...variables },
    directory: tmpdir(),
    standardOutput: { write: (text) => (end.output += text) },
    standardError: { write: (text) => (end.errors += text) },
    signal: AbortSignal.timeout(STOP_AFTER_MS),
    userName: 'tester',
    exit: (code) => {
      end.code = code;
    },
    ...(overrides === undefined ? {} : { overrides }),
  });
  await runCommandLine(composeCommandLine(environment), environment, words);
  return end;
}
