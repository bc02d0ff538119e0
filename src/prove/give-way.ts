/**
 * What a proof of a sealed day does while others have work: nothing. Each of its requests, and each page of our postings, waits
 * until nobody else reads or posts; so it takes the vendors' limits and the processors only in the gaps that are left. It decides
 * about speed alone.
 */
import type { Clock } from '../core/base/clock.js';
import { SyncError } from '../core/base/errors.js';
import type { LedgerSide, OwnSide, StripeSide } from './ports.js';

/** Settles when nobody else has work; rejects with SyncError `proof_gave_way` (transient) when that takes too long. */
export type Way = () => Promise<void>;

export interface WayPorts extends Pick<Clock, 'monotonicMs' | 'sleep'> {
  /** What others have to do now, in a word; null when there is nothing. */
  findOtherWork(): Promise<string | null>;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
}

/** What begins just after a look meets as many of our requests as are sent in this time. */
const LOOK_EVERY_MS = 500;
/** Then whoever else waits for a proof gets the turn, and this one goes on with what it stored. */
const WAIT_MAX_MS = 30_000;

/** One look is for all who ask meanwhile. */
export function createWay({ findOtherWork, monotonicMs, sleep, signal }: WayPorts): Way {
  let freeUntilMs = Number.NEGATIVE_INFINITY;
  let waiting: Promise<void> | null = null;
  const wait = async (): Promise<void> => {
    const begunAtMs = monotonicMs();
    for (;;) {
      const work = await findOtherWork();
      if (work === null) break;
      if (monotonicMs() - begunAtMs >= WAIT_MAX_MS) throw gaveWay(work);
      await sleep(LOOK_EVERY_MS, signal);
    }
    freeUntilMs = monotonicMs() + LOOK_EVERY_MS;
  };
  return async () => {
    if (waiting === null && monotonicMs() < freeUntilMs) return;
    waiting ??= wait().finally(() => {
      waiting = null;
    });
    await waiting;
  };
}

interface Sides {
  readonly stripe: StripeSide;
  readonly ledger: LedgerSide;
  readonly own: OwnSide;
}

/** @returns the same ports, which ask nothing before the way is free */
export function givingWay<Ports extends Sides>(ports: Ports, way: Way): Ports {
  const { stripe, ledger, own } = ports;
  const pages = async function* <Page>(list: AsyncIterable<Page>): AsyncGenerator<Page> {
    await way();
    for await (const page of list) {
      yield page;
      await way();
    }
  };
  const first =
    <Asked extends unknown[], Answer>(ask: (...asked: Asked) => Promise<Answer>) =>
    async (...asked: Asked): Promise<Answer> => {
      await way();
      return ask(...asked);
    };
  // Named, so that a method that is missing here is found by the compiler: a spread of what is not known would hide it.
  const sides: Sides = {
    stripe: {
      listSucceeded: (window, after) => pages(stripe.listSucceeded(window, after)),
      succeededSince: first(stripe.succeededSince),
      readIntent: first(stripe.readIntent),
    },
    ledger: {
      listDay: (day, part, after) => pages(ledger.listDay(day, part, after)),
      listForeign: (window, after) => pages(ledger.listForeign(window, after)),
      findByReference: first(ledger.findByReference),
      findChildren: first(ledger.findChildren),
      listOfPayment: first(ledger.listOfPayment),
      findBalances: first(ledger.findBalances),
      balancesOf: first(ledger.balancesOf),
      balanceBefore: first(ledger.balanceBefore),
      requestCount: ledger.requestCount,
    },
    own: {
      countPostings: own.countPostings,
      listPostings: (window, after) => pages(own.listPostings(window, after)),
      postingsOf: first(own.postingsOf),
    },
  };
  return { ...ports, ...sides };
}

function gaveWay(work: string): SyncError {
  return new SyncError(
    `The proof of a sealed day gave way for ${WAIT_MAX_MS / 1_000} seconds: ${work}. It goes on when there is time`,
    { kind: 'transient', code: 'proof_gave_way' },
  );
}
