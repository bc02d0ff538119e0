/**
 * Why a database could not be opened, in words for the person who has to fix it. What no waiting helps with (a password, a name,
 * a certificate) is fatal; everything else may be a server that is not there yet.
 */

import type { CodeOfKind } from '../../core/base/error-codes.js';
import { describeError, SyncError } from '../../core/base/errors.js';
import type { DatabaseAddressParts } from '../../core/settings/database-address.js';
import { isFull, noConnectionLeft } from './server-faults.js';

export interface OpeningPlace {
  readonly parts: DatabaseAddressParts;
  /** The address for people. */
  readonly at: string;
}

interface Refusal {
  readonly kind: 'fatal';
  readonly code: CodeOfKind<'fatal'>;
  readonly words: (place: OpeningPlace) => string;
}

const LOGIN: Refusal = {
  kind: 'fatal',
  code: 'database_login_refused',
  words: ({ at, parts }) =>
    `PostgreSQL at ${at} does not let this user in. Correct user and password in DATABASE_URL (encode what is no letter or digit: @ is %40, / is %2F)` +
    (parts.encryption === 'none' ? '; where it lets in encrypted connections only, add ?sslmode=require' : ''),
};
const NO_DATABASE: Refusal = {
  kind: 'fatal',
  code: 'database_missing',
  words: ({ at, parts }) =>
    `There is no database ${parts.database ?? '(none is named: the user’s name was tried)'} at ${at}. Create it (create database … encoding 'UTF8'), or correct its name in DATABASE_URL`,
};
const NO_RIGHT: Refusal = {
  kind: 'fatal',
  code: 'database_right_missing',
  words: ({ at }) =>
    `The role in DATABASE_URL may not use the database at ${at}. Its rights are in docs/security.md, "Roles of the database"`,
};
const NO_ENCRYPTION: Refusal = {
  kind: 'fatal',
  code: 'database_encryption_refused',
  words: ({ at }) =>
    `PostgreSQL at ${at} does not encrypt. Switch ssl on there, or take sslmode out of DATABASE_URL where nobody can listen in`,
};
const CERTIFICATE: Refusal = {
  kind: 'fatal',
  code: 'database_certificate_refused',
  words: ({ at }) =>
    `The certificate of PostgreSQL at ${at} is not one that is trusted for this host. Name the file of its authority in NODE_EXTRA_CA_CERTS, correct the host in DATABASE_URL, or set sslmode=require, which encrypts and does not check`,
};

/** SQLSTATE, Node's and OpenSSL's words: https://nodejs.org/docs/latest/api/tls.html#x509-certificate-error-codes */
const BY_CODE: Readonly<Record<string, Refusal>> = {
  '28P01': LOGIN,
  '28000': LOGIN,
  SASL_SIGNATURE_MISMATCH: LOGIN,
  '3D000': NO_DATABASE,
  '42501': NO_RIGHT,
  encryption: NO_ENCRYPTION,
  DEPTH_ZERO_SELF_SIGNED_CERT: CERTIFICATE,
  SELF_SIGNED_CERT_IN_CHAIN: CERTIFICATE,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: CERTIFICATE,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: CERTIFICATE,
  CERT_HAS_EXPIRED: CERTIFICATE,
  ERR_TLS_CERT_ALTNAME_INVALID: CERTIFICATE,
};

/** PgBouncer has one code for all that it refuses. */
const BY_POOLERS_WORDS: ReadonlyArray<readonly [RegExp, Refusal]> = [
  [/no such user|authentication failed|password/i, LOGIN],
  [/no such database/i, NO_DATABASE],
];
const PROTOCOL_VIOLATION = '08P01';

export function openingFault(error: unknown, place: OpeningPlace): SyncError {
  // A container may start before its network: a name that is not known now may be known in a moment.
  if (codeOf(error) === 'ENOTFOUND') {
    return new SyncError(
      `No machine is known as ${place.parts.host} now. Correct the host in DATABASE_URL, unless its network is still to come`,
      { kind: 'transient', code: 'database_host_unknown', cause: error },
    );
  }
  if (isFull(error)) return noConnectionLeft(error, place.at);
  const refusal = findRefusal(error);
  if (refusal === undefined) {
    return new SyncError(
      `The database does not answer at ${place.at}. Check that it runs and that DATABASE_URL is right`,
      { kind: 'transient', code: 'database_unreachable', cause: error },
    );
  }
  return new SyncError(refusal.words(place), { kind: refusal.kind, code: refusal.code, cause: error });
}

function findRefusal(error: unknown): Refusal | undefined {
  const code = codeOf(error);
  if (code !== PROTOCOL_VIOLATION) return BY_CODE[code];
  const words = describeError(error);
  return BY_POOLERS_WORDS.find(([pattern]) => pattern.test(words))?.[1];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
