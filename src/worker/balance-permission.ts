/**
 * Whether the Blnk key may read what a balance was at a moment. Without it everything goes on, and proofs see less: that is
 * noted in the mirror, where `status` tells it, and asked again hourly, because a key may be replaced while a worker runs.
 */
import type { Clock } from '../core/clock.js';
import { HOUR_MS } from '../core/window.js';
import type { PermissionChange } from './permission-watch.js';

export interface BalancePermissionPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Null when no answer says so. */
  mayRead(): Promise<boolean | null>;
  /** Answers whether that is another state than the one noted before. */
  note(isRefused: boolean): Promise<boolean>;
  /** Tells people of a refusal, at each look, and that there is none any more. */
  onPermission(change: PermissionChange): void;
}

const ASK_EVERY_MS = HOUR_MS;

/** @returns a look: asks at the first call and then hourly */
export function createBalancePermission(ports: BalancePermissionPorts): () => Promise<void> {
  let askedAtMs: number | null = null;
  return async () => {
    const nowMs = ports.clock.monotonicMs();
    if (askedAtMs !== null && nowMs - askedAtMs < ASK_EVERY_MS) return;
    askedAtMs = nowMs;
    const mayRead = await ports.mayRead();
    if (mayRead === null) return;
    const isNew = await ports.note(!mayRead);
    if (!mayRead) ports.onPermission('refused');
    else if (isNew) ports.onPermission('allowed');
  };
}
