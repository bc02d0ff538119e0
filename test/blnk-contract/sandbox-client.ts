// Talks to a Blnk sandbox over real HTTP in the few ways that its own tests need. It repairs and retries nothing.

import type { BlnkSandbox } from '../../sandbox/blnk/sandbox.js';

export interface SandboxAnswer {
  status: number;
  body: unknown;
  text: string;
  headers: Headers;
}

/** Core's two error fields, as far as tests look at them. */
interface CoreError {
  error?: string;
  error_detail?: { code: string; message: string };
}

/** The body of a payment as the mirror posts it, with anything changed. */
export function payment(reference: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    precise_amount: 1250,
    precision: 100,
    currency: 'USD',
    reference,
    source: '@stripe',
    destination: '@cus_1',
    description: 'Stripe payment',
    allow_overdraft: true,
    skip_queue: true,
    effective_date: '2026-01-15T10:00:00Z',
    meta_data: { stripe_payment_intent_id: reference, stripe_day: '2026-01-15' },
    ...changes,
  };
}

/** The body of a synchronous bulk. */
export function bulkOf(references: readonly string[]): Record<string, unknown> {
  return { atomic: false, skip_queue: true, transactions: references.map((reference) => payment(reference)) };
}

export interface SandboxRequest {
  method?: string;
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** A request with Core's key. */
export function asCore(sandbox: BlnkSandbox, request: SandboxRequest): Promise<SandboxAnswer> {
  return send(sandbox, request, { 'x-blnk-key': sandbox.coreKey });
}

/** A request with the Cloud's token and instance id, for /proxy and for its own routes. */
export function asCloud(sandbox: BlnkSandbox, request: SandboxRequest): Promise<SandboxAnswer> {
  const query = { instance_id: sandbox.instanceId, ...request.query };
  return send(sandbox, { ...request, query }, { authorization: `Bearer ${sandbox.cloudToken}` });
}

/** A request to the sandbox's own control routes. */
export function asControl(sandbox: BlnkSandbox, request: SandboxRequest): Promise<SandboxAnswer> {
  return send(sandbox, { ...request, path: `/_sandbox${request.path}` }, {});
}

/** Posts one payment directly to Core. */
export function postPayment(
  sandbox: BlnkSandbox,
  reference: string,
  changes: Record<string, unknown> = {},
): Promise<SandboxAnswer> {
  return asCore(sandbox, { path: '/transactions', body: payment(reference, changes) });
}

/** `error_detail.code` of an answer. */
export function codeOf({ body }: SandboxAnswer): string | undefined {
  return (body as CoreError | null)?.error_detail?.code;
}

/** The references that the Cloud's Filters API shows, newest first. */
export async function seenThroughCloud(sandbox: BlnkSandbox, references: readonly string[]): Promise<string[]> {
  const body = { filters: [{ field: 'reference', operator: 'in', values: references }] };
  const answer = await asCloud(sandbox, { path: '/transactions/filter', query: { pageSize: '100' }, body });
  return (answer.body as { data: { reference: string }[] }).data.map(({ reference }) => reference);
}

/** Waits for something to become true; gives up with an error after five seconds. */
export async function eventually(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!isTrue()) {
    if (Date.now() > deadline) {
      throw new Error('it did not become true within 5 s');
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function send(
  sandbox: BlnkSandbox,
  { method, path, query, body, headers, signal }: SandboxRequest,
  credentials: Record<string, string>,
): Promise<SandboxAnswer> {
  const url = new URL(path, sandbox.url);
  for (const [name, value] of Object.entries(query ?? {})) {
    url.searchParams.set(name, value);
  }
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { 'content-type': 'application/json', ...credentials, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, body: isJson ? JSON.parse(text) : text, text, headers: response.headers };
}
