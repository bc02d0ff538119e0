/**
 * `npm run test:full`: what takes too long for each change, one step after the other, each a command that can be run alone.
 *
 *   npm run test:full                            all steps, about an hour and a half on two cores
 *   npm run test:full -- --only crashes,faults   some of them, by name
 *   npm run test:full -- --seed 42 --record      with another seed; writes what ran into docs/engineering/full-tests.md, and
 *                                                leaves the lines of the other steps as they were
 *
 *   npm run test:full -- --core 0.15.2=http://127.0.0.1:5001,<key>    a real Blnk Core as well, with an empty ledger
 *
 * A failed step does not keep the others from running.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Step {
  readonly name: string;
  readonly proves: string;
  readonly command: readonly string[];
}

interface StepResult {
  readonly step: Step;
  readonly held: boolean;
  readonly seconds: number;
}

const RECORD = fileURLToPath(new URL('../docs/engineering/full-tests.md', import.meta.url));
/** Whose answers test/blnk-contract holds; what other versions do otherwise is known to test/blnk/cores.full.test.ts. */
const RECORDED_CORE = '0.15.2';
const RECORD_BEGINS = '<!-- written by npm run test:full -- --record -->';
const TS = ['node', '--import', 'tsx'];
const HEAD = ['| step | what it shows | result | time | when, and where |', '|---|---|---|---|---|'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: '1' },
    record: { type: 'boolean', default: false },
    core: { type: 'string', multiple: true, default: [] },
  },
});
const { seed } = values;

const STEPS: readonly Step[] = [
  {
    name: 'long-files',
    proves: 'the test files named *.full.test.ts',
    command: ['env', 'TEST_TIER=full', ...TS, 'test/run.ts', '.full.test.ts'],
  },
  {
    name: 'grown-files',
    proves: 'all cases of the test files of which npm test takes some',
    command: ['env', 'TEST_TIER=full', ...TS, 'test/run.ts', ...filesOfTiers()],
  },
  {
    name: 'crashes',
    proves: '100 rounds of kills, restarts and damage on three homes',
    command: [...TS, 'test/run-crash.ts', '--rounds', '100', '--seed', `${seed}000`, '--parallel', '3'],
  },
  {
    name: 'faults',
    proves: 'every cell of the two fault tables of fault-matrix.md',
    command: [...TS, 'scripts/write-fault-matrix.ts', '--check'],
  },
  {
    name: 'histories',
    proves: 'drawn histories of payments, two minutes for each suite',
    command: [...TS, 'scripts/play-histories.ts', '2', seed],
  },
  {
    name: 'bad-data',
    proves: 'ten times as many bad answers, rows, jobs, variables and command lines as npm test draws',
    command: [...TS, 'scripts/play-bad-data.ts', '10', seed],
  },
  {
    name: 'backlog',
    proves: '200,000 payments pending, and new ones beside them',
    // A million, as the bench does by itself, takes longer than all other steps together.
    command: [...TS, 'bench/backlog.ts', '--pending', '200000'],
  },
  ...values.core.flatMap(coreSteps),
];

process.exitCode = await runSteps();

async function runSteps(): Promise<number> {
  const names = values.only?.split(',');
  const unknown = names?.filter((name) => !STEPS.some((step) => step.name === name)) ?? [];
  if (unknown.length > 0) {
    throw new Error(`No step is named ${unknown.join(', ')}. Allowed are ${STEPS.map(({ name }) => name).join(', ')}`);
  }
  const results: StepResult[] = [];
  for (const step of STEPS.filter(({ name }) => names === undefined || names.includes(name))) {
    results.push(await run(step));
  }
  process.stdout.write(`\n${tableOf(results.map(lineOf))}\n`);
  if (values.record) record(results);
  return results.every(({ held }) => held) ? 0 : 1;
}

async function run(step: Step): Promise<StepResult> {
  process.stdout.write(`\n=== ${step.name}: ${step.command.join(' ')}\n`);
  const startedAt = performance.now();
  const [program = 'node', ...args] = step.command;
  const child = spawn(program, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return { step, held: code === 0, seconds: Math.round((performance.now() - startedAt) / 1_000) };
}

/** They import what decides how much of them is executed. */
function filesOfTiers(): string[] {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => path.endsWith('.test.ts') && readFileSync(join(folder, path), 'utf8').includes('/support/tier.js'),
    )
    .map((path) => join('test', path))
    .sort();
}

function coreSteps(core: string): Step[] {
  const [, version, url, key] = /^([^=]+)=([^,]+),(.*)$/.exec(core) ?? [];
  if (version === undefined || url === undefined || key === undefined) {
    throw new Error(`--core is ${JSON.stringify(core)}; allowed is <version>=<url>,<key>`);
  }
  const address = [`BLNK_CONTRACT_CORE_URL=${url}`, `BLNK_CONTRACT_CORE_KEY=${key}`];
  const tests = ['env', ...address, `BLNK_CONTRACT_CORE_VERSION=${version}`, 'TEST_TIER=full', ...TS, 'test/run.ts'];
  const isRecorded = version === RECORDED_CORE;
  // First: its days are sealed only where nothing else is in the ledger.
  const beside: Step = {
    name: `beside-${version}`,
    proves: `payments that other code posted in every form, and all advice followed, on Blnk Core ${version}`,
    command: [...tests, 'test/process/beside-other-code'],
  };
  const job: Step = {
    name: `core-${version}`,
    proves: `all that is asked of Blnk, the recorded contract and whole jobs on Blnk Core ${version}`,
    command: [...tests, 'test/blnk/cores.full', ...(isRecorded ? ['test/blnk-contract'] : [])],
  };
  return isRecorded ? [beside, job] : [job];
}

function tableOf(lines: readonly string[]): string {
  return [...HEAD, ...lines].join('\n');
}

function lineOf({ step, held, seconds }: StepResult): string {
  const day = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, Node ${process.version}`;
  const result = held ? 'held' : '**failed**';
  return `| ${step.name} | ${step.proves} | ${result} | ${seconds} s | ${day}, seed ${seed}, ${machine} |`;
}

/** Steps may run on different days: each has its own line. */
function record(results: readonly StepResult[]): void {
  const [before = '', recorded = ''] = readFileSync(RECORD, 'utf8').split(RECORD_BEGINS);
  const lines = new Map(
    recorded
      .split('\n')
      .filter((line) => line.startsWith('| ') && line !== HEAD[0])
      .map((line) => [nameIn(line), line]),
  );
  for (const result of results) lines.set(result.step.name, lineOf(result));
  const inOrder = [...STEPS.map(({ name }) => name), ...lines.keys()];
  const table = tableOf([...new Set(inOrder)].flatMap((name) => lines.get(name) ?? []));
  writeFileSync(RECORD, `${before}${RECORD_BEGINS}\n\n${table}\n`);
}

function nameIn(line: string): string {
  return line.split('|')[1]?.trim() ?? '';
}
