/**
 * The proof of a day as it was before days were cut into pieces: everything that is read is held in memory, and compared at once.
 * Kept to hold the certificates of the other way against it.
 */
import { dayWindow, type Window } from '../../../src/core/base/window.js';
import type { LedgerRecord } from '../../../src/core/ledger/row.js';
import { ownBalancesOf } from '../../../src/core/posting/source-shards.js';
import { type Certificate, compareText } from '../../../src/core/proof/certificate.js';
import type { Movement } from '../../../src/core/proof/certify-day.js';
import type { DayPosting, ExpectedPayment } from '../../../src/core/proof/day-payment.js';
import { paymentOfReference } from '../../../src/core/proof/day-row.js';
import type { OwnSide, StripeSide, SucceededSince } from '../../../src/prove/ports.js';
import type { ProveFacts, ProvePorts, ProveRequest } from '../../../src/prove/prove-day.js';
import { readMovements } from '../../../src/prove/read-balances.js';
import { certifyWhole, compareWhole, type WholeCurrency, type WholeDay } from './certify-whole.js';
import { type LedgerDay, readLedgerDay, readOthers, readStripeDay, resolveBalances } from './read-whole.js';

export interface WholePorts extends Omit<ProvePorts, 'stores' | 'openHash' | 'monotonicMs'> {
  hash(lines: Iterable<string>): string;
}

export async function proveWhole(ports: WholePorts, request: ProveRequest): Promise<readonly Certificate[]> {
  const { stripe, ledger } = ports;
  const { day, facts, standings = new Map() } = request;
  const { mirror } = facts;
  const window = dayWindow(day);

  const listed = await readStripeDay(stripe, window, mirror);
  const held = await readLedgerDay(ledger, { day, window, mirrorId: mirror.mirrorId });
  await held.findBeside((id) => listed.payments.has(id) || listed.unreadable.has(id));
  await held.findMissing([...listed.payments.keys(), ...listed.unreadable.keys()]);
  const { others, late } = await readOthers(stripe, { day, rows: held.rows(), listed, mirror });
  if (late.length > 0) await held.findMissing(late);
  const elsewhere = [...others.values()].flatMap((other) => (other.kind === 'created_on' ? (other.held ?? []) : []));
  for (const of of elsewhere) of.own.push(...(await ports.own.postingsOf([of.payment.id])));
  await held.findForms(
    [...others].flatMap(([id, other]) =>
      other.kind === 'created_on' && other.held !== undefined ? [[id, other.day] as const] : [],
    ),
  );
  const own = await readOwn(ports.own, held, window);

  const rows = held.rows();
  const payments = [...listed.payments.values()];
  const { balanceId, sources } = await resolveBalances(ledger, {
    own: ownBalancesOf(mirror),
    payments: [...payments, ...elsewhere.map(({ payment }) => payment)],
    postings: own,
  });
  const isDayRead = facts.coveredUpTo !== null && facts.coveredUpTo >= window.to;
  const fresh = isDayRead
    ? await readFresh(stripe, { payments, rows, own, facts })
    : { ids: new Set<string>(), requests: 0 };
  const isCollected = (id: string) => isDayRead && !fresh.ids.has(id);
  const unreadable = [...listed.unreadable.values()];
  const compared = compareWhole(
    { day, mirror, payments, unreadable, rows, others, own, isCollected, balanceId, sources },
    facts.earlierCurrencies,
  );

  const isOver = listed.asOf.getTime() >= window.to.getTime() + facts.lagMs;
  const movements =
    isOver && window.to > mirror.startsAt ? await readMovements(ledger, { sources, window, standings }) : null;
  const { parts, idleUnseen } = withMoved(compared, movements);
  // Read last: what is accepted from now on makes the day due again, though it be in this proof already.
  const acceptances = await ports.accepted.inForce(day);
  const about = { day, compared, isOver, idleUnseen, acceptances, stripeAsOf: listed.asOf, startsAt: mirror.startsAt };
  return parts.map((part) => certifyWhole(part, { ...about, hash: ports.hash, movement: movementOf(part, movements) }));
}

/** Our postings, read last. What one of them saw in the ledger meanwhile is asked for once more before it is missing. */
async function readOwn(side: OwnSide, held: LedgerDay, window: Window): Promise<DayPosting[]> {
  const own: DayPosting[] = [];
  for await (const { postings } of side.listPostings(window)) own.push(...postings);
  const seen = new Set(held.rows().flatMap(({ reference, paymentId }) => [reference, paymentId]));
  const unseen = own.filter(({ state, paymentId }) => state === 'posted' && !seen.has(paymentId));
  await held.findMissing(new Set(unseen.map(({ paymentId }) => paymentId)));
  return own;
}

/** Payments of which nothing is known because they succeeded after what the mirror has read. */
async function readFresh(
  stripe: StripeSide,
  known: {
    readonly payments: readonly ExpectedPayment[];
    readonly rows: readonly LedgerRecord[];
    readonly own: readonly DayPosting[];
    readonly facts: ProveFacts;
  },
): Promise<SucceededSince> {
  const { coveredUpTo, mirror } = known.facts;
  const seen = new Set(known.own.map(({ paymentId }) => paymentId));
  for (const { reference, paymentId } of known.rows) seen.add(paymentId ?? paymentOfReference(reference) ?? reference);
  const unknown = known.payments.filter(({ id, created }) => created >= mirror.startsAt && !seen.has(id));
  if (coveredUpTo === null || unknown.length === 0) return { ids: new Set(), requests: 0 };
  return stripe.succeededSince(coveredUpTo, new Set(unknown.map(({ id }) => id)));
}

type Movements = ReadonlyMap<string, Movement> | null;

/**
 * The currencies to certify: those of the day, and those in which nothing but the source balance moved. Money that somebody
 * took out of it in a currency of no payment would otherwise be on no certificate.
 */
function withMoved(
  { currencies, idle }: WholeDay,
  movements: Movements,
): { readonly parts: readonly WholeCurrency[]; readonly idleUnseen: string | null } {
  const seen = idle.map((part) => ({ part, movement: movementOf(part, movements) }));
  const moved = seen.filter(({ part, movement }) => movement.kind === 'seen' && movement.amount !== part.explained);
  const parts = [...currencies, ...moved.map(({ part }) => part)];
  const unseen = seen.flatMap(({ part, movement }) => {
    return movement.kind === 'not_seen' && movement.why !== null ? [{ ...part, why: movement.why }] : [];
  });
  const first = unseen[0] ?? null;
  return {
    parts: moved.length === 0 ? parts : parts.filter(({ currency }) => currency !== null).sort(byCurrency),
    idleUnseen:
      first && `in ${unseen.map(({ currency }) => currency).join(', ')}, without any payment on this day: ${first.why}`,
  };
}

/** Rows without a balance say that the look-up did not show it. Null movements: it is too early for them. */
function movementOf({ currency, ledger }: WholeCurrency, movements: Movements): Movement {
  if (movements === null) return { kind: 'not_seen', why: null };
  const movement = currency === null ? undefined : movements.get(currency);
  if (movement !== undefined) return movement;
  if (ledger.length === 0) return { kind: 'seen', amount: 0n };
  return { kind: 'not_seen', why: 'the ledger shows no source balance in this currency' };
}

function byCurrency(a: WholeCurrency, b: WholeCurrency): number {
  return compareText(a.currency ?? '', b.currency ?? '');
}
