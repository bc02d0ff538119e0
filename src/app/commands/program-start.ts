/** Composition: how this program was started, for the texts that name its commands. */
import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callProgram } from '../../core/base/own-command.js';
import { packageRoot } from '../../package-root.js';

/** What is needed of Node's `process`. */
interface StartedProcess {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  cwd(): string;
}

/** To be called by the entry point before anything is said. */
export function noteStart(own: StartedProcess): void {
  const root = packageRoot();
  callProgram({
    script: own.argv[1] ?? '',
    packageFolder: fileURLToPath(root).replace(/\/$/, ''),
    hasSources: existsSync(new URL('src/main.ts', root)),
    workingFolder: own.cwd(),
    searchPath: (own.env.PATH ?? '').split(delimiter),
  });
}
