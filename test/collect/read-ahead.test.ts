/** Pages that are read ahead of what is stored: how many, in which order, and what a fault on either side leaves behind. */
import { describe, expect, it } from 'vitest';
import type { FeedPage, StoredPage } from '../../src/collect/ports.js';
import { readWindow, type WindowReading } from '../../src/collect/read-window.js';
import { SyncError } from '../../src/core/base/errors.js';
import type { Mirror } from '../../src/core/posting/mirror.js';

const DAY = 86_400_000;
const FROM = new Date('2026-06-01T00:00:00Z');
const TO = new Date(FROM.getTime() + 10 * DAY);
const PAGES = 10;

/** Ten empty pages, one for each day, the newest first. */
function pageOf(index: number): FeedPage {
  const oldest = new Date(TO.getTime() - (index + 1) * DAY);
  return {
    ...{ payments: [], requests: 1, vendorNow: TO, newest: oldest, oldest },
    ...{ hasMore: index < PAGES - 1, lastId: `pi_${index}` },
  };
}

interface Sides {
  /** Called before a page is answered, and before it is stored. */
  onRead?(page: number): Promise<void> | void;
  onStore?(page: number): Promise<void> | void;
  /** Where the run's row says that it begins, after a page. */
  runsFrom?(page: number): Date;
}

async function read({ onRead, onStore, runsFrom }: Sides, reading: Partial<WindowReading> = {}) {
  const asked: number[] = [];
  const stored: Array<StoredPage['covers']> = [];
  const outcome = readWindow(
    {
      ...{ run: { id: 'run', feed: 'payment_intents' as const }, mirror: {} as Mirror, from: FROM, to: TO },
      async list({ after }) {
        const index = after === null ? 0 : Number(after.slice(3)) + 1;
        asked.push(index);
        await onRead?.(index);
        return pageOf(index);
      },
      coverUpTo: () => TO,
      coverNothingBefore: () => FROM,
      signal: new AbortController().signal,
      ...reading,
    },
    {
      store: {
        async storePage(_run, page) {
          await onStore?.(stored.length);
          stored.push(page.covers);
          const from = runsFrom?.(stored.length - 1) ?? FROM;
          return { lanes: [], parked: [], stored: 0, knownBefore: 0, runsFrom: from };
        },
      },
      wakeLanes: () => {},
    },
  );
  return { asked, stored, outcome };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
};

describe('a window', () => {
  it('is read three pages ahead of the one that is being stored, and stored in order without a gap', async () => {
    let letGo = (): void => {};
    const first = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { asked, stored, outcome } = await read({ onStore: (page) => (page === 0 ? first : undefined) });
    await settle();
    expect(asked).toEqual([0, 1, 2]);
    expect(stored).toEqual([]);
    letGo();
    expect(await outcome).toMatchObject({ complete: true });
    expect(stored).toHaveLength(PAGES);
    for (const [index, covers] of stored.entries()) {
      if (index > 0) expect(covers?.to).toEqual(stored[index - 1]?.from);
    }
    expect([stored[0]?.to, stored.at(-1)?.from]).toEqual([TO, FROM]);
  });

  it('stores what was read before Stripe failed, and then throws that', async () => {
    const away = new SyncError('away', { kind: 'transient', code: 'stripe_unavailable' });
    const { stored, outcome } = await read({
      onRead: (page) => {
        if (page === 4) throw away;
      },
    });
    await expect(outcome).rejects.toBe(away);
    expect(stored).toHaveLength(4);
  });

  it('stores nothing after a page that could not be stored, and requests nothing more', async () => {
    const lost = new SyncError('lost', { kind: 'transient', code: 'run_lost' });
    const { asked, stored, outcome } = await read({
      onStore: (page) => {
        if (page === 2) throw lost;
      },
    });
    await expect(outcome).rejects.toBe(lost);
    expect(stored).toHaveLength(2);
    expect(asked.length).toBeLessThanOrEqual(6);
  });

  it('ends where its run was cut, at most three pages later, and covers all down to there', async () => {
    const cutAt = new Date(TO.getTime() - 3 * DAY);
    const { asked, stored, outcome } = await read({ runsFrom: () => cutAt }, { endsWithRun: true });
    expect(await outcome).toMatchObject({ complete: true });
    expect(asked.length).toBeLessThanOrEqual(6);
    expect((stored.at(-1)?.from ?? TO) <= cutAt).toBe(true);
  });

  it('is read to its end where only a part of a backfill may be cut', async () => {
    const { asked, outcome } = await read({ runsFrom: () => TO });
    expect(await outcome).toMatchObject({ complete: true });
    expect(asked).toHaveLength(PAGES);
  });
});
