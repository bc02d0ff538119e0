// What goes back to a client: answers, Core's error bodies and the codes that sort them.
// Core writes every error twice: as flat text under `error` (validation: `errors`) and as `error_detail`.

/** One answer, ready to be written. */
export interface Answer {
  status: number;
  body: string;
  type?: string;
  headers?: Record<string, string>;
  /** Core's text before 0.15.0, where it is another one. */
  olderText?: string;
}

/** Why Core refuses something. `inBulk` is the text that a bulk's message carries instead. */
export interface Failure {
  status: number;
  code: string;
  message: string;
  details?: unknown;
  key?: 'error' | 'errors';
  inBulk?: string;
}

export const notFoundPage: Answer = { status: 404, body: '404 page not found', type: 'text/plain' };

export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, body: JSON.stringify(value) };
}

/** A failure in Core's double form. */
export function failureAnswer(failure: Failure): Answer {
  const { code, message, details } = failure;
  const detail = details === undefined ? { code, message } : { code, message, details };
  const answer = jsonAnswer(failure.status, { [failure.key ?? 'error']: message, error_detail: detail });
  return failure.inBulk === undefined ? answer : { ...answer, olderText: failure.inBulk };
}

export const malformed: Failure = { status: 400, code: 'GEN_MALFORMED_REQUEST', message: 'Invalid input' };

export function badRequest(message: string): Failure {
  return { status: 400, code: 'GEN_BAD_REQUEST', message };
}

export function validationFailure(message: string, details?: unknown): Failure {
  return {
    status: 400,
    code: 'TXN_VALIDATION_ERROR',
    message,
    key: 'errors',
    ...(details === undefined ? {} : { details }),
  };
}

export function notFound(code: string, message: string): Failure {
  return { status: 404, code, message };
}

/** A row that Core's database does not have: such errors come with empty details. */
export function noSuchRow(code: string, message: string): Failure {
  return { ...notFound(code, message), details: {} };
}

/** An error of PostgreSQL below Core: its text stays hidden, its SQLSTATE shows in the details. */
export function databaseFailure(message: string, sql: { code: string; message: string }): Failure {
  return {
    status: 500,
    code: 'GEN_INTERNAL',
    message,
    details: { Severity: 'ERROR', Code: sql.code, Message: sql.message },
    inBulk: `failed to persist transaction with balances: INTERNAL_SERVER_ERROR: ${message}`,
  };
}

/** For what Core can do and this sandbox does not play: loud, so that no test passes on it by accident. */
export function notPlayed(what: string): Answer {
  return { status: 501, body: `the sandbox does not play ${what}`, type: 'text/plain' };
}
