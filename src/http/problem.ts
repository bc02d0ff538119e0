/** Errors as answers: problem documents (RFC 9457) whose `type` is the place in the runbook that says what to do. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { SYNC_ERROR_CODES } from '../core/base/error-codes.js';
import { SyncError } from '../core/base/errors.js';
import { Refusal } from '../core/base/refusal.js';

/** Those that are answered; the others keep the server from listening. */
export type HttpErrorCode = Exclude<keyof typeof SYNC_ERROR_CODES.http, 'http_port_taken' | 'http_not_listening'>;

export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly title: string;
  /** What happened, which value, what is allowed, what to do next. */
  readonly detail: string;
  readonly errors?: ReadonlyArray<{ readonly pointer: string; readonly detail: string }>;
  readonly retryAfterS?: number;
}

/** Thrown by handlers; becomes the answer. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

export function refuse(
  status: ContentfulStatusCode,
  code: HttpErrorCode,
  detail: string,
  more: Partial<Problem> = {},
): ProblemError {
  return new ProblemError(problemWith(status, code, detail, more));
}

/** To be answered at once: an error's stack costs more than the rest of a refusal, which matters where anybody may cause one. */
export function problemWith(
  status: ContentfulStatusCode,
  code: HttpErrorCode,
  detail: string,
  more: Partial<Problem> = {},
): Problem {
  return { status, code, title: TITLES[code], detail, ...more };
}

const TITLES: Readonly<Record<HttpErrorCode, string>> = {
  http_not_found: 'There is nothing here',
  http_method_not_allowed: 'That cannot be done here',
  http_host_unknown: 'This server is not called that',
  http_token_missing: 'A token is needed',
  http_token_wrong: 'The token is not one of this mirror',
  http_too_many_tries: 'Too many wrong tokens',
  http_not_allowed: 'A viewer may change nothing',
  http_foreign_origin: 'Another page may not ask for that',
  http_request_invalid: 'The request cannot be read',
  http_body_too_large: 'The body is too large',
  http_media_type: 'The body is of another kind',
  http_link_void: 'This link does not log in',
  http_signature_wrong: 'The signature is not of this endpoint',
  http_without_keys: 'This process has no keys',
  http_took_too_long: 'It took too long',
};

/** What is thrown by reads and operations; null when it is no fault of theirs. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof Refusal) return problemOf(error.reason);
  if (!(error instanceof SyncError)) return null;
  const { code, kind, message } = error;
  if (kind === 'transient')
    return { status: STATUS_OF[code] ?? 503, code, title: 'Try again', detail: message, retryAfterS: 5 };
  return { status: STATUS_OF[code] ?? 409, code, title: 'Refused', detail: message };
}

const STATUS_OF: Readonly<Record<string, ContentfulStatusCode>> = {
  cursor_unknown: 400,
  window_unreadable: 422,
  payment_unknown: 404,
  run_unknown: 404,
  day_not_proven: 404,
  days_not_provable: 422,
  repair_plan_unknown: 404,
  repair_in_hand: 409,
};

export function answerProblem(c: Context, { status, retryAfterS, ...problem }: Problem): Response {
  if (retryAfterS !== undefined) c.header('retry-after', String(retryAfterS));
  const document = { type: `/runbook#${problem.code}`, status, ...problem, instance: c.get('requestId') ?? null };
  return c.body(JSON.stringify(document, null, 2), status, { 'content-type': 'application/problem+json' });
}
