/**
 * Whether the Blnk key may read what a balance was at a moment. Without it everything goes on, and proofs see less: that is
 * noted in the mirror, where `status` shows it, and checked again and again, because a key may be replaced while a worker runs.
 */
import type { PermissionChange } from './permission-watch.js';

export interface BalancePermissionPorts {
  /** Null when no answer shows it. */
  mayRead(): Promise<boolean | null>;
  /** Answers whether that is another state than the one noted before. */
  note(isRefused: boolean): Promise<boolean>;
  /** Tells people of a refusal, at each look, and that there is none any more. */
  onPermission(change: PermissionChange): void;
}

/** One look. */
export async function lookAtBalancePermission(ports: BalancePermissionPorts): Promise<void> {
  const mayRead = await ports.mayRead();
  if (mayRead === null) return;
  const isNew = await ports.note(!mayRead);
  if (!mayRead) ports.onPermission('refused');
  else if (isNew) ports.onPermission('allowed');
}
