/**
 * Rows of a payment that take effect on another day than the payment was made on: its own day finds the payment under its
 * reference and asks for nothing else, so the day on which they took effect has to say it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stages } from '../support/stages/collect.js';
import { DAMAGED_DAY as DAY, findingsOf, openProofStage, type ProofStage } from '../support/stages/proof.js';

const OTHER = '2026-05-31';

const openStage = stages();
let stage: ProofStage;
let id: string;

beforeEach(async () => {
  stage = await openProofStage(await openStage());
  id = stage.payOn(DAY, 100, { amount: 2_000 });
  stage.payOn(OTHER, 5);
  await stage.settle();
});
afterEach(() => stage.closeLedger());

const AT_OTHER = { effective_date: `${OTHER}T10:00:00Z` };

function booked(reference: string, more: object) {
  return stage.postByHand({
    ...{ reference, precise_amount: 2_000, precision: 100, currency: 'USD', skip_queue: true, source: '@stripe' },
    ...more,
  });
}

async function proven(): Promise<readonly (readonly string[])[]> {
  return [findingsOf(await stage.prove(DAY)), findingsOf(await stage.prove(OTHER))];
}

describe('what took effect on another day', () => {
  it('and takes the payment back by hand is said there', async () => {
    await booked(`${id}:undo`, { source: '@stripe_guests', destination: '@stripe', ...AT_OTHER });
    expect(await proven()).toEqual([[], [`missing ${id}`]]);
    const [finding] = (await stage.prove(OTHER)).certificates[0]?.findings ?? [];
    expect(finding?.detail).toContain(`the payment was created on ${DAY}, and ${id}:undo took effect on ${OTHER}`);
  });

  it('and books it once more in parts is said there', async () => {
    const destinations = [
      { identifier: '@stripe_guests', distribution: '97%' },
      { identifier: '@fees', distribution: 'left' },
    ];
    await booked(id, { destinations, ...AT_OTHER });
    expect(await proven()).toEqual([[], [`doubled ${id}`]]);
  });

  it('and is a copy of it with our metadata is more than a wrong day key', async () => {
    const meta_data = { stripe_mirror: stage.mirrorId, stripe_payment_intent_id: id, stripe_day: OTHER };
    await booked(`copy-${id}`, { destination: '@stripe_guests', meta_data, ...AT_OTHER });
    expect(await proven()).toEqual([[], [`doubled ${id}`]]);
  });

  it('and books again what it takes back leaves the payment standing once', async () => {
    await booked(`${id}:undo`, { source: '@stripe_guests', destination: '@stripe', ...AT_OTHER });
    await booked(`${id}:r1`, { destination: '@stripe_guests', ...AT_OTHER });
    expect(await proven()).toEqual([[], []]);
  });

  it('and is made good under a further reference leaves both days as they should be', async () => {
    await booked(`${id}:undo`, { source: '@stripe_guests', destination: '@stripe', ...AT_OTHER });
    const meta_data = { stripe_mirror: stage.mirrorId, stripe_payment_intent_id: id, stripe_day: DAY };
    await booked(`${id}:r1`, { destination: '@stripe_guests', meta_data, effective_date: `${DAY}T00:01:40Z` });
    expect(await proven()).toEqual([[], []]);
  });

  it('of a payment that a person decided to leave out is nothing new', async () => {
    await stage.sql`
      update stripe_blnk_sync.postings set state = 'parked', reason = 'conflict', dismissed_at = now(), dismissed_by = 'ada',
        dismissed_why = 'refunded' where reference = ${id}`;
    await booked(`${id}:undo`, { source: '@stripe_guests', destination: '@stripe', ...AT_OTHER });
    expect((await proven())[1]).toEqual([]);
  });
});
