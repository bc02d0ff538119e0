/**
 * Lists a day into its store: Stripe's side first, then the ledger's, then our postings. How far each list was read is stored
 * with what was read, so that a process that goes on after another one asks for no page twice but those of its last batch.
 */
import { SyncError } from '../core/base/errors.js';
import { mapInParallel } from '../core/base/in-parallel.js';
import { DAY_MS, type Window } from '../core/base/window.js';
import type { Mirror } from '../core/posting/mirror.js';
import type { StagedItem } from '../core/proof/staged.js';
import type { DayProgress, DayStore } from './day-store.js';
import type { DayPart, LedgerSide, OwnSide, StripeSide } from './ports.js';
import { itemOfPayment, itemOfPosting, itemsOfRow } from './stage-items.js';

/** Items of one statement: a page alone would cost as much as ten of them together. */
const BATCH_ITEMS = 2_000;
/** So long after the last batch the next one is stored, however small it is: what is not stored is asked for again. */
const BATCH_MS = 5_000;

/** Days of more payments have their ledger listed in parts: each is further questions, which a small day is not worth. */
const PARTS_FROM_PAYMENTS = 50_000;
/** Parts of the day itself; what took effect before it, after it and at no time is one part each. */
const PARTS = 8;
/** Lists of the ledger that are read at the same time: Blnk posts meanwhile. */
const LISTS_IN_FLIGHT_MAX = 4;

export interface ListPorts {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly own: OwnSide;
  monotonicMs(): number;
}

const NOTHING: DayProgress = { lists: {}, stripeAsOfMs: null, stripeRequests: 0, ledgerRequests: 0 };

export interface ListOptions {
  readonly day: string;
  readonly window: Window;
  readonly mirror: Mirror;
  readonly expected: number;
}

/** Both vendors' sides. Throws SyncError `no_server_time` when a page came without Stripe's time: then nobody knows what it was as of. */
export async function listSides(ports: ListPorts, store: DayStore, options: ListOptions): Promise<DayProgress> {
  const { day, window, mirror, expected } = options;
  const filler = createFiller(store, ports);
  await filler.list('stripe', async (after, add) => {
    for await (const page of ports.stripe.listSucceeded(window, after)) {
      if (page.vendorNow === null) throw noServerTime();
      filler.note(page.vendorNow, page.requests);
      await add(
        page.payments.map((found) => itemOfPayment(found, mirror)),
        page.next,
      );
    }
  });
  if (filler.progress().stripeAsOfMs === null) throw noServerTime();
  const rows = async (pages: ReturnType<LedgerSide['listDay']>, add: AddPage) => {
    for await (const page of pages) {
      await add(
        page.rows.flatMap((row) => itemsOfRow(row, mirror)),
        page.next,
      );
    }
  };
  const requestsBefore = ports.ledger.requestCount();
  const earlier = filler.progress().ledgerRequests;
  filler.countLedger(() => earlier + ports.ledger.requestCount() - requestsBefore);
  // Which parts there are stays as it was when the first one began.
  const isInParts = filler.has('ledger in parts') || (expected > PARTS_FROM_PAYMENTS && !filler.has('ledger'));
  const parts = isInParts ? partsOfDay(window) : [null];
  if (isInParts) await filler.list('ledger in parts', async () => {});
  await mapInParallel([...parts.entries()], LISTS_IN_FLIGHT_MAX, ([at, part]) =>
    filler.list(part === null ? 'ledger' : `ledger ${at}`, (after, add) =>
      rows(ports.ledger.listDay(day, part, after), add),
    ),
  );
  await filler.list('foreign', (after, add) => rows(ports.ledger.listForeign(window, after), add));
  return filler.progress();
}

/** Our postings, read last. */
export async function listOwn(ports: ListPorts, store: DayStore, window: Window, progress: DayProgress): Promise<void> {
  const filler = createFiller(store, ports, progress);
  await filler.list('postings', async (after, add) => {
    for await (const page of ports.own.listPostings(window, after))
      await add(page.postings.map(itemOfPosting), page.next);
  });
}

/** Every row is of exactly one part, whatever its effective date. */
export function partsOfDay({ from, to }: Window): DayPart[] {
  const bounds = Array.from({ length: PARTS + 1 }, (_, at) => new Date(from.getTime() + (at * DAY_MS) / PARTS));
  const within = bounds.slice(1).map((end, at): DayPart => ({ from: bounds[at] ?? from, to: end }));
  return [...within, { from: null, to: from }, { from: to, to: null }, 'undated'];
}

type AddPage = (items: readonly StagedItem[], next: string | null) => Promise<void>;

function createFiller(store: DayStore, { monotonicMs }: ListPorts, begun: DayProgress = store.progress ?? NOTHING) {
  let progress = begun;
  let batch: StagedItem[] = [];
  let storedAtMs = monotonicMs();
  let storing: Promise<void> = Promise.resolve();
  let ledgerRequests = () => progress.ledgerRequests;
  const flush = (): Promise<void> => {
    const items = batch;
    batch = [];
    storedAtMs = monotonicMs();
    progress = { ...progress, ledgerRequests: ledgerRequests() };
    const reached = progress;
    // One after the other: each batch says how far everything before it was read.
    storing = storing.then(() => store.put(items, reached));
    return storing;
  };
  const mark = (name: string, place: string | null, isWhole: boolean): void => {
    progress = { ...progress, lists: { ...progress.lists, [name]: { place, isWhole } } };
  };
  return {
    progress: () => progress,
    has: (name: string) => progress.lists[name] !== undefined,
    note(asOf: Date, requests: number): void {
      const stripeAsOfMs = Math.min(progress.stripeAsOfMs ?? Number.POSITIVE_INFINITY, asOf.getTime());
      progress = { ...progress, stripeAsOfMs, stripeRequests: progress.stripeRequests + requests };
    },
    countLedger(count: () => number): void {
      ledgerRequests = count;
    },
    /** Does nothing where the list was read to its end before. */
    async list(name: string, read: (after: string | null, add: AddPage) => Promise<void>): Promise<void> {
      const earlier = progress.lists[name];
      if (earlier?.isWhole === true) return;
      await read(earlier?.place ?? null, async (items, next) => {
        for (const item of items) batch.push(item);
        if (next !== null) mark(name, next, false);
        if (batch.length >= BATCH_ITEMS || monotonicMs() - storedAtMs >= BATCH_MS) await flush();
      });
      mark(name, null, true);
      await flush();
    },
  };
}

function noServerTime(): SyncError {
  return new SyncError(
    "Stripe's time is not known, so that nobody knows as of when a proof would be: its answer had no Date header (a proxy in between has to pass it on), or no two clocks agree (see status)",
    { kind: 'transient', code: 'no_server_time' },
  );
}
