/** Commands of a round in this process, on machines that are busy with much else. */
import { type CommandEnd, runCommand } from '../process/command.js';
import type { Variables } from '../process/session.js';

/** A command that is not done by then is stopped, and has said nothing. */
const STOPPED_AFTER_MS = 20_000;
const TRIES_MAX = 4;

/** Again when it was stopped: every command can be run again, whatever the one before it did. */
export async function runUnhurried(words: readonly string[], variables: Variables): Promise<CommandEnd> {
  for (let tries = 1; ; tries += 1) {
    const startedAt = performance.now();
    const end = await runCommand(words, variables);
    if (performance.now() - startedAt < STOPPED_AFTER_MS || tries === TRIES_MAX) return end;
  }
}
