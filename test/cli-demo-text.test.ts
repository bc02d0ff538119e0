/** The end of the demonstration: which days it proves, what it shows of them, and a line that makes every command work. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { daysToShow } from '../src/app/demo-proof.js';
import { demoProof, demoStaysUp } from '../src/cli/demo-text.js';
import { readWorkerConfig } from '../src/config.js';
import { aFullCertificate } from './support/certificates.js';

const WANTED = {
  STRIPE_API_KEY: 'sk_test_sandbox',
  STRIPE_API_BASE: 'http://127.0.0.1:1',
  BLNK_API_KEY: 'a_key_with"$HOME"and\'quotes\'',
  BLNK_API_BASE: 'http://127.0.0.1:2',
  BLNK_INSTANCE_ID: 'inst_test',
  DATA_DIR: '/tmp/a folder',
  DATABASE_URL: '',
  REDIS_URL: '',
};

describe('what the demonstration prints for another terminal', () => {
  const lines = demoStaysUp({ stripe: 'http://s', blnk: 'http://b', variables: WANTED, command: 'sync' });

  it('gives a shell all that the commands need, and hides what they must not see', async () => {
    const exported = lines.filter((line) => line.startsWith('export '));
    expect(exported).toHaveLength(1);
    const elsewhere = { DATABASE_URL: 'postgres://elsewhere', REDIS_URL: 'redis://elsewhere' };
    const printed = execFileSync('/bin/sh', ['-c', `${exported[0]}\n/usr/bin/env -0`], {
      env: elsewhere,
      encoding: 'utf8',
    });
    const seen = Object.fromEntries(
      printed.split('\0').map((pair): [string, string] => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    );
    expect(seen).toMatchObject(WANTED);
    const config = readWorkerConfig(seen);
    expect(config).toMatchObject({ redisUrl: null, database: { kind: 'embedded', dataDir: '/tmp/a folder' } });
    expect(await config.blnk.readKey()).toBe(WANTED.BLNK_API_KEY);
  });

  it('names the commands that prove and mend', () => {
    for (const command of ['status', 'prove', 'certificates list', 'repair plan', 'backfill'])
      expect(lines.some((line) => line.startsWith(`  sync ${command}`))).toBe(true);
  });
});

describe('the days that the demonstration proves', () => {
  const payment = (time: string, isParked = false) => ({ created: new Date(time), isParked });
  const now = new Date('2026-11-20T12:00:00Z');

  it('are the newest that is sealed and the newest that is open, of those that are over', () => {
    const payments = [
      payment('2026-11-16T10:00:00Z'),
      payment('2026-11-17T10:00:00Z'),
      payment('2026-11-18T10:00:00Z', true),
      payment('2026-11-18T11:00:00Z'),
      payment('2026-11-19T23:59:59Z', true),
      payment('2026-11-20T00:00:00Z'),
    ];
    expect(daysToShow(payments, now)).toEqual(['2026-11-17', '2026-11-19']);
    expect(daysToShow(payments.slice(0, 2), now)).toEqual(['2026-11-17']);
    expect(daysToShow(payments.slice(5), now)).toEqual([]);
  });

  it('are shown with their certificates and the answer, or not at all', () => {
    expect(demoProof([], 80)).toEqual([]);
    const lines = demoProof([aFullCertificate()], 80);
    expect(lines.some((line) => /^2026-11-18 {2}USD {7}sealed/.test(line))).toBe(true);
    expect(lines.at(-1)).toBe('1 day proven: 1 sealed.');
  });
});
