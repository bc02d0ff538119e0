/** Variables that are misspelt: a line for each, with the name that was meant, and never its value. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import { NAMES_READ, VARIABLES } from '../../src/config/config.js';
import { unknownNameLines } from '../../src/core/settings/unknown-names.js';
import { ROOT } from '../support/source-files.js';

const linesOf = (inFile: readonly string[], inEnvironment: readonly string[] = []) =>
  unknownNameLines({ inFile, inEnvironment: [...inFile, ...inEnvironment] }, NAMES_READ);

it.each([
  ['STRIPE_APIKEY', 'STRIPE_API_KEY'],
  ['BLNK_INSTANCE', 'BLNK_INSTANCE_ID'],
  ['SYNC_EVRY', 'SYNC_EVERY'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['REDIS_URI', 'REDIS_URL'],
  ['stripe_api_key', 'STRIPE_API_KEY'],
])('%s in .env is told, with %s as the nearest name', (name, meant) => {
  const line = `.env has ${name}, which nothing here reads; the nearest name that is read is ${meant}`;
  expect(linesOf([name])).toEqual([line]);
});

it('of the environment only names with our prefixes are told: the others are of other programs', () => {
  expect(linesOf([], ['DATABSE_URL', 'PATH', 'SYNC_EVRY'])).toEqual([
    'The environment has SYNC_EVRY, which nothing here reads; the nearest name that is read is SYNC_EVERY',
  ]);
});

it('what is read is never told, nor what docker-compose.yml or a Blnk Core reads, nor what is like nothing', () => {
  const example = Object.keys(
    parseEnv(readFileSync(join(ROOT, '.env.example'), 'utf8').replace(/^# ?(?=[A-Z_]+=)/gm, '')),
  );
  const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8').matchAll(/\b([A-Z]+(?:_[A-Z]+)+)\b/g);
  const names = [...example, ...[...compose].flatMap(([, name = '']) => name)];
  expect(names.length).toBeGreaterThan(VARIABLES.length);
  expect(linesOf([...names, ...NAMES_READ, 'STRIPE_API_KEY_FILE', 'OTHER_PROGRAM_PORT'])).toEqual([]);
});

it('a command that needs the whole configuration prints them before it refuses, without their values', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'names-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, '.env'), 'STRIPE_APIKEY=sk_test_canary\n');
  let errors = '';
  let code: number | undefined;
  const environment = commandEnvironment({
    ...{ variables: { SYNC_EVRY: 'canary' }, directory, userName: 'ada', signal: new AbortController().signal },
    standardOutput: { write: () => true },
    standardError: { write: (text: string) => (errors += text) },
    exit: (given) => {
      code = given;
    },
  });
  await runCommandLine(composeCommandLine(environment), environment, ['worker']);
  expect(code).toBe(2);
  expect(errors).toMatch(
    /^\.env has STRIPE_APIKEY.* STRIPE_API_KEY\nThe environment has SYNC_EVRY.*\nThe configuration is not usable:\n {2}STRIPE_API_KEY: is not set/,
  );
  expect(errors).not.toContain('canary');
});
