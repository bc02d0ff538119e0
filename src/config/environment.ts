/**
 * The only reader of the environment, and the only reader and writer of `.env`: the first step from variables to a
 * configuration, a flat bag of strings.
 * Apart from the second step, which loads what checks them: most commands need these alone.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { ErrorCode } from '../core/base/error-codes.js';

export type Bag = Readonly<Record<string, string | undefined>>;

/** Every problem of a configuration; the command exits with 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'configuration_unusable' satisfies ErrorCode;
  readonly problems: readonly string[];

  constructor(problems: readonly string[], hint: string | null) {
    const lines = ['The configuration is not usable:', ...problems.map((problem) => `  ${problem}`)];
    super([...lines, ...(hint === null ? [] : [hint])].join('\n'));
    this.problems = problems;
  }
}

/** The environment, over the `.env` of the working directory. Throws ConfigError when that cannot be read. */
export function readEnvironment(environment: Bag, directory: string): Bag {
  return { ...readEnvironmentFile(directory), ...environment };
}

/** What `.env` of the working directory holds; nothing when there is none. Throws ConfigError when it cannot be read. */
export function readEnvironmentFile(directory: string): Bag {
  const file = resolve(directory, '.env');
  if (!existsSync(file)) return {};
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(
      [`.env: ${file} cannot be read (${why}); allowed is a file of lines NAME=value, or none`],
      null,
    );
  }
  // As Notepad and PowerShell write it: read as UTF-8 it would hold no name at all.
  if (UTF16_MARKS.some((mark) => bytes.subarray(0, mark.length).equals(mark))) {
    throw new ConfigError([`.env: ${file} is saved as UTF-16; save it as UTF-8`], null);
  }
  // An editor's byte order mark would become a part of the first name.
  return parseEnv(bytes.toString('utf8').replace(/^\uFEFF/, ''));
}

/** The text of `.env`; null when there is none. */
export function readEnvironmentText(directory: string): string | null {
  const file = resolve(directory, '.env');
  return existsSync(file) ? readFileSync(file, 'utf8').replace(/^\uFEFF/, '') : null;
}

/** For its owner alone, and whole or not at all: it holds keys. */
export function writeEnvironmentText(directory: string, text: string): void {
  const path = resolve(directory, '.env');
  const file = existsSync(path) ? realpathSync(path) : path;
  const unfinished = `${file}.${randomUUID()}.new`;
  try {
    writeFileSync(unfinished, text, { mode: 0o600, flag: 'wx' });
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

const UTF16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];
