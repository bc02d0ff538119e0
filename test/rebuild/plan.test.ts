/** Whose ledger a rebuild takes it for: some transactions that are nobody's payment must not make it another account's. */
import { expect, it } from 'vitest';
import type { LedgerRecord } from '../../src/core/ledger/row.js';
import { planRebuild } from '../../src/prove/plan-rebuild.js';

const NOW = new Date('2026-11-21T12:00:00Z');
const MIRROR_ID = '5d0c2f0e-3c0b-4a6e-8d8e-0d6c4a1b7f01';

/** A ledger with these payments by day, of which Stripe knows some. */
async function plan(days: Readonly<Record<string, readonly string[]>>, known: readonly string[]) {
  const asked: string[] = [];
  const rowOf = (paymentId: string, day: string): LedgerRecord => ({
    ...{ reference: paymentId, transactionId: `txn_${paymentId}`, status: 'APPLIED', amount: 1n, currency: 'USD' },
    ...{ source: 'bln_1', destination: 'bln_2', effectiveDate: NOW, createdAt: NOW, rejectionReason: null },
    ...{ paymentId, mirrorId: MIRROR_ID, day },
  });
  const answer = await planRebuild(
    {
      history: { mirrorIds: async () => [MIRROR_ID], oldestEffectiveDay: async () => Object.keys(days)[0] ?? null },
      ledger: {
        async *listDay(day) {
          // Each twice, as when other rows arrive between two pages.
          for (const id of days[day] ?? []) yield { rows: [rowOf(id, day), rowOf(id, day)], next: '' };
        },
      },
      stripe: {
        async readIntent(id) {
          asked.push(id);
          return { kind: known.includes(id) ? 'not_succeeded' : 'missing' };
        },
      },
      serverTime: async () => NOW,
    },
    { from: null },
  ).catch((error: unknown) => error);
  return { answer, asked };
}

it.each([
  ['on the same day', { '2026-10-01': ['pi_a', 'pi_b', 'pi_c'] }],
  ['weeks later', { '2026-10-01': ['pi_a', 'pi_b'], '2026-10-31': ['pi_c'] }],
])('a ledger whose oldest payments Stripe does not have is rebuilt when it has one %s', async (_, days) => {
  const { answer, asked } = await plan(days, ['pi_c']);
  expect(answer).toMatchObject({ mirrorIdsFound: [MIRROR_ID], startsAt: new Date('2026-10-01T00:00:00Z') });
  expect(asked).toEqual(['pi_a', 'pi_b', 'pi_c']);
});

it('requests one payment when Stripe has it', async () => {
  expect((await plan({ '2026-10-01': ['pi_a', 'pi_b'] }, ['pi_a', 'pi_b'])).asked).toEqual(['pi_a']);
});

it('refuses a ledger of which Stripe knows none of the first five payments, and one of which it knows nothing', async () => {
  const many = await plan({ '2026-10-01': ['pi_a', 'pi_b', 'pi_c'], '2026-10-02': ['pi_d', 'pi_e', 'pi_f'] }, ['pi_f']);
  expect(many.answer).toMatchObject({ kind: 'fatal', code: 'other_account' });
  expect(String(many.answer)).toContain('Stripe does not know pi_a, pi_b, pi_c, pi_d, pi_e, which the ledger holds');
  expect((await plan({ '2026-10-01': ['pi_a'] }, [])).answer).toMatchObject({ code: 'other_account' });
});
