/**
 * The outbox as post has it. Every claim is a compare-and-set with a random token and a lease by PostgreSQL's clock; every
 * mark needs that token, so a worker that slept through its lease changes nothing any more.
 *
 * Its statements are in `postings/`, written as SQL: `FOR UPDATE SKIP LOCKED` inside an UPDATE, and whole chunks as arrays.
 */
import type postgres from 'postgres';
import type { AccountsMode } from '../../core/accounts/accounts-mode.js';
import type { DismissedPostings, Outbox } from '../../post/ports.js';
import { claimAttempted, claimDismissed, claimNew } from './claim.js';
import { nextDueInMs } from './due.js';
import { markAttempt, renewClaim } from './keep-claim.js';
import { markLooked } from './mark-looked.js';
import { park } from './park.js';
import { postpone } from './postpone.js';
import { settle, type WaitedListener } from './settle.js';

export interface OutboxOptions {
  /** Of the mirror, as the process read it at its start; once it was raised nothing is claimed any more. */
  readonly epoch: number;
  /** Of the mirror. */
  readonly accountsMode: AccountsMode;
  readonly onWaited?: WaitedListener;
}

export function createOutbox(sql: postgres.Sql, { epoch, accountsMode, onWaited }: OutboxOptions): Outbox {
  return {
    claimNew: (lane, options) => claimNew(sql, lane, { ...options, epoch, accountsMode }),
    claimAttempted: (lane, options) => claimAttempted(sql, lane, { ...options, epoch, accountsMode }),
    markAttempt: (token, references, leaseMs) => markAttempt(sql, token, { references, leaseMs, epoch }),
    renew: (token, references, leaseMs) => renewClaim(sql, token, { references, leaseMs }),
    settle: (token, settlements) => settle(sql, token, settlements, onWaited),
    postpone: (token, postponements) => postpone(sql, token, postponements),
    park: (token, parkings) => park(sql, token, parkings),
    nextDueInMs: (lane) => nextDueInMs(sql, lane, { epoch, accountsMode }),
  };
}

/** @param options.epoch as for `createOutbox` */
export function createDismissedPostings(sql: postgres.Sql, { epoch }: { readonly epoch: number }): DismissedPostings {
  return {
    claimDismissed: (options) => claimDismissed(sql, { ...options, epoch }),
    markLooked: (token, found) => markLooked(sql, token, found),
  };
}
