/**
 * Kills for the post stage: ports that throw at a named step, once. What a killed process leaves behind in PostgreSQL and
 * in the ledger is then the same; what it still held in memory is thrown away with its drainer.
 */
import type { Ledger, Outbox } from '../../../src/post/ports.js';

/** Each port call of the stage has a moment before and a moment after it. */
export const STEPS = [
  'before claimNew',
  'after claimNew',
  'before claimAttempted',
  'after claimAttempted',
  'before markAttempt',
  'after markAttempt',
  'before settle',
  'after settle',
  'before postpone',
  'after postpone',
  'before park',
  'after park',
  'before post',
  'after post',
  'before postBulk',
  'after postBulk',
  'before findByReference',
  'after findByReference',
  'before findBalances',
  'after findBalances',
] as const;

export type Step = (typeof STEPS)[number];

export class Killed extends Error {}

export interface Killer {
  readonly wrapLedger: (ledger: Ledger) => Ledger;
  readonly wrapOutbox: (outbox: Outbox) => Outbox;
  /** Whether the step was reached. */
  readonly killed: () => boolean;
}

/** Kills at the n-th time (from 1) that the step is reached; afterwards every further call throws too: the process is dead. */
export function killAt(step: Step, nth = 1): Killer {
  let reached = 0;
  let dead = false;
  const at = (name: string): void => {
    if (name === step) reached += 1;
    if (name === step && reached === nth) dead = true;
    if (dead) throw new Killed(`killed ${step}`);
  };
  const around =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      at(`before ${name}`);
      const result = await call(...args);
      at(`after ${name}`);
      return result;
    };
  return {
    wrapLedger: (ledger) => ({
      post: around('post', ledger.post),
      postBulk: around('postBulk', ledger.postBulk),
      findByReference: around('findByReference', ledger.findByReference),
      findChildren: around('findChildren', ledger.findChildren),
      findBalances: around('findBalances', ledger.findBalances),
    }),
    wrapOutbox: (outbox) => ({
      ...outbox,
      claimNew: around('claimNew', outbox.claimNew),
      claimAttempted: around('claimAttempted', outbox.claimAttempted),
      markAttempt: around('markAttempt', outbox.markAttempt),
      settle: around('settle', outbox.settle),
      postpone: around('postpone', outbox.postpone),
      park: around('park', outbox.park),
    }),
    killed: () => dead,
  };
}

/** Counts how often each reference was sent. */
export function countSent(sent: Map<string, number>): (ledger: Ledger) => Ledger {
  const count = (body: string): void => {
    const { reference } = JSON.parse(body);
    sent.set(reference, (sent.get(reference) ?? 0) + 1);
  };
  return (ledger) => ({
    ...ledger,
    post(body) {
      count(body);
      return ledger.post(body);
    },
    postBulk(bodies) {
      bodies.forEach(count);
      return ledger.postBulk(bodies);
    },
  });
}
