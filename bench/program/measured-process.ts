/** Programs of ours as processes of their own, compiled, and what the operating system says of them (Linux). */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHome } from '../../src/app/home.js';
import { readHomeConfig } from '../../src/config/config.js';
import { createLog } from '../../src/observability/log.js';
import { type CompiledPrograms, compilePrograms } from '../../test/support/compile-programs.js';

const PROGRAMS = ['src/main.ts', 'bench/program/reading-worker.ts', 'sandbox/blnk/cli.ts'];

let programs: Promise<CompiledPrograms> | null = null;

/** Once for all that this process starts: compiling takes the processors that are measured. */
function compiled(): Promise<CompiledPrograms> {
  programs ??= compilePrograms(PROGRAMS).then((made) => {
    process.once('exit', () => rmSync(made.folder, { recursive: true, force: true }));
    return made;
  });
  return programs;
}

/** @param file one of `PROGRAMS` */
export async function start(
  file: string,
  words: ReadonlyArray<string | number>,
  variables: Record<string, string> = {},
  profileTo: string | null = null,
): Promise<ChildProcess> {
  const profiling = profileTo === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`];
  const program = join((await compiled()).folder, file.replace(/\.ts$/, '.js'));
  return spawn(process.execPath, [...profiling, program, ...words.map(String)], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

export async function answers(port: number): Promise<void> {
  for (;;) {
    const reply = await fetch(`http://127.0.0.1:${port}/_sandbox/stats`).catch(() => null);
    if (reply !== null) return;
    await sleep(50);
  }
}

export function residentMb({ pid }: ChildProcess): number {
  const file = `/proc/${pid}/status`;
  const kilobytes = existsSync(file) ? /VmRSS:\s+(\d+)/.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  return Math.round(Number(kilobytes ?? 0) / 1_024);
}

/** User and system time, in clock ticks of 10 ms. */
export function cpuMs(child: ChildProcess): number {
  const fields = statOf(child);
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 10;
}

/**
 * Pages of memory that were new to it, 4 kB each as a rule. A virtual machine may take 20 µs for each, and then what a
 * process allocates anew decides how fast it is.
 */
export function pageFaults(child: ChildProcess): number {
  return Number(statOf(child)[7] ?? 0);
}

/** What the operating system counts of a process, from its state on; nothing when it is gone. */
function statOf({ pid }: ChildProcess): readonly string[] {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) ? (readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []) : [];
}

/** Brings an empty database to the schema of this code. */
export async function migrate(variables: Record<string, string>): Promise<void> {
  const home = await openHome(readHomeConfig(variables), {
    log: createLog({ level: 'silent' }),
    role: 'worker',
    migratesOnly: true,
  });
  await home.migrate();
  await home.close();
}
