/**
 * Long lists of which one page is damaged and the next one never comes: what is covered by then was read, and an intent
 * that is on a page twice with different money is parked, until Stripe shows it once.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUSTOMER_KINDS } from '../../sandbox/stripe/kinds/customers.js';
import { drawDamage } from '../support/fuzz/damage.js';
import { itemsOf, type Json, memberOf, parseTree, textOf } from '../support/fuzz/json.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { expectNothingHidden, Sayings } from '../support/fuzz/sayings.js';
import { type FuzzGround, openFuzzStage, prepareGround } from '../support/fuzz/stage.js';

let ground: FuzzGround;

beforeAll(async () => {
  ground = await prepareGround({ size: 150, kinds: CUSTOMER_KINDS });
});
afterAll(() => ground.close());

const BROKEN = parseTree('{"object":"list"}');

describe('a page that is damaged before one that never comes', () => {
  const { timeout, settings } = fuzzRuns(3);
  it('covers nothing that was not read', { timeout }, async () => {
    const feeds = fc.constantFrom('payment_intents' as const, 'events' as const);
    const property = fc.asyncProperty(feeds, drawDamage(2), async (feed, plan) => {
      const stage = await openFuzzStage(ground, 'cloud');
      try {
        const said = new Sayings();
        stage.proxies.stripe.change((answer, { path }) =>
          isNextPage(path) ? BROKEN : said.damage(answer, { path, plans: new Map([[feed, plan]]) }),
        );
        await stage.collect();
        await expectNothingHidden(stage, said);
      } finally {
        await stage.close();
      }
    });
    await fc.assert(property, settings);
  });

  it.each([
    ['that is older than the window asked for', '1', -1],
    ['that is newer than it', '4000000000', 0],
  ])('is refused for an object %s', async (_, created, at) => {
    const stage = await openFuzzStage(ground, 'cloud');
    try {
      stage.proxies.stripe.change((answer, { path }) => {
        if (isNextPage(path)) return BROKEN;
        return /\/payment_intents\?/.test(path)
          ? withItem(answer, at, (item) => withMember(item, 'created', created))
          : null;
      });
      const faults = await stage.collect();
      expect(faults.map(({ message }) => message).join()).toContain('what was asked for; it is asked again');
      expect(await stage.sql`select 1 from stripe_blnk_sync.coverage where feed = 'payment_intents'`).toHaveLength(0);
    } finally {
      await stage.close();
    }
  });
});

describe('an intent that is on a page twice', () => {
  it('with different money is parked, and posted once Stripe shows it once', async () => {
    const stage = await openFuzzStage(ground, 'cloud');
    try {
      let id: string | undefined;
      stage.proxies.stripe.change((answer, { path }) => {
        if (!/\/payment_intents\?/.test(path)) return /\/(events|charges)/.test(path) ? BROKEN : null;
        const paid = itemsOf(memberOf(answer, 'data')).find((item) => textOf(memberOf(item, 'status')) === 'succeeded');
        if (paid === undefined) return null;
        id = textOf(memberOf(paid, 'id'));
        const items = itemsOf(memberOf(answer, 'data')).flatMap((item) =>
          item === paid ? [item, withMember(item, 'amount_received', '77')] : [item],
        );
        return withMember(answer, 'data', { kind: 'list', items });
      });
      await stage.collect();
      expect((await stage.postings()).get(id ?? '')).toMatchObject({ state: 'parked', reason: 'unreadable_payment' });
      stage.proxies.stripe.change(null);
      expect(await stage.collect()).toEqual([]);
      expect((await stage.postings()).get(id ?? '')?.state).toBe('pending');
    } finally {
      await stage.close();
    }
  });
});

function isNextPage(path: string): boolean {
  return path.includes('starting_after');
}

function withItem(answer: Json, at: number, change: (item: Json) => Json): Json {
  const items = itemsOf(memberOf(answer, 'data'));
  const item = items.at(at);
  if (item === undefined) return answer;
  return withMember(answer, 'data', { kind: 'list', items: items.with(at, change(item)) });
}

function withMember(tree: Json, key: string, value: Json | string): Json {
  if (tree.kind !== 'members') return tree;
  const put: Json = typeof value === 'string' ? { kind: 'leaf', text: value } : value;
  return { kind: 'members', entries: tree.entries.map((entry) => (entry[0] === `"${key}"` ? [entry[0], put] : entry)) };
}
