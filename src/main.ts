#!/usr/bin/env node
/**
 * The entry point: joins the command line to the composition root, and the process's signals and exit code to both.
 * The only file that passes the arguments, environment, streams and signals of the program on.
 */
import { userInfo } from 'node:os';

// Before anything else is loaded: on an older Node the modules fail with words that name none of this.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `stripe-blnk-sync needs Node 20.19 or newer, and this is ${process.version}. Install a newer Node (https://nodejs.org)\n`,
  );
  process.exit(2);
}
const { commandEnvironment } = await import('./app/commands/command-environment.js');
const { endSoon, onOutputFailed, untilInterrupted } = await import('./app/process-life.js');
const { composeCommandLine } = await import('./app/commands/compose-command-line.js');
const { noteStart } = await import('./app/commands/program-start.js');
const { runCommandLine } = await import('./cli/command-line.js');

noteStart(process);

// On a terminal, ^C or a progress bar occupies the line: start a new one.
let mayPost = false;
const interrupted = untilInterrupted(
  process,
  (line) => environment.output.note(process.stderr.isTTY ? `\n${line}` : line),
  () => mayPost,
);
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => onOutputFailed(process, error));
}

const environment = commandEnvironment({
  variables: process.env,
  directory: process.cwd(),
  standardOutput: process.stdout,
  standardError: process.stderr,
  standardInput: () => process.stdin,
  signal: interrupted,
  userName: userName(),
  exit: (code) => {
    process.exitCode = code;
  },
  onMayPost: () => {
    mayPost = true;
  },
});
await runCommandLine(composeCommandLine(environment), environment, process.argv.slice(2));
endSoon(process);

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
