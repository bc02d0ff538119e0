/** The commands about certificates and proofs, over a real database. */
import { Command } from 'commander';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addCertificatesCommands } from '../../src/cli/certificates.js';
import { runCommandLine } from '../../src/cli/command-line.js';
import type { CommandContext } from '../../src/cli/ports.js';
import { addProveCommand, type ProveOptions } from '../../src/cli/prove.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import { createReadModel } from '../../src/db/reads/read-model.js';
import { createRequestOperations } from '../../src/operations/request-operations.js';
import { aCertificate, proofOf } from '../support/certificates.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { recordEnvironment } from '../support/recorded-environment.js';

describe('the commands', () => {
  let database: ReadsDatabase;
  beforeAll(async () => {
    database = await createReadsDatabase();
  });
  beforeEach(() => database.empty());
  afterAll(() => database.drop());

  async function command(words: string) {
    const asked: ProveOptions[] = [];
    const reads = createReadModel(database.db, {
      lagMs: 600_000,
      intervalMs: 60_000,
      stripeReads: { used: 0, allowed: null, forecast: 0 },
    });
    const never = async (): Promise<never> => {
      throw new Error('must not be asked');
    };
    const requests = {
      ...{ sync: never, backfill: never, requestParts: never },
      ...{ wakeLanes: never, queue: never, proofs: never },
    };
    const operations = createRequestOperations({
      reads,
      parked: { retry: never, dismiss: never },
      proofRequests: { keep: never },
      acceptances: { accept: never, takeBack: never },
      requests,
    });
    const context: CommandContext = { reads, operations, close: async () => {} };
    const { environment, outcome } = recordEnvironment({ open: async () => context });
    const program = new Command('test').exitOverride().configureOutput({ writeErr: environment.output.warn });
    addCertificatesCommands(program, environment);
    addProveCommand(program, async (options) => void asked.push(options));
    await runCommandLine(program, environment, words.split(' '));
    return { ...outcome(), asked };
  }

  async function keep(days: readonly string[]): Promise<void> {
    const store = createCertificateStore(database.db, '0.1.0');
    for (const day of days)
      await store.keepProof(proofOf([aCertificate({ day, stripe: { count: 2, sum: 2n ** 70n, hash: 'ab' } })]));
  }

  it('list what was proven, and how to go on', async () => {
    expect((await command('certificates list')).printed).toContain('No certificate matches.');
    await keep(['2026-11-16', '2026-11-17', '2026-11-18']);
    const page = await command('certificates list --limit 2');
    expect(page.printed.split('\n')).toHaveLength(4);
    expect(page.printed).toMatch(/\n2 shown; more with: stripe-blnk-sync certificates list --limit 2 --to 2026-11-16$/);
    const ofOne = await command('certificates list --limit 1 --from 2026-11-16 --state sealed');
    expect(ofOne.printed).toMatch(/ certificates list --from 2026-11-16 --state sealed --limit 1 --to 2026-11-17$/);
    expect((await command('certificates list --from 2026-11-17 --csv')).printed.split('\r\n')).toHaveLength(3);
  });

  it('print sums as text in JSON', async () => {
    await keep(['2026-11-18']);
    const { certificates } = JSON.parse((await command('certificates list --json')).printed);
    expect(certificates).toMatchObject([
      {
        ...{ stripe_sum_minor: `${2n ** 70n}`, stripe_sum: '11805916207174113034.24', currency_decimals: 2 },
        ...{ ledger_sum_minor: '2000', ledger_sum: '20.00', movement_minor: '2000', movement: '20.00' },
      },
    ]);
  });

  it('show a day, or how to prove it', async () => {
    await keep(['2026-11-18']);
    const shown = await command('certificates show 2026-11-18 --currency usd');
    expect(shown.printed).toContain('Proofs of this day');
    expect(shown.printed).not.toContain('shown');
    await keep(Array.from({ length: 100 }, () => '2026-11-18'));
    expect((await command('certificates show 2026-11-18')).printed).toMatch(/\n100 of 101 shown, the newest$/);
    const unknown = await command('certificates show 2026-11-18 --currency EUR');
    expect([unknown.code, unknown.warned]).toEqual([
      1,
      'day_not_proven: 2026-11-18 has no certificate in EUR; it has one in USD. Show it with: stripe-blnk-sync certificates ' +
        'show 2026-11-18 --currency USD',
    ]);
    const never = await command('certificates show 2026-11-17 --currency EUR');
    expect([never.code, never.warned]).toEqual([1, expect.stringContaining('2026-11-17 was never proven')]);
  });

  it.each(['certificates show 2026-02-30', 'certificates list --from 30d', 'prove --to yesterday'])(
    '%j is refused before anything opens',
    async (words) => {
      const refused = await command(words);
      expect([refused.code, refused.warned, refused.asked]).toEqual([
        2,
        expect.stringContaining('Allowed: a UTC day'),
        [],
      ]);
    },
  );

  it('hand on what a person asked for', async () => {
    expect((await command('prove')).asked).toEqual([{ from: null, to: null, all: false, json: false }]);
    expect((await command('prove --from 2026-11-01 --to 2026-11-02 --json')).asked).toEqual([
      { from: '2026-11-01', to: '2026-11-02', all: false, json: true },
    ]);
    expect((await command('prove --all')).asked).toMatchObject([{ all: true }]);
  });
});
