/**
 * .env.example says the truth: it names exactly the variables that are read, its defaults are what happens without them,
 * and its examples are accepted.
 */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readWorkerConfig, VARIABLES, type WorkerConfig } from '../../src/config/config.js';
import type { Bag } from '../../src/config/environment.js';
import { SECRETS } from '../../src/config/secrets.js';

interface Entry {
  readonly name: string;
  readonly defaultText: string;
  readonly example: string;
}

const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
const entries = readEntries(text);

const CLOUD: Bag = { STRIPE_API_KEY: 'sk_test_1', BLNK_API_KEY: 'key', BLNK_INSTANCE_ID: 'inst_1' };
const readKey = async () => '';

/** What an example needs beside it to be allowed. */
const TOGETHER: Readonly<Record<string, Bag>> = {
  REDIS_URL: { DATABASE_URL: 'postgres://127.0.0.1/sync' },
  BLNK_API_STYLE: { BLNK_API_BASE: 'http://127.0.0.1:5001' },
  HTTP_HOST: { ADMIN_TOKEN: 'a-token-of-an-administrator' },
  PUBLIC_URL: { ADMIN_TOKEN: 'a-token-of-an-administrator' },
  VIEWER_TOKEN: { ADMIN_TOKEN: 'a-token-of-an-administrator' },
};

describe('.env.example', () => {
  it('names every variable that is read, once, and no other', () => {
    expect(entries.map(({ name }) => name).sort()).toEqual([...VARIABLES].sort());
  });

  it('names which ones may come from a file', () => {
    const [, rule] = /^#\n# ([A-Z_, and]+) may each come from a file/m.exec(text) ?? [];
    expect(rule?.match(/[A-Z_]{2,}/g)?.sort()).toEqual([...SECRETS].sort());
  });

  it.each(entries.filter(({ defaultText }) => !defaultText.startsWith('none')))(
    '$name: leaving it out is the same as $defaultText',
    ({ name, defaultText }) => {
      expect(comparable({ ...CLOUD, [name]: defaultText })).toEqual(comparable(CLOUD));
    },
  );

  it.each(entries)('$name: the example $example is accepted, and is not the default', ({ name, example }) => {
    const configured = comparable({ ...CLOUD, ...TOGETHER[name], [name]: example });
    // Keys are handed on as something to be read, which does not compare; a permission changes nothing by itself.
    if (name.endsWith('_API_KEY') || name === 'ALLOW_HTTP_HOSTS') return;
    expect(configured).not.toEqual(comparable({ ...CLOUD, ...TOGETHER[name] }));
  });

  it('copied as it is, requires nothing but what has no default', () => {
    const copied = parseEnv(text);
    expect(Object.values(copied).join('')).toBe('');
    expect(Object.keys(copied).sort()).toEqual(Object.keys(CLOUD).sort());
  });
});

/** Two lines each: what it is, then the variable, commented out when it has a default. */
function readEntries(file: string): readonly Entry[] {
  const lines = file.split('\n');
  return lines.flatMap((line, index) => {
    const [, name] = /^#?([A-Z][A-Z_]*)=$/.exec(line) ?? [];
    if (name === undefined) return [];
    const [, defaultText, example] = /^# .+\. Default: (.+)\. Example: (\S+)$/.exec(lines[index - 1] ?? '') ?? [];
    if (defaultText === undefined || example === undefined) throw new Error(`${name} is not explained above its line`);
    return [{ name, defaultText, example }];
  });
}

function comparable(bag: Bag): WorkerConfig {
  const config = readWorkerConfig(bag);
  return { ...config, stripe: { ...config.stripe, readKey }, blnk: { ...config.blnk, readKey } };
}
