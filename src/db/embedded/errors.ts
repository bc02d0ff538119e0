// What can go wrong with the embedded server, as one error class with stable codes.
// Messages are written for the person who starts the program: what was found, where, and what to do about it.

export type EmbeddedPostgresErrorCode =
  /** No server program for this operating system and processor, or it does not run here (musl, too old a glibc). */
  | 'unsupported_platform'
  /** The optional package with the server program is not installed. */
  | 'binaries_missing'
  /** We are root and cannot run the server as another user, or are a user without a name. */
  | 'account_unavailable'
  /** The user that runs the server cannot enter a folder on the way. */
  | 'folder_unreachable'
  /** We cannot create or write the data folder. */
  | 'folder_not_writable'
  /** The data belongs to another user, or is not ours at all. */
  | 'foreign_folder'
  /** The data was written by another major version of PostgreSQL. */
  | 'version_mismatch'
  | 'initdb_failed'
  | 'start_failed'
  | 'start_timeout';

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

/** The one sentence every refusal ends with. */
export const OTHER_WAY_OUT = 'Or set DATABASE_URL to a PostgreSQL server of your own (14 or newer).';
