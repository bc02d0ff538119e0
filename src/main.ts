#!/usr/bin/env node
/**
 * The entry point: joins the command line to the composition root, and the process's signals and exit code to both.
 * The only file that touches `process`.
 */
import { userInfo } from 'node:os';
import { commandEnvironment } from './app/command-environment.js';
import { endSoon, untilInterrupted } from './app/process-life.js';
import { createProgram } from './app/program.js';
import { runProgram } from './cli/program.js';

const interrupted = untilInterrupted(process, (line) => process.stderr.write(`${line}\n`));
// A reader that closed its end (`| head`) is not an error of ours.
process.stdout.on('error', () => process.exit());

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
});
await runProgram(createProgram(environment), environment, process.argv.slice(2));
endSoon(process);

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
