/**
 * The variables of the HTTP server: what they may hold, and the rules between them. Closed by default: without a token only
 * this machine is answered, and only under names that are its own.
 */
import * as z from 'zod';

export interface HttpConfig {
  /** The address that is listened on. */
  readonly host: string;
  readonly port: number;
  /** Under which people reach it when that is another one, without a path: `https://sync.example.com`. */
  readonly publicUrl: string | null;
  /** Whether a proxy before it is believed who asks and over what: `X-Forwarded-For`, `X-Forwarded-Proto`. */
  readonly trustsProxy: boolean;
  /** May read and change everything. Null: whoever asks from this machine may. */
  readonly adminToken: string | null;
  /** May read everything. */
  readonly viewerToken: string | null;
  /** Of Stripe's webhook endpoint; several while one is exchanged for another. Empty: no webhook is taken. */
  readonly webhookSecrets: readonly string[];
  /** Where a row of the ledger is looked at, with `{transaction_id}` or `{reference}` in it. */
  readonly ledgerRowUrl: string | null;
}

/** So long that nobody guesses it, also where wrong ones are not slowed down. */
const TOKEN_LENGTH_MIN = 20;
const PORT_ALLOWED = 'allowed is a port from 1 to 65535, or off';

const token = z
  .string()
  .refine((text) => text.length >= TOKEN_LENGTH_MIN && /^[\x21-\x7e]+$/.test(text), {
    error: `allowed are ${TOKEN_LENGTH_MIN} or more letters, digits and signs without spaces, e.g. from: openssl rand -hex 32`,
  })
  .optional();

export const httpShape = {
  HTTP_HOST: z
    .string()
    .default('127.0.0.1')
    .refine((text) => /^[0-9a-z.:-]{1,253}$/i.test(text), {
      error: 'allowed is an address to listen on, e.g. 127.0.0.1 or 0.0.0.0',
    }),
  HTTP_PORT: z
    .union(
      [
        z.literal('off'),
        z.coerce
          .number({ error: PORT_ALLOWED })
          .int({ error: PORT_ALLOWED })
          .min(1, { error: PORT_ALLOWED })
          .max(65_535, { error: PORT_ALLOWED }),
      ],
      { error: PORT_ALLOWED },
    )
    .default(3_000),
  PUBLIC_URL: z
    .string()
    .refine((text) => isOrigin(text), {
      error: 'allowed is http:// or https:// and a host, without a path, e.g. https://sync.example.com',
    })
    .optional(),
  TRUST_PROXY: z.enum(['on', 'off'], { error: 'allowed is on or off' }).default('off'),
  ADMIN_TOKEN: token,
  VIEWER_TOKEN: token,
  STRIPE_WEBHOOK_SECRET: z
    .string()
    .refine((text) => text.split(',').every((secret) => /^whsec_[\x21-\x2b\x2d-\x7e]+$/.test(secret.trim())), {
      error: 'allowed is the signing secret of a webhook endpoint (whsec_…), or several with commas between',
    })
    .optional(),
  BLNK_DASHBOARD_URL_TEMPLATE: z
    .string()
    .refine((text) => isRowTemplate(text), {
      error:
        'allowed is an http or https address with {transaction_id} or {reference} in it, e.g. https://ledger.example.com/transactions/{transaction_id}',
    })
    .optional(),
};

const httpObject = z.object(httpShape);

/** Null: no server. */
export function toHttp(fields: z.infer<typeof httpObject>): HttpConfig | null {
  if (fields.HTTP_PORT === 'off') return null;
  return {
    host: fields.HTTP_HOST,
    port: fields.HTTP_PORT,
    publicUrl: fields.PUBLIC_URL === undefined ? null : new URL(fields.PUBLIC_URL).origin,
    trustsProxy: fields.TRUST_PROXY === 'on',
    adminToken: fields.ADMIN_TOKEN ?? null,
    viewerToken: fields.VIEWER_TOKEN ?? null,
    webhookSecrets: fields.STRIPE_WEBHOOK_SECRET?.split(',').map((secret) => secret.trim()) ?? [],
    ledgerRowUrl: fields.BLNK_DASHBOARD_URL_TEMPLATE ?? null,
  };
}

/** Rules between them, on the raw variables. */
export function httpProblems(bag: Readonly<Record<string, string>>): string[] {
  if (bag.HTTP_PORT === 'off') return [];
  const problems: string[] = [];
  const host = bag.HTTP_HOST ?? '127.0.0.1';
  if (!isLoopback(host) && bag.ADMIN_TOKEN === undefined) {
    problems.push(
      `HTTP_HOST: is ${JSON.stringify(host)}, which other machines reach, and ADMIN_TOKEN is not set; allowed is 127.0.0.1 or ::1, or a token: openssl rand -hex 32`,
    );
  }
  if (bag.PUBLIC_URL !== undefined && bag.ADMIN_TOKEN === undefined) {
    problems.push('PUBLIC_URL: is set without ADMIN_TOKEN; allowed are both, with a token from: openssl rand -hex 32');
  }
  if (bag.VIEWER_TOKEN !== undefined && bag.ADMIN_TOKEN === undefined) {
    problems.push(
      'VIEWER_TOKEN: is set without ADMIN_TOKEN, so that everybody here may do everything; allowed is both',
    );
  }
  if (bag.VIEWER_TOKEN !== undefined && bag.VIEWER_TOKEN === bag.ADMIN_TOKEN) {
    problems.push('VIEWER_TOKEN: is the same as ADMIN_TOKEN; allowed is another one');
  }
  return problems;
}

/** Addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Pages link to it: nothing but an address of the web. */
function isRowTemplate(text: string): boolean {
  return /^https?:\/\/[^\s"'<>]+$/i.test(text) && /\{(?:transaction_id|reference)\}/.test(text) && URL.canParse(text);
}

function isOrigin(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false;
  const { pathname, search, hash, username, password } = new URL(text);
  return pathname === '/' && search === '' && hash === '' && username === '' && password === '';
}
