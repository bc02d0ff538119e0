/** Certificates made by hand, so that a test writes only what it is about. */
import { randomUUID } from 'node:crypto';
import type { Certificate, DayFinding, FindingKind } from '../../src/core/certificate.js';
import type { FinishedProof } from '../../src/prove/ports.js';

/** Sealed, two payments of 20.00 USD in all on every side. */
export function aCertificate(more: Partial<Certificate> = {}): Certificate {
  const side = { count: 2, sum: 2_000n, hash: 'ab' };
  const findings = more.findings ?? [];
  return {
    day: '2026-11-18',
    currency: 'USD',
    state: 'sealed',
    stripe: side,
    ledger: side,
    postings: side,
    movement: 2_000n,
    unexplained: 0n,
    findingsCount: findings.length,
    notSeen: [],
    ...more,
    findings,
  };
}

export function aFinding(kind: FindingKind, paymentId: string | null, detail = ''): DayFinding {
  return { kind, paymentId, stripe: null, ledger: [], detail };
}

export function proofOf(certificates: readonly Certificate[], more: Partial<FinishedProof> = {}): FinishedProof {
  return {
    proofId: randomUUID(),
    trigger: 'two_days',
    day: certificates[0]?.day ?? '2026-11-18',
    provedAt: new Date('2026-11-20T00:00:00Z'),
    stripeRequests: 2,
    ledgerRequests: 3,
    stripeAsOf: new Date('2026-11-20T00:00:00Z'),
    ...more,
    certificates,
  };
}
