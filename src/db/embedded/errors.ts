// What can go wrong with the embedded server, as one error class with stable codes.
// Messages are written for the person who starts the program: what was found, where, and what to do about it.

import type { EmbeddedPostgresErrorCode } from '../../core/base/error-codes.js';

/** Thrown by everything in this folder. Decide on `code`; show `message`. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
  readonly code: EmbeddedPostgresErrorCode;

  constructor(code: EmbeddedPostgresErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** The `code` of a Node system error or of a PostgreSQL error (SQLSTATE). */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** How a refusal ends where a server of one's own is the other way out. */
export const OTHER_WAY_OUT = 'Or set DATABASE_URL to a PostgreSQL server of your own (14 or newer).';
