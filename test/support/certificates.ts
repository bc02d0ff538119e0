/** Certificates made by hand, so that a test writes only what it is about. */
import { randomUUID } from 'node:crypto';
import type { Certificate, DayFinding, FindingKind } from '../../src/core/proof/certificate.js';
import type { FullCertificate } from '../../src/db/reads/certificates.js';
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

const PROVED = new Date('2026-11-20T10:00:00Z');

/** As the read model gives it. */
export function aFullCertificate(more: Partial<FullCertificate> = {}): FullCertificate {
  const findings = more.findings ?? [];
  return {
    id: '0193a001-0000-7000-8000-000000000001',
    proofId: '0193a001-0000-7000-8000-000000000002',
    day: '2026-11-18',
    currency: 'USD',
    state: 'sealed',
    trigger: 'manual',
    stripeCount: 1_234,
    stripeSum: 1_234_567n,
    stripeHash: 'a'.repeat(64),
    ledgerCount: 1_234,
    ledgerSum: 1_234_567n,
    ledgerHash: 'a'.repeat(64),
    postingsCount: 1_234,
    postingsSum: 1_234_567n,
    postingsHash: 'a'.repeat(64),
    movement: 1_234_567n,
    unexplained: 0n,
    findingsCount: findings.length,
    notSeen: [],
    reopens: null,
    reopenedBecause: null,
    stripeRequests: 14,
    ledgerRequests: 15,
    stripeAsOf: PROVED,
    provedAt: PROVED,
    version: '0.1.0',
    reopened: false,
    accepted: [],
    ...more,
    findings,
  };
}
