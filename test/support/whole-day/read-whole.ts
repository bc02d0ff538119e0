/** Both sides of a day read into memory, as they were before days were cut into pieces. */
import { mapInParallel } from '../../../src/core/base/in-parallel.js';
import { dayWindow, earlier, utcDay, type Window } from '../../../src/core/base/window.js';
import { childrenOf, findForms, GENERATIONS_MAX } from '../../../src/core/ledger/find-forms.js';
import { isApplied, isPlainlyOurs, type LedgerRecord, rowKey } from '../../../src/core/ledger/row.js';
import { type MappingRules, preparePayment } from '../../../src/core/posting/mapping.js';
import type { Mirror } from '../../../src/core/posting/mirror.js';
import type { FoundPayment, IntentNow, Payment, UnreadablePayment } from '../../../src/core/posting/payment.js';
import type { UnreadableOfDay } from '../../../src/core/proof/compare-day.js';
import type { DayPosting, ExpectedPayment, JudgeRules } from '../../../src/core/proof/day-payment.js';
import { paymentsOfRows, roleOf } from '../../../src/core/proof/day-row.js';
import { isClaimed, type OtherPayment } from '../../../src/core/proof/judge-unlisted.js';
import { isPlain, namedBy } from '../../../src/core/proof/place-row.js';
import type { LedgerSide, StripeSide } from '../../../src/prove/ports.js';

const BALANCES_IN_FLIGHT_MAX = 4;
const NAMES_A_REQUEST = 100;

export interface StripeDay {
  readonly payments: Map<string, ExpectedPayment>;
  readonly unreadable: Map<string, UnreadableOfDay>;
  readonly requests: number;
  /** Stripe's clock when the first page was cut. */
  readonly asOf: Date;
}

export async function readStripeDay(stripe: StripeSide, window: Window, rules: MappingRules): Promise<StripeDay> {
  const day = { payments: new Map(), unreadable: new Map() };
  let requests = 0;
  let asOf: Date | null = null;
  for await (const page of stripe.listSucceeded(window)) {
    if (page.vendorNow === null) throw new Error('no time');
    asOf = asOf === null ? page.vendorNow : earlier(asOf, page.vendorNow);
    requests += page.requests;
    for (const found of page.payments) addPayment(day, found, rules);
  }
  if (asOf === null) throw new Error('no time');
  return { ...day, requests, asOf };
}

/** Keeps of a payment what comparing needs, and no customer detail. */
export function addPayment(
  { payments, unreadable }: Pick<StripeDay, 'payments' | 'unreadable'>,
  found: FoundPayment,
  rules: MappingRules,
): void {
  if (found.kind === 'payment') payments.set(found.id, expect(found, rules));
  else unreadable.set(found.id, reduce(found));
}

function reduce({ id, problem, known }: UnreadablePayment): UnreadableOfDay {
  return { id, problem, currency: known?.currency?.toUpperCase() ?? null };
}

function expect(payment: Payment, rules: MappingRules): ExpectedPayment {
  const { id, created, amountReceived: amount } = payment;
  const facts = { id, amount, currency: payment.currency.toUpperCase(), created };
  const preparation = preparePayment(payment, rules);
  if (preparation.kind === 'rejected') {
    return { ...facts, balances: null, refused: `${preparation.reason}: ${preparation.detail}` };
  }
  const { source, destination } = preparation.transaction;
  return { ...facts, balances: { source, destination }, refused: null };
}

/** Payments that are asked for at a time, each in all its forms. */
const PAYMENTS_A_REQUEST = 100;

export interface LedgerDay {
  rows(): LedgerRecord[];
  /** Asks by reference for those payments whose own reference is not among the applied rows. */
  findMissing(paymentIds: Iterable<string>): Promise<void>;
  /** The same of those with an applied row under their own reference, and with further ones. */
  findBeside(isListed: (id: string) => boolean): Promise<void>;
  /** The same of all of these payments of other days. */
  findForms(dayOf: Iterable<readonly [string, string]>): Promise<void>;
}

export interface LedgerDayRequest {
  readonly day: string;
  readonly window: Window;
  readonly mirrorId: string;
}

export async function readLedgerDay(
  ledger: LedgerSide,
  { day, window, mirrorId }: LedgerDayRequest,
): Promise<LedgerDay> {
  const found = new Map<string, LedgerRecord>();
  const add = (rows: readonly LedgerRecord[]): void => {
    for (const row of rows) found.set(rowKey(row), row);
  };
  /** Rows whose commits, voids and refunds were asked for. */
  const followed = new Set<string>();
  const follow = async (): Promise<void> => {
    for (let generation = 0; generation < GENERATIONS_MAX; generation += 1) {
      const young = [...found.values()].filter(
        (row) => !isPlainlyOurs(row, { mirrorId }) && !followed.has(rowKey(row)),
      );
      if (young.length === 0) return;
      for (const row of young) followed.add(rowKey(row));
      add(await childrenOf(young, ledger, { mirrorId }));
    }
  };
  const ask = async (
    missing: readonly string[],
    dayOf: ReadonlyMap<string, string> = new Map(),
    own: { readonly mirrorId: string } | null = { mirrorId },
  ): Promise<void> => {
    const unsettled: string[] = [];
    for (let at = 0; at < missing.length; at += PAYMENTS_A_REQUEST) {
      const ids = missing.slice(at, at + PAYMENTS_A_REQUEST);
      const forms = await findForms(ids, ledger, own);
      const replaced = await ledger.findByReference(ids.map((id) => `${id}:r1`));
      const rows = [...[...forms.values()].flat(), ...replaced];
      add(rows);
      unsettled.push(...ids.filter((id) => mayHaveMore(id, rows, { day: dayOf.get(id) ?? day, mirrorId })));
    }
    for (const id of unsettled) add(await ledger.listOfPayment(id));
    await follow();
  };
  const askAll = (dayOf: Iterable<readonly [string, string]>): Promise<void> => {
    const days = new Map([...dayOf].flatMap(([id, of]) => [[id, of] as const, [`${id}:r1`, of] as const]));
    return ask([...days.keys()], days, null);
  };
  for (const pages of [ledger.listDay(day), ledger.listForeign(window)]) {
    for await (const { rows } of pages) add(rows);
  }
  return {
    rows: () => [...found.values()],
    async findBeside(isListed) {
      const rows = [...found.values()];
      const applied = new Set(rows.filter(isApplied).map(({ reference }) => reference));
      const beside = rows.filter((row) => !isPlain(row)).map(namedBy);
      await askAll(
        [...new Set(beside)].filter((id) => isListed(id) && applied.has(id)).map((id) => [id, day] as const),
      );
    },
    async findMissing(paymentIds) {
      const applied = new Set([...found.values()].filter(isApplied).map(({ reference }) => reference));
      await ask([...paymentIds].filter((id) => !applied.has(id)));
    },
    findForms: askAll,
  };
}

/**
 * Rows that the day's list does not have: of a payment whose day key was changed, and further replacements of one whose
 * references are unusable and of which nothing else was seen.
 */
function mayHaveMore(
  id: string,
  rows: readonly LedgerRecord[],
  { day, mirrorId }: { readonly day: string; readonly mirrorId: string },
): boolean {
  const originals = rows.filter((row) => roleOf(row, id) === 'original');
  const lostDay = originals.some((row) => row.mirrorId === mirrorId && row.day !== day);
  return lostDay || (originals.length > 0 && !originals.some(isApplied));
}

/** One request each. An import of years that took effect on one day must not cost a million; the rest is not seen. */
const INTENTS_READ_MAX = 1_000;

/** So many are read by id before the list is walked: the newest of them is newer than almost all of the others. */
const SAMPLE = 20;

/** Pages that may bring nothing, before a walk is given up. */
const PAGES_IN_VAIN_MAX = 3;

export type WholeOther =
  | Exclude<OtherPayment, { readonly kind: 'created_on' }>
  | {
      readonly kind: 'created_on';
      readonly day: string;
      readonly held?: { readonly payment: ExpectedPayment; readonly own: DayPosting[] };
    };

export interface ReadOthers {
  readonly others: ReadonlyMap<string, WholeOther>;
  /** Payments of this very day, which succeeded after the listing; added to it. */
  readonly late: readonly string[];
  readonly requests: number;
}

export async function readOthers(
  stripe: StripeSide,
  {
    day,
    rows,
    listed,
    mirror,
  }: {
    readonly day: string;
    readonly rows: readonly LedgerRecord[];
    readonly listed: StripeDay;
    readonly mirror: Mirror;
  },
): Promise<ReadOthers> {
  const window = dayWindow(day);
  const others = new Map<string, WholeOther>();
  const late: string[] = [];
  const learn = (id: string, found: IntentNow): void => {
    if (found.kind === 'missing' || found.kind === 'not_succeeded') others.set(id, { kind: found.kind });
    else if (found.created !== null && (found.created < window.from || found.created >= window.to)) {
      const held = found.kind === 'payment' ? { held: { payment: expect(found, mirror), own: [] } } : {};
      others.set(id, { kind: 'created_on', day: utcDay(found.created), ...held });
    } else {
      addPayment(listed, found, mirror);
      late.push(id);
    }
  };
  const wanted = namedByRows(rows, { listed, mirror });
  let [requests, read] = [0, 0];
  while (wanted.size > 0 && read < INTENTS_READ_MAX) {
    let newest: Date | null = null;
    for (const id of [...wanted].slice(0, Math.min(SAMPLE, INTENTS_READ_MAX - read))) {
      const found = await stripe.readIntent(id);
      read += 1;
      requests += 1;
      wanted.delete(id);
      learn(id, found);
      if ('created' in found && found.created !== null && found.created > (newest ?? 0)) newest = found.created;
    }
    if (newest !== null && wanted.size > 0) requests += await walkBack(stripe, { from: newest, wanted, learn });
  }
  return { others, late, requests };
}

/** Payments that applied rows name and that the day's listing does not have. */
function namedByRows(
  rows: readonly LedgerRecord[],
  { listed, mirror }: { readonly listed: StripeDay; readonly mirror: Mirror },
): Set<string> {
  const isListed = (id: string) => listed.payments.has(id) || listed.unreadable.has(id);
  const named = new Set<string>();
  const paymentOf = paymentsOfRows(rows, isListed);
  for (const row of rows) {
    if (!isApplied(row) || !isClaimed(row, mirror)) continue;
    const id = paymentOf(row) ?? row.reference;
    if (!isListed(id)) named.add(id);
  }
  return named;
}

/** Takes out of `wanted` what the list shows, newest first. @returns the requests that it took */
async function walkBack(
  stripe: StripeSide,
  {
    from,
    wanted,
    learn,
  }: { readonly from: Date; readonly wanted: Set<string>; learn(id: string, found: FoundPayment): void },
): Promise<number> {
  let [requests, found] = [0, 0];
  const window = { from: new Date(0), to: new Date(from.getTime() + 1_000) };
  for await (const page of stripe.listSucceeded(window)) {
    requests += page.requests;
    for (const payment of page.payments) {
      if (!wanted.delete(payment.id)) continue;
      found += 1;
      learn(payment.id, payment);
    }
    if (wanted.size === 0 || requests >= found + PAGES_IN_VAIN_MAX) break;
  }
  return requests;
}
export interface BalanceIds extends Pick<JudgeRules, 'balanceId'> {
  /** Ids of the mirror's own balances by currency: every one that the ledger has, whatever the day holds. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** Resolves the mirror's own balances in every currency that they have, and the destinations of the day's payments. */
export async function resolveBalances(
  ledger: LedgerSide,
  wanted: {
    readonly own: readonly string[];
    readonly payments: Iterable<ExpectedPayment>;
    readonly postings: readonly DayPosting[];
  },
): Promise<BalanceIds> {
  const names = new Map<string, Set<string>>();
  const want = (name: string | null | undefined, currency: string | null): void => {
    if (name === null || name === undefined || wanted.own.includes(name) || currency === null) return;
    names.set(currency, (names.get(currency) ?? new Set()).add(name));
  };
  for (const { balances, currency } of wanted.payments) want(balances?.destination, currency);
  for (const { destination, currency } of wanted.postings) want(destination, currency);
  const ofOwn = new Map(
    await mapInParallel(
      wanted.own,
      BALANCES_IN_FLIGHT_MAX,
      async (name) => [name, await ledger.balancesOf(name)] as const,
    ),
  );
  const questions = [...names].flatMap(([currency, wantedNames]) => {
    return inPieces([...wantedNames], NAMES_A_REQUEST).map((indicators) => ({ indicators, currency }));
  });
  const answers = await mapInParallel(questions, BALANCES_IN_FLIGHT_MAX, (query) => ledger.findBalances(query));
  const ids = new Map<string, Map<string, string>>();
  for (const [at, { currency }] of questions.entries()) {
    ids.set(currency, new Map([...(ids.get(currency) ?? []), ...(answers[at] ?? [])]));
  }
  const balanceId = (name: string, currency: string) => {
    return ofOwn.has(name) ? ofOwn.get(name)?.get(currency) : ids.get(currency)?.get(name);
  };
  const sources = new Map<string, string[]>();
  for (const [currency, id] of [...ofOwn.values()].flatMap((balances) => [...balances])) {
    sources.set(currency, [...(sources.get(currency) ?? []), id]);
  }
  return { balanceId, sources };
}

function inPieces<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));
}
