/**
 * Processes that end themselves by SIGKILL at a chosen step of their way: right after they sent something over a socket, started
 * a process, or named a file anew. What they sent is on its way and is worked on; they are gone. A step is the same moment of the
 * work on a slow machine as on a quick one, which no pause is.
 */
import { type Child, type Ended, startChild } from './child.js';
import { until } from './wait.js';

type Variables = Readonly<Record<string, string>>;

/** Runs in the process before everything else. It ends the count, and the danger, with the first line that `until` is part of. */
const PRELOAD = `
import net from 'node:net';
import processes from 'node:child_process';
import files from 'node:fs/promises';
import descriptors from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { killAt, end } = JSON.parse(process.env.TEST_STEPS);
let steps = 0;
let isOver = false;
const step = () => {
  if (isOver) return;
  steps += 1;
  if (steps === killAt) process.kill(process.pid, 'SIGKILL');
};
const { writeSync } = descriptors;
const finish = () => {
  if (!isOver) writeSync(2, 'steps ' + steps + '\\n');
  isOver = true;
};
const around = (object, name, after) => {
  const original = object[name];
  object[name] = function (...given) {
    const answer = original.apply(this, given);
    after(this, given);
    return answer;
  };
};
const look = (text) => {
  if (String(text).includes(end)) finish();
};
around(net.Socket.prototype, 'write', (socket, [text]) => (socket === process.stdout ? look(text) : step()));
// The log is written past the stream.
for (const name of ['write', 'writeSync']) around(descriptors, name, (_, [fd, text]) => fd === 1 && look(text));
around(processes, 'spawn', step);
for (const name of ['rename', 'mkdir', 'open']) around(files, name, step);
syncBuiltinESMExports();
process.on('exit', finish);
`;

export interface SteppedProcess {
  readonly words: readonly string[];
  readonly variables: Variables;
  /** The part of a line of its output with which the danger is over. */
  readonly end: string;
}

/** How many steps it takes when nothing ends it. It is ended then. */
export async function countSteps(
  process: SteppedProcess,
): Promise<{ readonly steps: number; readonly tookMs: number }> {
  const startedAt = performance.now();
  const child = start(process, 0);
  const counted = () => /^steps (\d+)$/m.exec(child.errors())?.[1];
  const steps = await until('the steps are counted', counted, { timeoutMs: 60_000, explain: () => saidBy(child) });
  const tookMs = performance.now() - startedAt;
  child.kill('SIGTERM');
  const ended = await child.ended;
  // What was about to end by itself has no ear for a signal any more.
  const isThrough = ended.code === 0 || ended.signal === 'SIGTERM';
  if (!isThrough) throw new Error(`it ended with ${ended.code}:\n${ended.output}${ended.errors}`);
  return { steps: Number(steps), tookMs };
}

/** Also one that was through before that step came is killed. */
export async function killAtStep(process: SteppedProcess, step: number): Promise<Ended> {
  const child = start(process, step);
  void until('it is killed or through', () => !child.isAlive() || child.errors().includes('steps '), {
    timeoutMs: 60_000,
  }).finally(() => child.kill('SIGKILL'));
  return child.ended;
}

function start({ words, variables, end }: SteppedProcess, killAt: number): Child {
  return startChild({
    script: 'src/main.ts',
    words,
    variables: {
      ...variables,
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(PRELOAD)}`,
      TEST_STEPS: JSON.stringify({ killAt, end }),
    },
  });
}

function saidBy(child: Child): string {
  return child.output() + child.errors();
}

/** So many moments, spread evenly over all steps. */
export function momentsOf(steps: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => Math.max(1, Math.round(((index + 0.5) / count) * steps)));
}
