/**
 * A worker or a command with shorter waits and with named points to stand at: it says over its channel that it has come to
 * one, and goes on when it is told to. Its one argument is JSON.
 */
import { tmpdir } from 'node:os';
import { commandEnvironment } from '../../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../../src/app/commands/compose-command-line.js';
import { endSoon, untilInterrupted } from '../../../src/app/process-life.js';
import type { Timings } from '../../../src/app/timings.js';
import { runCommandLine } from '../../../src/cli/command-line.js';
import type { Bag } from '../../../src/config/environment.js';
import { liveAsWorker } from '../process/live-as-worker.js';
import { type ComeBy, type CrashPoint, standAtPoints } from './points.js';

export interface CrashOrder {
  readonly variables: Bag;
  readonly timings: Partial<Timings>;
  /** Of a command; null: a worker. */
  readonly words: readonly string[] | null;
  readonly stand: Stand | null;
  /** Of a worker: a ledger that holds rows of an earlier round is taken all the same. */
  readonly adopt: boolean;
}

/** Where to stand: at the n-th time, from 1, that the process comes by from now on. */
export interface Stand {
  readonly point: CrashPoint;
  readonly nth: number;
}

/** From the parent: another place to stand at, or none. What stands goes on. */
export interface Instruction {
  readonly stand: Stand | null;
}

/** To the parent. */
export interface Standing {
  readonly standsAt: CrashPoint;
}

function standAsTold(first: Stand | null): ComeBy {
  let wanted = first;
  let passed = 0;
  let goOn = (): void => {};
  process.on('message', ({ stand }: Instruction) => {
    wanted = stand;
    passed = 0;
    goOn();
  });
  // The channel alone must not keep a process that has done its work.
  process.channel?.unref();
  return async (point) => {
    if (wanted === null || point !== wanted.point) return;
    passed += 1;
    if (passed < wanted.nth) return;
    wanted = null;
    const told = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    process.send?.({ standsAt: point } satisfies Standing);
    await told;
  };
}

async function main({ variables, timings, words, stand, adopt }: CrashOrder): Promise<void> {
  const interrupted = untilInterrupted(process, (line) => process.stderr.write(`${line}\n`));
  const overrides = { decorate: standAtPoints(standAsTold(stand)) };
  if (words === null) {
    await liveAsWorker({ variables, timings, adopt, overrides }, interrupted);
  } else {
    const environment = commandEnvironment({
      variables,
      directory: tmpdir(),
      standardOutput: process.stdout,
      standardError: process.stderr,
      signal: interrupted,
      userName: 'tester',
      exit: (code) => {
        process.exitCode = code;
      },
      overrides,
    });
    await runCommandLine(composeCommandLine(environment), environment, words);
  }
  endSoon(process);
}

const [order] = process.argv.slice(2);
if (order !== undefined) await main(JSON.parse(order));
