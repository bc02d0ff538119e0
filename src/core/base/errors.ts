/**
 * The one error type that crosses folders. An adapter turns what its vendor threw into a SyncError exactly once;
 * everything above decides by `kind` and reports by `code`. Expected refusals of a single payment are values, not errors.
 */

import { type CodeOfKind, type ErrorCode, isErrorCode, type SyncErrorCode, type SyncErrorKind } from './error-codes.js';

/** A code and the kind that it always has. */
export type SyncErrorIdentity = {
  [Kind in SyncErrorKind]: { readonly kind: Kind; readonly code: CodeOfKind<Kind> };
}[SyncErrorKind];

export type SyncErrorOptions = SyncErrorIdentity & {
  readonly cause?: unknown;
  /** How long the vendor asked us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
};

/** A fault with a stable code. The message states what happened, which value, what is allowed and what to do next. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly kind: SyncErrorKind;
  readonly code: SyncErrorCode;
  readonly retryAfterMs: number | undefined;
  readonly #options: SyncErrorOptions;

  constructor(message: string, options: SyncErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = options.kind;
    this.code = options.code;
    this.retryAfterMs = options.retryAfterMs;
    this.#options = options;
  }

  /** The same fault in other words. */
  withMessage(message: string): SyncError {
    return new SyncError(message, this.#options);
  }
}

/** The error and its causes in one line, outermost first, each message once. */
export function describeError(error: unknown): string {
  const messages: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    const message = messageOf(current);
    if (message !== '' && !messages.some((earlier) => earlier.includes(message))) messages.push(message);
    current = current instanceof Error ? current.cause : undefined;
  }
  return messages.join(': ');
}

/** Words of somebody else, where a sentence of ours goes on after them. */
export function withoutFullStop(text: string): string {
  return text.replace(/\.+$/, '');
}

/** The same with the stable code in front, which the runbook is ordered by. */
export function describeFault(error: unknown): string {
  return error instanceof SyncError ? `${error.code}: ${describeError(error)}` : describeError(error);
}

/** The same for programs. A fault without a code of its own is `unexpected`, and of no kind. */
export function faultFields(error: unknown): {
  readonly code: ErrorCode;
  readonly kind: SyncErrorKind | null;
  readonly message: string;
} {
  const message = describeError(error);
  if (error instanceof SyncError) return { code: error.code, kind: error.kind, message };
  // Refusals of the configuration and of the private PostgreSQL.
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (isErrorCode(code)) return { code, kind: 'fatal', message };
  return { code: 'unexpected', kind: null, message };
}

/** A query's own text and values are left out: they are long, and the values are people's. The cause holds what is wrong. */
function isFailedQuery(error: unknown): boolean {
  return error instanceof Error && 'query' in error && 'params' in error && error.cause instanceof Error;
}

function messageOf(error: unknown): string {
  if (isFailedQuery(error)) return '';
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((inner) => messageOf(inner)).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
