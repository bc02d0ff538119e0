/**
 * What both sandboxes have alike, held to on each: which requests a fault takes, what hangs and is released, and the control
 * routes of faults, clock, latency and log. What single effects do is in stripe-faults.test.ts and blnk-faults.test.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startBlnkSandbox } from '../../sandbox/blnk/sandbox.js';
import { SandboxClock } from '../../sandbox/clock.js';
import type { ActiveFault, FaultMatch, Faults } from '../../sandbox/faults.js';
import { startStripeSandbox } from '../../sandbox/stripe/sandbox.js';

const NOW = new Date('2026-06-01T12:00:00Z');

/** Effects that both have, in the form of both. */
type CommonFault = FaultMatch & ({ readonly effect: 'status'; readonly status: number } | { readonly effect: 'hang' });

interface Place {
  readonly url: string;
  readonly clock: SandboxClock;
  readonly faults: Omit<Faults<CommonFault, never>, 'take' | 'add' | 'find' | 'active'>;
  add(fault: CommonFault): Pick<ActiveFault<CommonFault>, 'id' | 'hits' | 'release' | 'remove'>;
  close(): Promise<void>;
}

interface Kind {
  readonly name: string;
  /** Two routes, by the names that faults know them by. */
  readonly routes: readonly [string, string];
  readonly paths: readonly [string, string];
  readonly headers: Readonly<Record<string, string>>;
  open(): Promise<Place>;
}

const KINDS: readonly Kind[] = [
  {
    name: 'Stripe',
    routes: ['events.list', 'charges.list'],
    paths: ['/v1/events', '/v1/charges'],
    headers: { authorization: 'Bearer sk_test_sandbox' },
    async open() {
      const sandbox = await startStripeSandbox({ clock: SandboxClock.frozen(NOW) });
      const { url, clock, faults } = sandbox;
      return { url, clock, faults, add: (fault) => faults.add(fault), close: () => sandbox.close() };
    },
  },
  {
    name: 'Blnk',
    routes: ['GET /ledgers', 'GET /health'],
    paths: ['/ledgers', '/health'],
    headers: { 'x-blnk-key': 'test-master-key' },
    async open() {
      const sandbox = await startBlnkSandbox({ clock: SandboxClock.frozen(NOW) });
      const { url, clock, faults } = sandbox;
      return { url, clock, faults, add: (fault) => faults.add(fault), close: () => sandbox.close() };
    },
  },
];

const FAILING = { effect: 'status', status: 503 } as const;

interface ControlAnswer {
  readonly status: number;
  readonly body: { readonly id?: string; readonly error?: string; readonly requests?: object };
}

describe.each(KINDS)(
  'the sandbox of $name',
  ({ routes: [route, otherRoute], paths: [path, otherPath], headers, open }) => {
    let place: Place;
    beforeEach(async () => {
      place = await open();
    });
    afterEach(() => place.close());

    const ask = async (asked = path, signal?: AbortSignal): Promise<number> => {
      const { status } = await fetch(`${place.url}${asked}`, { headers, ...(signal === undefined ? {} : { signal }) });
      return status;
    };
    /** Which of so many requests failed, from 1. */
    const failed = async (count: number, asked = path): Promise<number[]> => {
      const numbers: number[] = [];
      for (let number = 1; number <= count; number += 1) if ((await ask(asked)) === 503) numbers.push(number);
      return numbers;
    };
    const control = async (method: string, of: string, body?: object): Promise<ControlAnswer> => {
      const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const answer = await fetch(`${place.url}/_sandbox/${of}`, init);
      return { status: answer.status, body: (await answer.json()) as ControlAnswer['body'] };
    };

    it('fails every request of every route, until the fault is removed', async () => {
      const fault = place.add(FAILING);
      expect([await failed(2), await failed(2, otherPath)]).toEqual([
        [1, 2],
        [1, 2],
      ]);
      fault.remove();
      expect(await failed(2)).toEqual([]);
    });

    it.each<[FaultMatch, readonly number[]]>([
      [{ times: 2 }, [1, 2]],
      [{ nth: 3 }, [3]],
      [{ nth: 2, times: 2 }, [2, 3]],
    ])('fails the requests of a route that %o names', async (match, numbers) => {
      const fault = place.add({ ...FAILING, ...match, route });
      expect(await failed(4, otherPath)).toEqual([]);
      expect(await failed(5)).toEqual(numbers);
      expect(fault.hits).toBe(numbers.length);
    });

    it('fails a share of the requests, the same ones for the same seed', async () => {
      const share = async (seed: number) => {
        const fault = place.add({ ...FAILING, probability: 0.5, seed });
        const numbers = await failed(60);
        fault.remove();
        return numbers;
      };
      const first = await share(1);
      expect(first.length).toBeGreaterThan(15);
      expect(first.length).toBeLessThan(45);
      expect(await share(1)).toEqual(first);
      expect(await share(2)).not.toEqual(first);
    });

    it('lets the fault that was added first take a request alone, and counts hits of removed ones too', async () => {
      const first = place.add({ ...FAILING, route });
      const second = place.add(FAILING);
      await ask(path);
      await ask(otherPath);
      expect([first.hits, second.hits]).toEqual([1, 1]);
      place.faults.clear();
      expect(place.faults.hits).toBe(2);
      expect(place.faults.recentHits).toEqual([
        { id: first.id, effect: 'status', route, url: path },
        { id: second.id, effect: 'status', route: otherRoute, url: otherPath },
      ]);
    });

    it('lets a request hang until it is released: by its fault, by all, by removal, or by clearing', async () => {
      const ends = [
        (fault: ReturnType<Place['add']>) => fault.release(),
        () => place.faults.release(),
        (fault: ReturnType<Place['add']>) => fault.remove(),
        () => place.faults.clear(),
      ];
      for (const end of ends) {
        const fault = place.add({ effect: 'hang', times: 1 });
        let status = 0;
        const hanging = ask().then((answered) => {
          status = answered;
        });
        await expect.poll(() => place.faults.hanging).toBe(1);
        expect([fault.hits, status]).toEqual([1, 0]);
        end(fault);
        await hanging;
        expect([status, place.faults.hanging]).toEqual([200, 0]);
        place.faults.clear();
      }
    });

    it('forgets a request that hangs once its client has gone', async () => {
      place.add({ effect: 'hang' });
      const aborting = new AbortController();
      const gone = ask(path, aborting.signal);
      await expect.poll(() => place.faults.hanging).toBe(1);
      aborting.abort();
      await expect(gone).rejects.toThrow();
      await expect.poll(() => place.faults.hanging).toBe(0);
    });

    it('takes, shows, releases and removes faults over HTTP', async () => {
      const { body: added } = await control('POST', 'faults', { effect: 'hang', route });
      const { id } = added;
      for (const release of [`faults/${id}/release`, 'faults/release']) {
        const hanging = ask();
        await expect.poll(() => place.faults.hanging).toBe(1);
        expect((await control('GET', 'faults')).body).toMatchObject({
          faults: [{ id, effect: 'hang', route }],
          hanging: 1,
        });
        await control('POST', release);
        expect(await hanging).toBe(200);
      }
      await control('DELETE', `faults/${id}`);
      await control('POST', 'faults', FAILING);
      expect((await control('GET', 'faults')).body).toMatchObject({
        faults: [{ ...FAILING, hits: 0 }],
        recent_hits: [{ id }, { id }],
      });
      await control('DELETE', 'faults');
      expect((await control('GET', 'faults')).body).toMatchObject({ faults: [], hanging: 0 });
    });

    it('refuses what is no fault, and names what it does not have', async () => {
      const refused = async (method: string, of: string, body?: object) => {
        const { status, body: answer } = await control(method, of, body);
        return [status, answer.error];
      };
      const effects = [400, expect.stringMatching(/one of .*status with status.*slow with delayMs/)];
      expect(await refused('POST', 'faults', { effect: 'slwo', delayMs: 5 })).toEqual(effects);
      expect(await refused('POST', 'faults', { effect: 'slow' })).toEqual(effects);
      expect(await refused('POST', 'faults', { effect: 'status', status: '503' })).toEqual(effects);
      expect(await refused('DELETE', 'faults/nobodys')).toEqual([404, expect.stringContaining('nobodys')]);
      expect(await refused('POST', 'faults/nobodys/release')).toEqual([404, expect.stringContaining('nobodys')]);
      expect(await refused('GET', 'nothing')).toEqual([404, expect.stringContaining('/_sandbox/nothing')]);
      expect(await refused('POST', 'clock', { to: 'yesterday' })).toEqual([400, expect.stringContaining('date')]);
      expect(place.faults.hits).toBe(0);
    });

    it('moves the clock, changes the latency, and shows what was asked', async () => {
      const moved = { to: '2026-07-01T00:00:00Z', advance_ms: 1_000 };
      expect((await control('POST', 'clock', moved)).body).toEqual({ now: '2026-07-01T00:00:01.000Z' });
      expect(place.clock.now()).toEqual(new Date('2026-07-01T00:00:01Z'));
      expect((await control('GET', 'clock')).body).toEqual({ now: '2026-07-01T00:00:01.000Z' });
      await control('POST', 'latency', { ms: 80 });
      const begun = performance.now();
      await ask();
      expect(performance.now() - begun).toBeGreaterThan(75);
      await control('POST', 'latency', { ms: 0 });
      place.add({ ...FAILING, times: 1 });
      await ask();
      const { body: log } = await control('GET', 'log');
      expect(log).toMatchObject([
        { route, status: 200 },
        { route, status: 503 },
      ]);
      const { body: stats } = await control('GET', 'stats');
      expect(stats).toMatchObject({ now: '2026-07-01T00:00:01.000Z', fault_hits: 1 });
      expect(Object.entries(stats.requests ?? {})).toEqual([[expect.stringContaining(route), 2]]);
    });
  },
);
