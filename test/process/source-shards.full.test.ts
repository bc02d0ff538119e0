/**
 * A mirror whose source is spread over four balances, by real processes: mirrored and proven like one with a single source, known
 * again after its database was lost, and never continued with another number.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS } from '../../sandbox/stripe/kinds.js';
import { homes } from '../support/homes.js';
import { openPlace, population, type Session, startSession } from '../support/process/session.js';
import { expectMirrored } from '../support/process/truth.js';

const TIMEOUT_MS = 120_000;
const SPREAD = { BLNK_SOURCE_SHARDS: '4' };

const [home] = homes();

describe('a source that is spread over four balances', () => {
  let session: Session;

  beforeAll(async () => {
    if (home === undefined) throw new Error('there is no home to test on');
    // All of them can be posted, so that every day can be sealed.
    const kinds = KINDS.filter(({ expected }) => expected.outcome === 'posted');
    session = await startSession(home, { population: { ...population(1_200), kinds } });
  }, TIMEOUT_MS);

  afterAll(() => session?.close(), TIMEOUT_MS);

  const prove = async (variables = session.variables) => {
    const days = ['--from', dayOf(19), '--to', dayOf(2)];
    const proof = await session.run(['prove', ...days, '--json'], { ...variables, ...SPREAD });
    expect([proof.code, proof.errors]).toEqual([0, expect.any(String)]);
    const { certificates } = JSON.parse(proof.output) as {
      certificates: Array<{ state: string; source_fell: string }>;
    };
    expect(certificates.length).toBeGreaterThan(18);
    expect(new Set(certificates.map(({ state }) => state))).toEqual(new Set(['sealed']));
  };

  it('gets each payment out of its own balance, in as many lanes', { timeout: TIMEOUT_MS }, async () => {
    const worker = session.workerHere({ variables: SPREAD });
    await session.untilSettled(TIMEOUT_MS);
    await expectMirrored(session, { payments: 800, sourceShards: 4 });
    const sql = await session.look();
    const lanes = await sql<{ lane: string }[]>`
      select distinct lane from stripe_blnk_sync.postings where currency = 'USD' order by lane`;
    expect(lanes.map(({ lane }) => lane)).toEqual([0, 1, 2, 3].map((shard) => `USD:@stripe_${shard}`));
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
  });

  it('is sealed, with what moved on all four', { timeout: TIMEOUT_MS }, () => prove());

  it('is not continued with another number', { timeout: TIMEOUT_MS }, async () => {
    const refused = await session.run(['worker'], { BLNK_SOURCE_SHARDS: '2' });
    expect([refused.code, refused.errors]).toEqual([2, expect.stringMatching(/BLNK_SOURCE_SHARDS is 2 now, it was 4/)]);
    const one = await session.run(['worker']);
    expect([one.code, one.errors]).toEqual([2, expect.stringMatching(/BLNK_SOURCE_SHARDS is 1 now, it was 4/)]);
  });

  it('is rebuilt from the ledger and Stripe', { timeout: TIMEOUT_MS }, async () => {
    if (home === undefined) throw new Error('there is no home to test on');
    const place = await openPlace(home);
    try {
      const variables = { ...session.variables, ...place.variables };
      const rebuilt = await session.run(['rebuild', '--json'], { ...variables, ...SPREAD });
      expect([rebuilt.code, rebuilt.errors]).toEqual([0, expect.any(String)]);
      expect(JSON.parse(rebuilt.output)).toMatchObject({ complete: true, already_there: 0 });
      const sql = await place.look();
      const states = await sql`select state, count(*)::int as n from stripe_blnk_sync.postings group by state`;
      expect(states.map(({ state }) => state)).toEqual(['posted']);
      await prove(variables);
    } finally {
      await place.close();
    }
  });

  it('that somebody emptied is another ledger', { timeout: TIMEOUT_MS }, async () => {
    session.blnk.wipe();
    const proof = await session.run(['prove'], SPREAD);
    expect([proof.code, proof.errors]).toEqual([2, expect.stringMatching(/other_ledger|does not look like/)]);
  });
});

function dayOf(daysAgo: number): string {
  return new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10);
}
