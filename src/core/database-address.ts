/**
 * What `DATABASE_URL` says about encryption, read once for both clients that use it (ours and the queue's): they disagree
 * about the same words, and one of them hands words that it does not know to the server. The words mean here what they
 * mean to PostgreSQL's own programs (https://www.postgresql.org/docs/current/libpq-ssl.html).
 */

export interface DatabaseAddressParts {
  /** The address without what is said about encryption. */
  readonly url: string;
  readonly encryption: Encryption;
}

/** `unchecked`: nobody can listen in, but who answers is not checked. `checked`: its certificate is. */
export type Encryption = 'none' | 'unchecked' | 'checked';

const MODES: Readonly<Record<string, Encryption>> = { disable: 'none', require: 'unchecked', 'verify-full': 'checked' };

/** Settings of other programs, and of certificates, which Node takes from elsewhere. */
const NOT_TAKEN = ['ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'uselibpqcompat', 'channel_binding'];

/** Why it is refused; null when it is taken. Names nothing but the mode. @param url a URL */
export function encryptionProblem(url: string): string | null {
  const { searchParams } = new URL(url);
  const mode = searchParams.get('sslmode');
  if (mode !== null && !Object.hasOwn(MODES, mode)) {
    return `has sslmode=${mode}; allowed are disable, require (encrypted) and verify-full (encrypted, and the server's certificate is checked)`;
  }
  const other = NOT_TAKEN.find((name) => searchParams.has(name));
  if (other === undefined) return null;
  return `has ${other}, which is not taken; allowed is sslmode, and NODE_EXTRA_CA_CERTS names a file with certificates of your own`;
}

/** @param url one that has no problem */
export function readDatabaseAddress(url: string): DatabaseAddressParts {
  const address = new URL(url);
  const encryption = MODES[address.searchParams.get('sslmode') ?? 'disable'] ?? 'checked';
  address.searchParams.delete('sslmode');
  return { url: address.href, encryption };
}
