/** The end of the demonstration: days that are over are proven as `prove` proves them, by the same code. */
import { v7 as uuidv7 } from 'uuid';
import type { WorkerConfig } from '../config.js';
import { DAY_MS, utcDay } from '../core/window.js';
import { type FullCertificate, readDay } from '../db/reads/certificates.js';
import type { Log } from '../observability/log.js';
import { proveDays } from '../prove/prove-days.js';
import { createProver, readProvingFacts } from './proving.js';
import { openWorkbench } from './workbench.js';

/** A payment that succeeded in the stand-in for Stripe. */
export interface DemoPayment {
  readonly created: Date;
  /** It is one that no ledger should take. */
  readonly isParked: boolean;
}

/** @returns the certificates of at most two days; none when no day with payments is over. Throws what a proof throws. */
export async function proveDemoDays(
  config: WorkerConfig,
  {
    payments,
    log,
    signal,
  }: { readonly payments: readonly DemoPayment[]; readonly log: Log; readonly signal: AbortSignal },
): Promise<FullCertificate[]> {
  const bench = await openWorkbench(config, { log, signal });
  try {
    const parts = { home: bench.home, vendors: bench.vendors, lagMs: bench.config.syncLagMs };
    const facts = await readProvingFacts(parts);
    if (facts === null || facts.completeTo === null) return [];
    const days = daysToShow(payments, facts.completeTo).map((day) => ({ day, trigger: 'manual' as const }));
    const proven = await proveDays(createProver(parts, facts), days, {
      proofId: uuidv7(),
      signal,
      onFailed(_day, error) {
        throw error;
      },
    });
    const rows: FullCertificate[] = [];
    for (const { day } of proven) rows.push(...((await readDay(bench.home.database.db, { day }))?.certificates ?? []));
    return rows;
  } finally {
    await bench.close();
  }
}

/** The newest day on which all payments could be posted, and the newest on which a person has to decide; oldest first. */
export function daysToShow(payments: readonly DemoPayment[], completeTo: Date): string[] {
  const days = new Map<string, boolean>();
  for (const { created, isParked } of payments) {
    const day = utcDay(created);
    if (Date.parse(day) + DAY_MS > completeTo.getTime()) continue;
    days.set(day, (days.get(day) ?? false) || isParked);
  }
  const newestFirst = [...days].sort(([a], [b]) => (a < b ? 1 : -1));
  const newest = (parked: boolean) => newestFirst.filter(([, hasParked]) => hasParked === parked).slice(0, 1);
  return [...newest(false), ...newest(true)].map(([day]) => day).sort();
}
