/**
 * A claim while it is being worked on: renews it in the database, and answers whether a request may still be sent.
 *
 * Invariant: a request goes out only within half the lease by the monotonic clock, counted from before the write that
 * granted it. A worker that was paused finds this out before it sends; whoever took the claim over looks up first.
 */
import type { Clock } from '../core/base/clock.js';
import { SyncError } from '../core/base/errors.js';
import type { Outbox } from './ports.js';

export interface Lease {
  /** Throws SyncError `claim_expired` when too much of the lease has passed to send anything. */
  assertMaySend(): void;
  maySend(): boolean;
  /** Runs a write that grants or extends the lease, and counts from before it. */
  extendBy<T>(write: () => Promise<T>): Promise<T>;
  stop(): void;
}

export interface LeaseOptions {
  readonly token: string;
  /** Everything that was claimed; what is marked meanwhile is no longer held, and is left alone. */
  readonly references: readonly string[];
  readonly leaseMs: number;
  /** Monotonic time before the statement that made the claim. */
  readonly grantedAtMs: number;
  /** A renewal that fails is not fatal: the lease simply ends; it is reported. */
  onRenewalFailed(error: unknown): void;
}

export function holdLease(outbox: Outbox, clock: Clock, options: LeaseOptions): Lease {
  let grantedAtMs = options.grantedAtMs;
  const extendBy = async <T>(write: () => Promise<T>): Promise<T> => {
    const beforeMs = clock.monotonicMs();
    const result = await write();
    grantedAtMs = beforeMs;
    return result;
  };
  // A renewal keeps others away while a request runs. It does not permit sending: it may have renewed only part of the claim.
  const stop = clock.every(options.leaseMs / 3, () => {
    outbox.renew(options.token, options.references, options.leaseMs).catch(options.onRenewalFailed);
  });
  const maySend = () => clock.monotonicMs() - grantedAtMs < options.leaseMs / 2;
  return {
    maySend,
    assertMaySend() {
      if (maySend()) return;
      throw new SyncError(
        'The claim on these postings is too old to send them; they will be looked up and taken anew',
        {
          kind: 'transient',
          code: 'claim_expired',
        },
      );
    },
    extendBy,
    stop,
  };
}
