/**
 * A stage for proofs: collect's stage and the Blnk stand-in on one clock, a poster between them, and `proveDay` with the
 * real adapters. A test makes payments, lets the real stages bring them into the ledger, damages what it likes, and proves.
 */
import { expect } from 'vitest';
import { type BlnkSandbox, startBlnkSandbox } from '../../../sandbox/blnk/sandbox.js';
import type { BlnkSandboxOptions } from '../../../sandbox/blnk/sandbox-options.js';
import type { NewIntent } from '../../../sandbox/stripe/intents.js';
import type { Context } from '../../../src/app/context.js';
import { createPosting } from '../../../src/app/stages/posting.js';
import { createProvePorts } from '../../../src/app/stages/proving.js';
import type { Vendors } from '../../../src/app/vendors.js';
import type { Certificate, FindingKind } from '../../../src/core/proof/certificate.js';
import { readMirror } from '../../../src/db/mirror/mirror-store.js';
import { readCompleteTo } from '../../../src/db/reads/status.js';
import {
  type DayProof,
  type ProveFacts,
  type ProvePorts,
  proveDay,
  type Standings,
} from '../../../src/prove/prove-day.js';
import { atBlnk, openContext } from '../context.js';
import { pendingLanes } from '../pending-lanes.js';
import type { Stage } from './collect.js';
import { NEVER, SHORT, until } from './ledger.js';

/** The day of the damages; it is over at the stage's now. */
export const DAMAGED_DAY = '2026-05-29';

export interface ProofStage extends Stage {
  /** Of both vendors. */
  readonly context: Context;
  readonly blnk: BlnkSandbox;
  readonly ledgerSide: Vendors['ledgerSide'];
  readonly ports: ProvePorts;
  readonly mirrorId: string;
  /** A succeeded payment of that second of a day; returns its id. */
  payOn(day: string, second: number, intent?: NewIntent): string;
  /** The first start, or a backfill of everything since the mirror's start. */
  collect(): Promise<void>;
  /** Collects all and posts all. */
  settle(): Promise<void>;
  post(): Promise<void>;
  /** A transaction as another client of the same ledger posts it. Throws unless Core takes it. */
  postByHand(body: Record<string, unknown>): Promise<void>;
  facts(): Promise<ProveFacts>;
  prove(day: string, changes?: ProofChanges): Promise<DayProof>;
  closeLedger(): Promise<void>;
}

export interface ProofChanges {
  readonly facts?: Partial<ProveFacts>;
  readonly ports?: Partial<ProvePorts>;
  readonly standings?: Standings;
}

export interface ProofStageOptions extends BlnkSandboxOptions {
  readonly style?: 'cloud' | 'core';
}

export async function openProofStage(stage: Stage, options: ProofStageOptions = {}): Promise<ProofStage> {
  const { style = 'cloud', ...sandboxOptions } = options;
  const blnk = await startBlnkSandbox({ lockWaitMs: 150, leakLockMs: 0, clock: stage.clock, ...sandboxOptions });
  const { config, overrides } = stage.setting;
  const context = openContext(stage.database, {
    config: { ...config, ...atBlnk(blnk, { style }) },
    timings: SHORT,
    overrides: { ...overrides, blnk: { lookUpFirstWaitMs: 5 } },
  });
  const { ledgerSide } = context.vendors;
  const mirror = await readMirror(stage.db);
  const { mirrorId } = mirror;
  const ports = createProvePorts(context);
  // A ledger that is damaged on purpose would be doubted before the damage is proven.
  const { drainer, noted } = createPosting(context, { mirror, confirmSource: async () => {} });

  const proof: ProofStage = Object.assign(Object.create(stage) as Stage, {
    context,
    blnk,
    ledgerSide,
    ports,
    mirrorId,
    payOn(day: string, second: number, intent: NewIntent = {}) {
      const created = new Date(Date.parse(`${day}T00:00:00Z`) + second * 1_000);
      return stage.sandbox.createIntent({ created, moves: [{ move: 'succeed', at: created }], ...intent });
    },
    async collect() {
      const { startsAt, cutoverAt } = await readMirror(stage.db);
      if (cutoverAt === null) return stage.begin();
      await stage.store.requestBackfill({ from: startsAt, to: stage.clock.now() }, 'manual');
      await stage.backfills();
    },
    async settle() {
      await proof.collect();
      await proof.post();
    },
    async post() {
      await until(async () => {
        // The pause of a lane is over.
        stage.monotonicMs += SHORT.lanePause.maxMs;
        const lanes = await pendingLanes(stage.sql);
        await Promise.all(lanes.map((lane) => drainer.drain(lane, NEVER)));
        return lanes.length === 0;
      }, 60_000);
    },
    async postByHand(body: Record<string, unknown>) {
      const answer = await fetch(`${blnk.url}/transactions`, {
        method: 'POST',
        headers: { 'X-Blnk-Key': blnk.coreKey, 'Content-Type': 'application/json' },
        body: JSON.stringify({ allow_overdraft: true, description: 'by hand', ...body }),
      });
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    },
    async facts() {
      const { lagMs } = stage;
      const mirror = await readMirror(stage.db);
      return { mirror, coveredUpTo: await readCompleteTo(stage.db, lagMs), lagMs, earlierCurrencies: [] };
    },
    async prove(day: string, changes: ProofChanges = {}) {
      const { standings } = changes;
      const facts = { ...(await proof.facts()), ...changes.facts };
      return proveDay(
        { ...ports, ...changes.ports },
        { day, provedAt: new Date(), facts, ...(standings === undefined ? {} : { standings }) },
      );
    },
    async closeLedger() {
      blnk.faults.clear();
      await noted();
      await context.vendors.close();
      await blnk.close();
    },
  });
  return proof;
}

/** What the certificate of that currency says. Fails the test when there is none. */
export function certificateOf({ certificates }: DayProof, currency: string | null): Certificate {
  const found = certificates.find((certificate) => certificate.currency === currency);
  expect(found, `a certificate of ${currency}`).toBeDefined();
  return found as Certificate;
}

/** Every finding of every currency as `kind id`, sorted. */
export function findingsOf({ certificates }: DayProof): string[] {
  const all = certificates.flatMap(({ currency, findings }) => {
    return findings.map(({ kind, paymentId }): [FindingKind, string] => [kind, paymentId ?? `of ${currency}`]);
  });
  return all.map((finding) => finding.join(' ')).sort();
}
