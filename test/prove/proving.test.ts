/** Proving days one after another: order, what is kept when, signals and faults, and boundaries that two days share. */
import { describe, expect, it } from 'vitest';
import { createBoundaries } from '../../src/prove/boundaries.js';
import type { CertificateStore, FinishedProof } from '../../src/prove/ports.js';
import type { DayProof } from '../../src/prove/prove-day.js';
import { type DayToProve, type ProveDaysOptions, type ProveDaysPorts, proveDays } from '../../src/prove/prove-days.js';
import { aCertificate } from '../support/certificates.js';

const DAYS = ['2026-11-16', '2026-11-17', '2026-11-18'].map((day) => ({ day, trigger: 'two_days' as const }));

interface Recorded {
  readonly steps: string[];
  readonly kept: FinishedProof[];
  readonly failed: string[];
}

type Prove = (request: Parameters<ProveDaysPorts['proveDay']>[0]) => Promise<bigint | null>;

interface Days {
  readonly continued?: readonly string[];
  /** That were proven before. */
  readonly again?: readonly string[];
  readonly unkept?: string;
}

/** @param prove answers what is unexplained of the day */
async function run(
  prove: Prove,
  options: Partial<ProveDaysOptions> = {},
  { continued = [], again = [], unkept }: Days = {},
  days: readonly DayToProve[] = DAYS,
) {
  const seen: Recorded = { steps: [], kept: [], failed: [] };
  const store: CertificateStore = {
    async beginProof(day) {
      seen.steps.push(`begin ${day}`);
      const lastProvedAt = again.includes(day) ? new Date(0) : null;
      return { provedAt: new Date(Date.parse(`${day}T12:00:00Z`)), lastProvedAt, earlierCurrencies: ['EUR'] };
    },
    async keepProof(proof) {
      seen.steps.push(`keep ${proof.day}`);
      if (proof.day === unkept) throw new Error('PostgreSQL is away');
      seen.kept.push(proof);
      return proof.certificates.map((one) => ({ ...one, id: one.day, reopens: null, reopenedBecause: null }));
    },
  };
  const proveDay: ProveDaysPorts['proveDay'] = async (request) => {
    seen.steps.push(`prove ${request.day}`);
    const unexplained = await prove(request);
    const { day, provedAt } = request;
    const isContinued = continued.includes(day) && request.isAnew !== true;
    const cost = { stripeRequests: 2, ledgerRequests: 3, stripeAsOf: new Date(0), provedAt, isContinued };
    const discard = async () => void seen.steps.push(`discard ${day}`);
    const release = async () => void seen.steps.push(`release ${day}`);
    return { day, ...cost, discard, release, certificates: [aCertificate({ day, unexplained })] } satisfies DayProof;
  };
  const proven = await proveDays({ store, proveDay }, days, {
    proofId: 'proof',
    signal: new AbortController().signal,
    onFailed(day) {
      seen.failed.push(day);
      return 'end';
    },
    ...options,
  });
  return { ...seen, proven: proven.map(({ day }) => day) };
}

it('keeps each day before the next one begins, with the time at which its proof began', async () => {
  const shown: unknown[] = [];
  const { steps, kept, proven } = await run(async () => 0n, {
    onDay: (day, { done, all }) => shown.push([day, done, all]),
  });
  expect(steps).toEqual(DAYS.flatMap(({ day }) => [`begin ${day}`, `prove ${day}`, `keep ${day}`, `discard ${day}`]));
  expect(kept.map(({ provedAt }) => provedAt.toISOString().slice(0, 10))).toEqual(proven);
  expect(kept.every(({ proofId, trigger }) => proofId === 'proof' && trigger === 'two_days')).toBe(true);
  expect(shown).toEqual(DAYS.map(({ day }, done) => [day, done, 3]));
});

it('leaves out what somebody else proved meanwhile', async () => {
  const { proven, steps } = await run(async () => 0n, { isStillDue: (day) => day !== '2026-11-17' });
  expect(proven).toEqual(['2026-11-16', '2026-11-18']);
  expect(steps).not.toContain('prove 2026-11-17');
});

describe('ends early', () => {
  it('after the day in hand when it is told to stop', async () => {
    const stopping = new AbortController();
    const { proven } = await run(
      async ({ day }) => {
        if (day === '2026-11-17') stopping.abort();
        return 0n;
      },
      { signal: stopping.signal },
    );
    expect(proven).toEqual(['2026-11-16', '2026-11-17']);
  });

  it('without a fault when the stop is what failed', async () => {
    const stopping = new AbortController();
    const { proven, failed } = await run(
      async () => {
        stopping.abort();
        throw new Error('stopped');
      },
      { signal: stopping.signal },
    );
    expect([proven, failed]).toEqual([[], []]);
  });

  it('when its time is over, but never before the first day', async () => {
    expect((await run(async () => 0n, { isOver: () => true })).proven).toEqual(['2026-11-16']);
  });

  it('at certificates that could not be kept, and leaves what was listed to the next attempt', async () => {
    const { steps, failed } = await run(async () => 0n, {}, { unkept: '2026-11-16' });
    expect(steps).toEqual(['begin', 'prove', 'keep', 'release'].map((step) => `${step} 2026-11-16`));
    expect(failed).toEqual(['2026-11-16']);
  });

  it('at a fault, or goes on with the days after it', async () => {
    const failing: Prove = async ({ day }) => {
      if (day === '2026-11-17') throw new Error('Blnk is away');
      return 0n;
    };
    const ended = await run(failing);
    expect([ended.proven, ended.failed]).toEqual([['2026-11-16'], ['2026-11-17']]);
    expect((await run(failing, { onFailed: () => 'go_on' })).proven).toEqual(['2026-11-16', '2026-11-18']);
  });
});

describe('boundaries', () => {
  it('are asked for once for two days that share one', async () => {
    const sizes: number[] = [];
    await run(async ({ day, standings }) => {
      sizes.push(standings?.size ?? -1);
      standings?.set(day, 1n);
      return 0n;
    });
    expect(sizes).toEqual([0, 1, 2]);
  });

  it('of earlier calls serve days that are proven for the first time, and no others', async () => {
    const boundaries = createBoundaries({ monotonicMs: () => 0 });
    const known: string[] = [];
    const prove: Prove = async ({ day, standings }) => {
      known.push(`${day}: ${[...(standings?.keys() ?? [])].join(' ')}`);
      standings?.set(day, 1n);
      return 0n;
    };
    const days = (...names: string[]) => names.map((day) => ({ day, trigger: 'two_days' as const }));
    await run(prove, { boundaries }, {}, days('2026-11-16'));
    await run(prove, { boundaries }, {}, days('2026-11-17'));
    await run(prove, { boundaries }, { again: ['2026-11-16', '2026-11-17'] }, days('2026-11-16', '2026-11-17'));
    await run(prove, { boundaries }, { again: ['2026-11-19'] }, days('2026-11-18', '2026-11-19'));
    expect(known).toEqual([
      '2026-11-16: ',
      '2026-11-17: 2026-11-16',
      '2026-11-16: ',
      // Within a call the end of the day before is what was just seen.
      '2026-11-17: 2026-11-16',
      '2026-11-18: 2026-11-16 2026-11-17',
      '2026-11-19: 2026-11-18',
    ]);
  });

  it('of earlier calls are forgotten where they leave something unexplained, or a proof failed', async () => {
    const boundaries = createBoundaries({ monotonicMs: () => 0 });
    const keepOne = () => boundaries.keep(new Map([['old', 1n]]));
    keepOne();
    const { steps } = await run(async ({ standings }) => (standings?.has('old') === true ? 5n : 0n), { boundaries });
    expect(steps.filter((step) => step === 'prove 2026-11-16')).toHaveLength(2);
    expect([...boundaries.known()]).toEqual([]);
    keepOne();
    await run(() => Promise.reject(new Error('Blnk is away')), { boundaries });
    expect([...boundaries.known()]).toEqual([]);
  });

  it('are kept for minutes: a day later money may have come back that was gone when they were asked', () => {
    let nowMs = 0;
    const boundaries = createBoundaries({ monotonicMs: () => nowMs });
    boundaries.keep(new Map([['a', 1n]]));
    nowMs = 9 * 60_000;
    // Used, and handed back with what was asked for now.
    boundaries.keep(new Map([...boundaries.known(), ['b', 2n]]));
    expect([...boundaries.known().keys()]).toEqual(['a', 'b']);
    nowMs = 10 * 60_000;
    expect([...boundaries.known().keys()]).toEqual(['b']);
  });

  it('are kept up to a number, the newest ones', () => {
    const boundaries = createBoundaries({ monotonicMs: () => 0, keptMax: 2 });
    boundaries.keep(
      new Map([
        ['a', 1n],
        ['b', 1n],
      ]),
    );
    boundaries.keep(
      new Map([
        ['a', 2n],
        ['c', 1n],
      ]),
    );
    expect([...boundaries.known()]).toEqual([
      ['a', 2n],
      ['c', 1n],
    ]);
  });

  it('are asked for again before a movement is called unexplained', async () => {
    const { steps, kept } = await run(async ({ day, standings }) => {
      const stale = standings?.has('old') === true;
      standings?.set('old', 1n);
      return day === '2026-11-17' && stale ? 5n : 0n;
    });
    expect(steps.filter((step) => step === 'prove 2026-11-17')).toHaveLength(2);
    expect(kept.map(({ certificates }) => certificates[0]?.unexplained)).toEqual([0n, 0n, 0n]);
    expect(kept.map(({ stripeRequests, ledgerRequests }) => [stripeRequests, ledgerRequests])).toEqual([
      [2, 3],
      [4, 6],
      [2, 3],
    ]);
  });

  it('are asked for again, with everything else, before a movement of a proof that was interrupted is called unexplained', async () => {
    const { steps, kept } = await run(
      async ({ isAnew }) => (isAnew === true ? 0n : 5n),
      {},
      {
        continued: ['2026-11-16'],
      },
    );
    expect(steps.slice(0, 6)).toEqual(
      ['begin', 'prove', 'discard', 'prove', 'keep', 'discard'].map((step) => `${step} 2026-11-16`),
    );
    expect(kept[0]?.certificates[0]?.unexplained).toBe(0n);
  });

  it('are not asked for twice when nothing was remembered', async () => {
    const { steps } = await run(async ({ day }) => (day === '2026-11-16' ? 5n : 0n));
    expect(steps.filter((step) => step === 'prove 2026-11-16')).toHaveLength(1);
  });
});
