/**
 * What a damaged Stripe has said: kept beside the code under test, to judge what is stored by it. Judges only what can be
 * judged: of an intent that an answer gave another name, time or state, nobody can know that it was there.
 */
import { expect } from 'vitest';
import { damaged } from './apply-damage.js';
import type { Damage } from './damage.js';
import { type Json, memberOf, renderTree, textOf } from './json.js';
import type { FuzzStage } from './stage.js';
import { type IntentTruth, truthOf } from './truth.js';

/** What is asked of Stripe; with a slash one object by its id. */
export const FEEDS = ['payment_intents', 'events', 'charges', 'payment_intents/', 'account'] as const;
export type Asked = (typeof FEEDS)[number];

const DECISIVE = [
  ...['id', 'status', 'amount_received', 'currency', 'created', 'customer', 'payment_intent', 'data', 'has_more'],
  ...['object', 'metadata', 'description', 'captured'],
];

/** What answers have said of each intent, true or damaged. */
export class Sayings {
  readonly ofIntent = new Map<string, IntentTruth[]>();
  /** Those that an answer gave another name, time or state, in a way that nobody can see. */
  readonly hidden = new Set<string>();
  readonly damagedIds = new Set<string>();
  /** A list that said it was whole, or was of other objects, and was neither. */
  hidesMore = false;

  note(answer: Json, path: string): null {
    for (const intent of intentsIn(answer, path)) this.#hear(intent);
    return null;
  }

  damage(
    answer: Json,
    { path, plans }: { readonly path: string; readonly plans: ReadonlyMap<Asked, readonly Damage[]> },
  ) {
    this.note(answer, path);
    const plan = plans.get(askedIn(path));
    if (plan === undefined) return null;
    const instead = damaged(answer, plan, DECISIVE);
    for (const intent of intentsIn(instead, path)) this.#hear(intent);
    this.#compare(answer, instead);
    return instead;
  }

  #hear(intent: Json): void {
    const truth = truthOf(intent);
    if (truth.id === undefined) return;
    this.ofIntent.set(truth.id, [...(this.ofIntent.get(truth.id) ?? []), truth]);
  }

  /** Objects are held against each other by their place among those with an id. */
  #compare(answer: Json, instead: Json): void {
    const [before, after] = [objectsIn(answer), objectsIn(instead)];
    if (renderTree(memberOf(answer, 'has_more') ?? answer) !== renderTree(memberOf(instead, 'has_more') ?? instead))
      this.hidesMore = true;
    const told = new Map(after.map((object) => [textOf(memberOf(object, 'id')), object]));
    for (const object of before) {
      const id = textOf(memberOf(object, 'id'));
      const again = told.get(id);
      const names = namesOf(object);
      for (const name of again === undefined || renderTree(again) !== renderTree(object) ? names : [])
        this.damagedIds.add(name);
      const isSame =
        again !== undefined &&
        ['status', 'created', 'captured', 'payment_intent', 'data'].every((key) =>
          looksTheSame(memberOf(object, key), memberOf(again, key)),
        );
      if (!isSame) for (const name of names) this.hidden.add(name);
    }
  }
}

function looksTheSame(before: Json | undefined, after: Json | undefined): boolean {
  return (before === undefined ? '' : renderTree(before)) === (after === undefined ? '' : renderTree(after));
}

function askedIn(path: string): Asked {
  const name = path.replace(/^\/v1\//, '').replace(/\?.*$/, '');
  if (name.startsWith('payment_intents/')) return 'payment_intents/';
  return FEEDS.find((feed) => feed === name) ?? 'account';
}

function objectsIn(answer: Json): readonly Json[] {
  const list = memberOf(answer, 'data');
  return list?.kind === 'list' ? list.items : [answer];
}

function intentsIn(answer: Json, path: string): readonly Json[] {
  const asked = askedIn(path);
  if (asked === 'events') return objectsIn(answer).map((event) => memberOf(memberOf(event, 'data'), 'object') ?? event);
  return asked === 'charges' || asked === 'account' ? [] : objectsIn(answer);
}

/** The intents that an object is about. */
function namesOf(object: Json): readonly string[] {
  const inEvent = memberOf(memberOf(object, 'data'), 'object');
  const ids = [memberOf(object, 'id'), memberOf(object, 'payment_intent'), memberOf(inEvent, 'id')].map(textOf);
  return ids.filter((id) => id?.startsWith('pi_') === true) as string[];
}

/** What coverage says was read is stored, unless an answer told of something else in its stead. */
export async function expectNothingHidden(stage: FuzzStage, said: Sayings): Promise<void> {
  await stage.expectCounts();
  if (said.hidesMore) return;
  const covered = await stage.sql<{ feed: string; from: string; to: string }[]>`
    select feed, covered_from::text as from, covered_to::text as to from stripe_blnk_sync.coverage where feed <> 'charges'`;
  const postings = await stage.postings();
  for (const { id, created, succeeded } of stage.stripe.expected()) {
    if (succeeded === null || said.hidden.has(id) || postings.has(id)) continue;
    const claim = covered.find(({ feed, from, to }) => {
      const at = feed === 'events' ? succeeded : created;
      return at >= new Date(from) && at < new Date(to);
    });
    expect(claim, `${id} is not stored, though its time is said to be read`).toBeUndefined();
  }
}
