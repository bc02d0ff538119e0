/**
 * Stripe's side of a proof: a window of PaymentIntents, whole or not at all. Against the stand-in with ties and history,
 * and against pages that no sound Stripe gives.
 */
import { describe, expect, it } from 'vitest';
import type { FeedPage, PageRequest, PaymentFeeds } from '../../src/collect/ports.js';
import { SyncError } from '../../src/core/base/errors.js';
import type { Window } from '../../src/core/base/window.js';
import { createStripeSide } from '../../src/stripe/listing.js';
import { type ListedIntent, listedFeeds, listedPage, newestFirst } from '../support/listed-intents.js';

const at = (second: number) => new Date(Date.UTC(2026, 9, 1) + second * 1_000);
const WINDOW = { from: at(0), to: at(1_000) };

const intents = (count: number, secondOf: (index: number) => number): ListedIntent[] =>
  Array.from({ length: count }, (_, index) => intent(`pi_${String(index).padStart(4, '0')}`, secondOf(index)));

const intent = (id: string, second: number): ListedIntent => ({ id, created: at(second) });

const pageOf = (objects: readonly ListedIntent[], hasMore: boolean): FeedPage =>
  listedPage(objects, { hasMore, vendorNow: at(5_000) });

/** A test may delete from `held` between two pages, or answer in place of the list. */
function stripeOf(held: ListedIntent[], answer?: (request: PageRequest) => FeedPage | undefined) {
  const asked: PageRequest[] = [];
  const feeds = listedFeeds(held, at(5_000));
  const paymentIntents = async (request: PageRequest): Promise<FeedPage> => {
    asked.push(request);
    return answer?.(request) ?? feeds.paymentIntents(request);
  };
  return { asked, side: createStripeSide({ feeds: { ...feeds, paymentIntents } as PaymentFeeds }) };
}

async function list(
  side: ReturnType<typeof createStripeSide>,
  window: Window = WINDOW,
  between: (pages: number) => void = () => {},
): Promise<string[]> {
  const ids: string[] = [];
  let pages = 0;
  for await (const page of side.listSucceeded(window)) {
    ids.push(...page.payments.map(({ id }) => id));
    pages += 1;
    between(pages);
  }
  return ids;
}

const idsOf = (held: readonly ListedIntent[]) => held.map(({ id }) => id).sort();

describe('a window of payments', () => {
  it.each([0, 1, 100, 101, 350])(
    'of %i is listed to its end, each once, in as many requests as pages',
    async (count) => {
      const held = intents(count, (index) => index);
      const { side, asked } = stripeOf([...held, intent('pi_before', -1), intent('pi_at_end', 1_000)]);
      expect((await list(side)).sort()).toEqual(idsOf(held));
      expect(asked).toHaveLength(Math.max(1, Math.ceil(count / 100)));
    },
  );

  it('keeps the clock and the cost of each page', async () => {
    const pages = [];
    for await (const page of stripeOf(intents(150, (index) => index)).side.listSucceeded(WINDOW)) pages.push(page);
    expect(pages.map(({ vendorNow, requests }) => [vendorNow, requests])).toEqual([
      [at(5_000), 1],
      [at(5_000), 1],
    ]);
  });

  it('goes on behind any of its pages, also when its last payment is gone by then', async () => {
    const held = intents(350, (index) => Math.floor(index / 40));
    const whole = [];
    for await (const page of stripeOf(held).side.listSucceeded(WINDOW)) whole.push(page);
    expect(whole.map(({ next }) => next !== null)).toEqual([true, true, true, false]);
    for (const [at, { next, payments }] of whole.slice(0, -1).entries()) {
      for (const gone of [null, payments.at(-1)?.id]) {
        const { side, asked } = stripeOf(held.filter(({ id }) => id !== gone));
        const rest = new Set<string>();
        for await (const page of side.listSucceeded(WINDOW, next)) for (const { id } of page.payments) rest.add(id);
        const wanted = whole.slice(at + 1).flatMap((page) => page.payments.map(({ id }) => id));
        expect(wanted.filter((id) => !rest.has(id))).toEqual([]);
        expect(asked.length).toBeLessThanOrEqual(whole.length - at + 1);
      }
    }
  });

  it('does not take what was created before a bound within a second', async () => {
    const { side } = stripeOf([intent('pi_of_the_second', 10)]);
    expect(await list(side, { from: new Date(at(10).getTime() + 500), to: at(20) })).toEqual([]);
  });

  it.each([
    ['every second', (index: number) => index],
    ['40 in each second', (index: number) => Math.floor(index / 40)],
    ['all in one second', () => 7],
  ])('is whole although cursors vanish between pages: %s', async (_, secondOf) => {
    const held = intents(350, secondOf);
    const gone: string[] = [];
    const { side } = stripeOf(held);
    const ids = await list(side, WINDOW, (pages) => {
      if (pages > 2) return;
      // What the next request would begin after is deleted, as test data can be.
      const sorted = [...held].sort(newestFirst);
      const last = sorted[pages * 100 - 1];
      if (last === undefined) return;
      held.splice(held.indexOf(last), 1);
      gone.push(last.id);
    });
    expect(gone.length).toBe(2);
    expect(idsOf(held).filter((id) => !ids.includes(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is given up when every cursor vanishes', async () => {
    const { side, asked } = stripeOf([], ({ after }) => {
      if (after !== null) throw new SyncError('the cursor is gone', { kind: 'transient', code: 'cursor_gone' });
      return pageOf(
        intents(100, () => 7),
        true,
      );
    });
    await expect(list(side)).rejects.toMatchObject({ code: 'cursor_gone' });
    expect(asked.length).toBeLessThan(20);
  });

  it('is given up when a page cannot be read', async () => {
    const refused = new SyncError('refused', { kind: 'fatal', code: 'stripe_permission_missing' });
    const { side } = stripeOf(
      intents(150, (index) => index),
      ({ after }) => {
        if (after !== null) throw refused;
        return undefined;
      },
    );
    await expect(list(side)).rejects.toBe(refused);
  });

  it.each([
    ['newer than the page before', (index: number) => 500 + index],
    ['beyond the end', () => 1_000],
    ['before the beginning', () => -5],
  ])('is refused with a page %s', async (_, secondOf) => {
    const { side } = stripeOf(
      intents(150, (index) => index),
      ({ after }) => (after === null ? undefined : pageOf(intents(3, secondOf).reverse(), false)),
    );
    await expect(list(side)).rejects.toMatchObject({ code: 'stripe_answer_unreadable' });
  });

  it('is refused when the same page comes for ever', async () => {
    const { side, asked } = stripeOf([], () =>
      pageOf(
        intents(100, () => 7),
        true,
      ),
    );
    await expect(list(side)).rejects.toMatchObject({ code: 'stripe_answer_unreadable' });
    expect(asked.length).toBe(2);
  });
});

it('one intent is read as it is now, or is missing', async () => {
  const { side } = stripeOf([intent('pi_1', 1)]);
  expect(await side.readIntent('pi_1')).toMatchObject({ kind: 'payment', id: 'pi_1' });
  expect(await side.readIntent('pi_2')).toEqual({ kind: 'missing' });
});
