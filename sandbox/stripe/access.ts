// Who may ask what: the secret key may read everything, a restricted key what its permissions name.
// See https://docs.stripe.com/keys/restricted-api-keys

import { missingPermission, wrongKey } from './refusal.js';

export type Permission =
  | 'rak_payment_intent_read'
  | 'rak_event_read'
  | 'rak_charge_read'
  | 'rak_customer_read'
  | 'rak_accounts_kyc_basic_read';

export interface AccessOptions {
  readonly apiKey: string;
  /** Restricted keys (`rk_test_…`) with what each may read. */
  readonly restrictedKeys: Readonly<Record<string, readonly Permission[]>>;
  readonly account: string;
}

/** Throws the refusal that the key deserves. */
export function checkAccess(
  options: AccessOptions,
  asked: { key: string | null; permission: Permission | null },
): void {
  if (asked.key === null) throw wrongKey(null);
  if (asked.key === options.apiKey) return;
  const permissions = Object.hasOwn(options.restrictedKeys, asked.key) ? options.restrictedKeys[asked.key] : undefined;
  if (permissions === undefined) throw wrongKey(asked.key);
  if (asked.permission !== null && !permissions.includes(asked.permission)) {
    throw missingPermission({ key: asked.key, account: options.account, permission: asked.permission });
  }
}

/** The key of an Authorization header: Bearer, or the user name of Basic. */
export function keyFrom(header: string | undefined): string | null {
  if (header === undefined) return null;
  const [scheme, credentials] = header.split(' ');
  if (credentials === undefined) return null;
  if (scheme?.toLowerCase() === 'bearer') return credentials;
  if (scheme?.toLowerCase() !== 'basic') return null;
  return Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? null;
}
