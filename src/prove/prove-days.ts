/**
 * Proves days one after another: when each proof begins is noted before anything is read, and each is kept as soon as it
 * is there, so that a signal or a fault loses at most the day in hand. Lists are read one page after another and balances a
 * few at a time, so that reading and posting beside it keep their share of the vendors' limits.
 */
import type { ProofTrigger } from '../core/proof/certificate.js';
import { type Boundaries, boundariesOfCall, NO_BOUNDARIES } from './boundaries.js';
import type { CertificateStore, KeptCertificate } from './ports.js';
import type { DayProof, ProveRequest } from './prove-day.js';

interface DayRequest extends Omit<ProveRequest, 'facts'>, Pick<DayToProve, 'givesWay'> {
  readonly earlierCurrencies: readonly string[];
}

export interface ProveDaysPorts {
  readonly store: CertificateStore;
  /** `proveDay` with its ports and with what is known of the mirror. */
  proveDay(request: DayRequest): Promise<DayProof>;
}

export interface DayToProve {
  readonly day: string;
  readonly trigger: ProofTrigger;
  /** Everybody else's work goes before it; absent: nobody's does. */
  readonly givesWay?: boolean;
}

export interface ProveDaysOptions {
  /** Of all these days together. */
  readonly proofId: string;
  /** No further day begins once it is aborted; what fails from then on is the stop's doing. */
  readonly signal: AbortSignal;
  /** Of earlier calls, for days that were never proven. Left out: of this call alone. */
  readonly boundaries?: Boundaries;
  /** Asked before each day but the first: true when no further one is to begin. */
  isOver?(): boolean;
  /** Asked when a proof is about to begin: false when somebody else proved the day meanwhile. Without it all are proven. */
  isStillDue?(day: string, lastProvedAt: Date | null): boolean;
  /** Before each day, with the days that are done. */
  onDay?(day: string, progress: { readonly done: number; readonly all: number }): void;
  /** What a proof threw, and whether the days after it are still to be tried. */
  onFailed(day: string, error: unknown): 'go_on' | 'end';
}

export interface ProvenDay {
  readonly day: string;
  readonly trigger: ProofTrigger;
  readonly provedAt: Date;
  readonly certificates: readonly KeptCertificate[];
}

/** In the order given. @returns the days that were proven; fewer than asked after a signal or a fault that ends it. */
export async function proveDays(
  ports: ProveDaysPorts,
  days: readonly DayToProve[],
  options: ProveDaysOptions,
): Promise<ProvenDay[]> {
  const proven: ProvenDay[] = [];
  const boundaries = boundariesOfCall(options.boundaries ?? NO_BOUNDARIES);
  for (const [done, { day, trigger, givesWay = false }] of days.entries()) {
    if (options.signal.aborted || (done > 0 && options.isOver?.() === true)) break;
    options.onDay?.(day, { done, all: days.length });
    try {
      const began = await ports.store.beginProof(day);
      if (options.isStillDue?.(day, began.lastProvedAt) === false) continue;
      const { earlierCurrencies, provedAt: begunAt } = began;
      let standings = boundaries.of({ isFirstProof: began.lastProvedAt === null });
      const remembered = standings.size > 0;
      const asked = { day, provedAt: begunAt, earlierCurrencies, givesWay };
      let proof = await ports.proveDay({ ...asked, standings });
      if ((remembered || proof.isContinued) && proof.certificates.some(isUnexplained)) {
        // What was posted between two days' proofs is in one boundary and not in the other, and what was posted while nobody
        // went on with a proof is in its balances and not in its rows: ask for all of it again.
        boundaries.forget();
        standings = new Map();
        await proof.discard();
        proof = withCostOf(proof, await ports.proveDay({ ...asked, standings, isAnew: true }));
      }
      boundaries.keep(standings);
      const { provedAt } = proof;
      const certificates = await keep(ports.store, proof, { proofId: options.proofId, trigger });
      proven.push({ day, trigger, provedAt, certificates });
      // The certificate is kept, whatever becomes of this: what is left is removed by the next proof, and a database that is
      // away is met by the next statement.
      await proof.discard().catch(() => undefined);
    } catch (error) {
      if (options.signal.aborted) break;
      boundaries.forget();
      if (options.onFailed(day, error) === 'end') break;
    }
  }
  return proven;
}

async function keep(
  store: CertificateStore,
  proof: DayProof,
  about: { readonly proofId: string; readonly trigger: ProofTrigger },
): Promise<KeptCertificate[]> {
  try {
    return await store.keepProof({ ...proof, ...about });
  } catch (error) {
    await proof.release().catch(() => {});
    throw error;
  }
}

function isUnexplained({ unexplained }: { readonly unexplained: bigint | null }): boolean {
  return unexplained !== null && unexplained !== 0n;
}

function withCostOf(first: DayProof, second: DayProof): DayProof {
  return {
    ...second,
    stripeRequests: first.stripeRequests + second.stripeRequests,
    ledgerRequests: first.ledgerRequests + second.ledgerRequests,
  };
}
