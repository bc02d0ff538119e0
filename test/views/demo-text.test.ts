/** The demonstration: what it says, how far it is while it waits, and a line that makes every command work elsewhere. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createNarration } from '../../src/app/demo/narration.js';
import { readWorkerConfig } from '../../src/config/config.js';
import {
  demoComparison,
  demoDamage,
  demoDecisions,
  demoEnd,
  demoFirstRun,
  demoIntroduction,
  demoKilled,
  demoProof,
  demoSealedAgain,
  demoSecondRun,
  demoStaysUp,
} from '../../src/views/demo-text.js';
import { aFullCertificate } from '../support/certificates.js';

const WANTED = {
  STRIPE_API_KEY: 'sk_test_sandbox',
  STRIPE_API_BASE: 'http://127.0.0.1:1',
  BLNK_API_KEY: 'a_key_with"$HOME"and\'quotes\'inside',
  BLNK_API_BASE: 'http://127.0.0.1:2',
  BLNK_INSTANCE_ID: 'inst_test',
  DATA_DIR: '/tmp/a folder',
  DATABASE_URL: '',
  REDIS_URL: '',
};

describe('what the demonstration prints for another terminal', () => {
  const lines = demoStaysUp({
    pages: 'http://p',
    stripe: 'http://s',
    blnk: 'http://b',
    variables: WANTED,
    command: 'sync',
  });

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

  it('names the commands that prove and repair', () => {
    for (const command of ['status', 'prove', 'certificates list', 'repair plan', 'backfill'])
      expect(lines.some((line) => line.startsWith(`  sync ${command}`))).toBe(true);
  });
});

const CERTIFICATE = aFullCertificate();

describe('what the demonstration prints', () => {
  const counts = { found: 526, posted: 523, parked: 3, tookMs: 11_000 };
  const total = (currency: string, postedCount: number, parkedCount: number) => ({
    ...{ currency, postedCount, posted: 123_456n, pendingCount: 0, pending: 0n, parkedCount, parked: 0n },
  });
  const totals = [total('EUR', 300, 0), total('USD', 223, 0), total('KWD', 0, 1), total('INR', 0, 2)];
  const exception = { ...CERTIFICATE, state: 'sealed_with_exceptions' } as const;

  it('has counts that add up, and no table of currencies without payments', () => {
    const lines = demoFirstRun(counts, { totals }, 80);
    const numbers = [...lines.join(' ').matchAll(/(\d+) (?:payments succeeded|are in the ledger|are held back)/g)];
    const [found, posted, parked] = numbers.map(([, number]) => Number(number));
    expect(found).toBe((posted ?? 0) + (parked ?? 0));
    const counted = lines.flatMap((line) => /^[A-Z]{3} +(\d+)/.exec(line)?.[1] ?? []).map(Number);
    expect(counted).toEqual([300, 223]);
    expect(counted.reduce((sum, one) => sum + one, 0)).toBe(counts.posted);
  });

  it('fits 80 columns, has no colours, and names what a proof left open', () => {
    const id = 'pi_3lQBmW4mNP1H1B2Gl627hoP5';
    const check = { stripeCount: 5_525, ledgerCount: 5_525, differences: [], currencies: 5 };
    const said = [
      ...demoIntroduction(1_000_000),
      ...demoKilled({ inLedger: 123_456, succeeded: 654_321 }),
      ...demoFirstRun({ ...counts, found: 526_000, posted: 523_000 }, { totals }, 80),
      ...demoSecondRun({ found: 526_000, knownBefore: 526_000 }, 0),
      ...demoDecisions({
        dismissed: id,
        why: 'No card can be charged 5.124 KWD. Asked them; nothing came.',
        retried: [id, id],
      }),
      ...demoComparison(check),
      ...demoProof([exception, { ...CERTIFICATE, day: '2026-11-19' }], 80),
      ...demoDamage({ id, day: '2026-11-26' }, [], 80),
      ...demoSealedAgain([CERTIFICATE]),
      ...demoEnd(`Complete: every payment that succeeded is in the ledger. ${'It is behind. '.repeat(9)}`),
    ];
    expect(said.filter((line) => line.length > 80 || line.includes('\u001b'))).toEqual([]);
    expect(demoProof([exception], 80).join(' ')).toMatch(/sealed with an exception/);
    expect(demoProof([{ ...CERTIFICATE, state: 'open' }], 80)[0]).toMatch(/not sealed: 2026-11-18/);
    expect(demoComparison({ ...check, differences: ['pi_x is missing'] }).join(' ')).toMatch(/pi_x is missing/);
  });
});

describe('the narration of the demonstration', () => {
  it('prints how far a long wait is, and the reason when it is told to stop', async () => {
    const said: string[] = [];
    const stopping = new AbortController();
    const narration = createNarration((line) => said.push(line), stopping.signal, { sayEveryMs: 20 });
    const found = await narration.until(
      () => (said.length >= 2 ? 'found' : null),
      () => 'it is looked for',
    );
    expect([found, said[0]]).toEqual(['found', '  … it is looked for (0 s)']);
    const waiting = narration.until(
      () => null,
      () => 'for ever',
    );
    stopping.abort(new Error('told to'));
    await expect(waiting).rejects.toThrow(/told to|aborted/);
  });
});
