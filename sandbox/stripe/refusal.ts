// What Stripe answers when it does not do what was asked: status, error body, headers. Texts follow the shape of
// https://docs.stripe.com/error-codes and of the errors that its users quote; clients match on some of them.

/** Thrown by a route, answered by the server. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(body.message);
  }
}

export interface ErrorBody {
  readonly type: 'invalid_request_error' | 'api_error';
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
}

export type RateLimitReason =
  | 'global-rate'
  | 'endpoint-rate'
  | 'global-concurrency'
  | 'endpoint-concurrency'
  | 'resource-specific';

export function unknownObject(noun: string, id: string, param = 'id'): Refusal {
  return new Refusal(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${noun}: '${id}'`,
    param,
  });
}

export function unknownCursor(noun: string, id: string, param: string): Refusal {
  return new Refusal(400, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${noun}: '${id}'`,
    param,
  });
}

export function agedOut(id: string, param: string): Refusal {
  return new Refusal(400, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `The event '${id}' is no longer available because it's aged out of our retention policy.`,
    param,
  });
}

export function badParameter(param: string, message: string, code = 'parameter_invalid'): Refusal {
  return new Refusal(400, { type: 'invalid_request_error', code, message, param });
}

export function unknownRoute(method: string, path: string): Refusal {
  return new Refusal(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${method}: ${path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
  });
}

export function wrongKey(key: string | null): Refusal {
  const message =
    key === null
      ? 'You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth.'
      : `Invalid API Key provided: ${maskKey(key)}`;
  return new Refusal(401, { type: 'invalid_request_error', message });
}

export function missingPermission(options: { key: string; account: string; permission: string }): Refusal {
  return new Refusal(403, {
    type: 'invalid_request_error',
    message:
      `The provided key '${maskKey(options.key)}' does not have the required permissions for this endpoint on account ` +
      `'${options.account}'. Having the '${options.permission}' permission would allow this request to continue.`,
  });
}

/** A 429 of one of Stripe's limiters, https://docs.stripe.com/rate-limits */
export function rateLimited(reason: RateLimitReason): Refusal {
  return new Refusal(
    429,
    {
      type: 'invalid_request_error',
      code: 'rate_limit',
      message: 'Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.',
    },
    { 'Stripe-Rate-Limited-Reason': reason },
  );
}

/** Some endpoints tell of a rate limit with status 400. */
export function rateLimitedAs400(): Refusal {
  return new Refusal(400, {
    type: 'invalid_request_error',
    code: 'rate_limit',
    message: 'Request rate limit exceeded.',
  });
}

/** A 429 that is no limiter's: another request holds the object. It carries no reason and no request id. */
export function lockTimeout(): Refusal {
  return new Refusal(
    429,
    {
      type: 'invalid_request_error',
      code: 'lock_timeout',
      message:
        'This object cannot be accessed right now because another API request or Stripe process is currently accessing it.',
    },
    { 'Stripe-Should-Retry': 'true', 'Request-Id': '' },
  );
}

export function serverError(status: number): Refusal {
  return new Refusal(status, { type: 'api_error', message: 'An unknown error occurred' });
}

/** First and last characters, as Stripe shows keys in messages. */
function maskKey(key: string): string {
  return key.length <= 16
    ? `${key.slice(0, 8)}***`
    : `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}`;
}
