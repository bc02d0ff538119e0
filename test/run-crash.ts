/**
 * `npm run test:crash -- --rounds 500 --seed 1 --parallel 3`: the crash suite from any seed, its rounds shared out to as
 * many processes. A round that fails says its seed; played alone (`--rounds 1 --seed <it>`) it injects the same faults. With
 * `--journal <file>` a run that was interrupted goes on where it was. With `--core <url> --core-key <key>` a real Blnk Core
 * takes the place of the stand-in, and with `--core-database <url>` rows vanish from it as well.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startVitest, type TestCase, type TestModule } from 'vitest/node';
import { type Journal, type RoundEntry, readJournal } from './support/crash/journal.js';
import type { CrashRequest } from './support/crash/request.js';
import { judge, tableOf, waitedOut } from './support/crash/verdict.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '1' },
    /** A file that the rounds are written to; those that it says passed are not played again. */
    journal: { type: 'string' },
    core: { type: 'string' },
    'core-key': { type: 'string', default: '' },
    'core-database': { type: 'string' },
    /** Of a process that this one starts. */
    part: { type: 'string' },
  },
});

if (values.part === undefined) process.exitCode = await runAll();
else await runPart(JSON.parse(values.part) as CrashRequest);

async function runAll(): Promise<number> {
  const [rounds, seed, parallel] = [wholeNumber('rounds', 1), wholeNumber('seed', 0), wholeNumber('parallel', 1)];
  const address = { key: values['core-key'], databaseUrl: values['core-database'] ?? null };
  const core = values.core === undefined ? null : { url: values.core.replace(/\/$/, ''), ...address };
  const folder = mkdtempSync(join(tmpdir(), 'crash-run-'));
  const journal = resolve(values.journal ?? join(folder, 'journal'));
  appendFileSync(journal, '');
  const wanted = Array.from({ length: rounds }, (_, at) => seed + at);
  const done = new Set(inResult(readJournal(journal, wanted), 'passed'));
  const startedAt = performance.now();
  try {
    const seeds = wanted.filter((one) => !done.has(one));
    const parts = Array.from({ length: parallel }, (_, part): CrashRequest => {
      // Three in a row are the three homes: each process plays all of them.
      const own = seeds.filter((_, at) => Math.floor(at / 3) % parallel === part);
      return { seeds: own, part: `${part + 1}/${parallel}`, journal, core };
    });
    const codes = await Promise.all(parts.filter((part) => part.seeds.length > 0).map(startPart));
    const played = readJournal(journal, wanted);
    const [passed, skipped] = [inResult(played, 'passed'), inResult(played, 'skipped')];
    const failed = inResult(played, 'failed');
    const silent = wanted.filter((one) => !played.rounds.some((round) => round.seed === one));
    const problems = judge(played, { isRealCore: core !== null });
    const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
    const locks = core === null ? '' : `, ${waitedOut(played.rounds)} waited out a lock of Core`;
    const lines = [
      ...['', tableOf(played), ...problems],
      `seeds ${seed} to ${seed + rounds - 1}, ${parallel} at a time, in ${minutes} minutes`,
      ...(failed.length > 0 ? [`failed seeds: ${failed.join(' ')}`] : []),
      ...(silent.length > 0 ? [`seeds without an end: ${silent.join(' ')}`] : []),
      `${passed.length} of ${rounds} rounds passed, ${skipped.length} skipped${locks}`,
    ];
    process.stdout.write(`${lines.join('\n')}\n`);
    const isWhole = passed.length > 0 && passed.length + skipped.length === rounds;
    return isWhole && codes.every((code) => code === 0) && problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startPart(request: CrashRequest): Promise<number | null> {
  const child = fork(import.meta.filename, ['--part', JSON.stringify(request)]);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

async function runPart(request: CrashRequest): Promise<void> {
  const vitest = await startVitest('test', ['test/crash/crash.test.ts'], {
    run: true,
    watch: false,
    reporters: [{ onTestCaseResult: tellFailure, onTestModuleEnd: tellBroken }],
    provide: { crash: request },
  });
  await vitest.close();
}

function inResult({ rounds }: Journal, wanted: RoundEntry['result']): readonly number[] {
  return rounds.filter(({ result }) => result === wanted).map(({ seed }) => seed);
}

/** The rounds tell of themselves; here is only what went wrong. */
function tellFailure(test: TestCase): void {
  const { state, errors } = test.result();
  if (state === 'failed')
    for (const { message, cause } of errors) tellError(message, (cause as Error | undefined)?.stack);
}

function tellBroken(module: TestModule): void {
  for (const { message, stack } of module.errors()) tellError(message, stack);
}

function tellError(message: string, stack: string | undefined): void {
  process.stdout.write(`${message}\n${stack ?? ''}\n`);
}

function wholeNumber(name: 'rounds' | 'seed' | 'parallel', least: number): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= least) return number;
  throw new RangeError(`--${name} is ${values[name]}; allowed is a whole number from ${least}`);
}
