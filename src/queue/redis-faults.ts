/**
 * What Redis, TLS and the resolver say when a connection cannot be used, as a SyncError. What no waiting helps with is fatal, and
 * names what to change; everything else is a server that is away. Never shows a password.
 */
import { SyncError } from '../core/base/errors.js';

/** A replica that was a master, one that lost its master, or one that is still reading its data: reconnecting finds the new one. */
const ANOTHER_SERVER = /^(?:READONLY|MASTERDOWN|LOADING|UNBLOCKED)\b|-READONLY\b/;

/** Whether the answer requires a new connection: behind the same address another server may be the master by now. */
export function isAskingToReconnect(error: Error): boolean {
  return ANOTHER_SERVER.test(error.message);
}

const REFUSED = { kind: 'fatal', code: 'queue_refused' } as const;
const CLUSTER = { kind: 'fatal', code: 'queue_cluster' } as const;

interface Refusal {
  readonly says: RegExp;
  readonly as: typeof REFUSED | typeof CLUSTER;
  readonly advice: string;
}

/** In this order; `says` is looked for in the error's code and message. */
const REFUSALS: readonly Refusal[] = [
  {
    says: /\bNOAUTH\b/,
    as: REFUSED,
    advice:
      'Redis wants a password and REDIS_URL has none: allowed is redis://:<password>@host or redis://<user>:<password>@host',
  },
  {
    says: /\bWRONGPASS\b|invalid password|invalid username-password/,
    as: REFUSED,
    advice:
      'Redis refuses the user or the password of REDIS_URL. Characters such as @ : / # ? % are percent-encoded in a URL',
  },
  {
    says: /\bNOPERM\b/,
    as: REFUSED,
    advice:
      'The Redis user of REDIS_URL may not do what the queue needs: allow it all commands on the keys of QUEUE_PREFIX',
  },
  {
    says: /DB index is out of range|invalid DB index/,
    as: REFUSED,
    advice: 'The number of the database at the end of REDIS_URL is larger than this Redis allows',
  },
  {
    says: /\bCROSSSLOT\b/,
    as: CLUSTER,
    advice:
      "This Redis is a cluster, and keys of one queue must be on one node: set QUEUE_PREFIX='{bull}', braces included",
  },
  {
    says: /^MOVED \d+ /,
    as: CLUSTER,
    advice:
      'This Redis is a cluster, and another node keeps the keys of QUEUE_PREFIX: give REDIS_URL that node (it stands in the answer)',
  },
  {
    says: /WRONG_VERSION_NUMBER|wrong version number|packet length too long|ERR_SSL_PACKET/,
    as: REFUSED,
    advice: 'REDIS_URL begins with rediss:// (TLS), and this server answers without TLS: use redis://',
  },
  {
    says: /Protocol error, got "\\u0015"|as reply type byte|Unknown RESP type/,
    as: REFUSED,
    advice:
      'REDIS_URL begins with redis://, and this server does not answer as Redis does; if it wants TLS use rediss://',
  },
  {
    says: /SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_|ALTNAME_INVALID|self-signed certificate/,
    as: REFUSED,
    advice:
      'The certificate of this Redis is not one that is trusted here. Give the authority that signed it in NODE_EXTRA_CA_CERTS',
  },
];

/** @param url shown without its password */
export function redisFault(error: unknown, url: string): SyncError {
  const words = wordsOf(error);
  const refusal = REFUSALS.find(({ says }) => says.test(words));
  if (refusal === undefined) {
    return new SyncError(`Redis does not answer at ${redisName(url)}. ${adviceOnSilence(words, url)}`, {
      kind: 'transient',
      code: 'queue_unreachable',
      cause: error,
    });
  }
  return new SyncError(`Redis at ${redisName(url)} cannot be used. ${refusal.advice}`, {
    ...refusal.as,
    cause: error,
  });
}

function adviceOnSilence(words: string, url: string): string {
  // A container may start before its network: a name that is not known now may be known in a moment.
  if (/\bENOTFOUND\b/.test(words)) return 'There is no such host now; check the host in REDIS_URL';
  if (!url.startsWith('rediss:')) return 'Check that it runs and that REDIS_URL is right';
  // A server without TLS may wait for the rest of what it takes for a command.
  return 'Check that it runs, that REDIS_URL is right, and that this port speaks TLS, as rediss:// asks; without TLS it is redis://';
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  const inner = error instanceof AggregateError ? error.errors.map(wordsOf).join(' ') : '';
  return `${error.message}${code}${inner}`;
}

/** Where it is, without credentials. */
export function redisName(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return 'REDIS_URL (not a URL)';
  }
}
