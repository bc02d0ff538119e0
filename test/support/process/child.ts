/**
 * A Node process of our own that a test starts, watches and ends: what it wrote, how it ended, and how long that took.
 * It gets exactly the variables that it is given and an empty working directory, so nothing of the developer's leaks in.
 */
import { type ChildProcess, type Serializable, type StdioOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';
import { until } from './wait.js';

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly errors: string;
  readonly durationMs: number;
}

export interface Child {
  readonly pid: number;
  /** Standard output so far. */
  output(): string;
  errors(): string;
  /** The lines of its log so far. */
  log(): readonly LogLine[];
  readonly ended: Promise<Ended>;
  isAlive(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** To a child that was started with `onMessage`; lost when it has ended. */
  send(message: Serializable): void;
  /** Resolves once a line of the log has this message. Rejects when the process ends before. */
  untilLogged(message: RegExp | string, timeoutMs?: number): Promise<LogLine>;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface ChildOptions {
  /** Path of its source, from the root of the project. */
  readonly script: string;
  readonly words: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** The host of a `Network` in which it runs; absent: this machine. */
  readonly within?: string | undefined;
  /** Opens a channel besides its outputs. */
  onMessage?(message: Serializable): void;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const started = new Set<ChildProcess>();

export function startChild({ script, words, variables, within, onMessage }: ChildOptions): Child {
  const directory = mkdtempSync(join(tmpdir(), 'process-'));
  const startedAt = performance.now();
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(onMessage === undefined ? [] : (['ipc'] as const))];
  const line = [...(within === undefined ? [] : ['ip', 'netns', 'exec', within]), process.execPath];
  const [file = '', ...first] = [...line, ...program(script), ...words];
  const child = spawn(file, first, { cwd: directory, env: { ...variables }, stdio });
  started.add(child);
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null) throw new Error(`${script} could not be started`);
  const text = { output: '', errors: '' };
  stdout.setEncoding('utf8').on('data', (piece: string) => {
    text.output += piece;
  });
  stderr.setEncoding('utf8').on('data', (piece: string) => {
    text.errors += piece;
  });
  if (onMessage !== undefined) child.on('message', onMessage);
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      started.delete(child);
      rmSync(directory, { recursive: true, force: true });
      resolve({ code, signal, ...text, durationMs: performance.now() - startedAt });
    });
  });
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  const log = () => readLog(text.output);
  return {
    pid,
    output: () => text.output,
    errors: () => text.errors,
    log,
    ended,
    isAlive,
    kill: (signal) => void child.kill(signal),
    send(message) {
      if (child.connected) child.send(message, () => {});
    },
    untilLogged(message, timeoutMs) {
      const fits = ({ msg }: LogLine) => (typeof message === 'string' ? msg === message : message.test(msg));
      return until(
        `${script} logs ${message}`,
        () => {
          const found = log().find(fits);
          if (found === undefined && !isAlive()) throw new Error(`${script} ended:\n${text.output}${text.errors}`);
          return found;
        },
        { explain: () => text.output + text.errors, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
      );
    },
  };
}

/** Another version of the project, in a folder of its own, is compiled as it is read. */
function program(script: string): readonly string[] {
  const path = resolve(ROOT, script);
  return relative(ROOT, path).startsWith('..') ? ['--import', import.meta.resolve('tsx'), path] : compiled(script);
}

/** What `node` is given to run a source of the project, named from its root, as it was made for all tests (programs.ts). */
export function compiled(script: string): readonly [program: string] {
  return [join(inject('programs'), script.replace(/\.ts$/, '.js'))];
}

/** Ends whatever a failed test left running. */
export async function endChildren(): Promise<void> {
  const children = [...started];
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(
    children.map((child) => until('a killed process ends', () => child.exitCode !== null || child.signalCode !== null)),
  );
}

/** Only whole lines; what is not a line of the log is left out. */
function readLog(output: string): LogLine[] {
  return output
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as LogLine] : []));
}
