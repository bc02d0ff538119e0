/**
 * What `DATABASE_URL` holds, read once for both clients that use it (ours and the queue's): they disagree about the same
 * words, and hand words that they do not know to the server. What is not taken is refused with what to write instead.
 * Encryption means here what it means to PostgreSQL's own programs (https://www.postgresql.org/docs/current/libpq-ssl.html).
 */
import { loginProblem } from './login-problem.js';

/** A server by URL, or the embedded one by the folder of its Unix socket. */
export type DatabaseAddress =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'socket';
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly database: string;
    };

export interface DatabaseAddressParts {
  /** A name or an IP address; or, beginning with `/`, the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Null when none is named: the drivers take the name of the operating system's user. */
  readonly user: string | null;
  readonly password: string | null;
  /** Null when none is named: the one that is called like the user. */
  readonly database: string | null;
  readonly encryption: Encryption;
}

/** `unchecked`: nobody can listen in, but who answers is not checked. `checked`: its certificate is. */
export type Encryption = 'none' | 'unchecked' | 'checked';

const MODES: Readonly<Record<string, Encryption>> = { disable: 'none', require: 'unchecked', 'verify-full': 'checked' };

/** Settings of other programs for certificates, which Node takes from elsewhere. */
const CERTIFICATES = ['ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'uselibpqcompat', 'channel_binding'];
const TAKEN = ['sslmode', 'host', 'pgbouncer'];

const DEFAULT_PORT = 5432;
const SHAPE = 'allowed is postgres://user:password@host:5432/database';

/** Why it is refused; null when it is taken. Names hosts, modes and the names of settings, never a user or a password. */
export function databaseAddressProblem(text: string): string | null {
  const unusable = spellingProblem(text);
  if (unusable !== null) return `is not usable (not shown, it is a secret); ${unusable}`;
  const { authority, query } = split(text);
  const settings = new URLSearchParams(query);
  return hostProblem(hostOf(authority)) ?? queryProblem(settings) ?? twoHostsProblem(authority, settings);
}

function spellingProblem(text: string): string | null {
  if (/^["'].*["']$/s.test(text)) {
    return 'it stands in quotation marks, which an --env-file hands on as they are; allowed is the address alone';
  }
  if (!/^postgres(ql)?:\/\//.test(text)) return 'allowed is a URL that begins with postgres:// or postgresql://';
  const login = loginProblem(text);
  if (login !== null) return login;
  if (text.includes('#')) return 'it has a # in it; allowed is %23 for it';
  const { authority, path, query } = split(text);
  if ([authority, path, query].every(isDecodable)) return null;
  return 'it has a % that encodes no character; allowed is %25 for it';
}

interface Parts {
  readonly authority: string;
  readonly path: string;
  readonly query: string;
}

function split(text: string): Parts {
  const [, authority = '', path = '', query = ''] = /^[^:]+:\/\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?/s.exec(text) ?? [];
  return { authority, path, query };
}

export function addressParts(address: DatabaseAddress): DatabaseAddressParts {
  if (address.kind === 'url') return readDatabaseAddress(address.url);
  const { host, port, user, database } = address;
  return { host, port, user, database, password: null, encryption: 'none' };
}

/** As both drivers take it: what is not named is left out. They encrypt nothing, our sockets do. */
export function driverAddress({ host, port, user, password, database }: DatabaseAddressParts) {
  return {
    ...{ host, port },
    ...(user === null ? {} : { user }),
    ...(password === null ? {} : { password }),
    ...(database === null ? {} : { database }),
  };
}

/** @param text one that has no problem */
export function readDatabaseAddress(text: string): DatabaseAddressParts {
  const { authority, path, query } = split(text);
  const settings = new URLSearchParams(query);
  const login = authority.slice(0, Math.max(0, authority.lastIndexOf('@')));
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/s.exec(login) ?? [];
  const { name, port } = splitHost(hostOf(authority));
  return {
    host: settings.get('host') ?? (name === '' ? 'localhost' : name),
    port: port === '' ? DEFAULT_PORT : Number(port),
    user: textOrNull(user),
    password: textOrNull(password),
    database: textOrNull(path.slice(1)),
    encryption: MODES[settings.get('sslmode') ?? 'disable'] ?? 'checked',
  };
}

function hostProblem(host: string): string | null {
  if (host.includes(',')) {
    return 'names several hosts; allowed is one. Name an address that always leads to the server that may be written to: a proxy, a DNS name or an IP address that moves with it';
  }
  const { name, port } = splitHost(host);
  if (name.includes(':') && !/^[\da-f:.]+$/i.test(name)) return `has the host ${name}; ${SHAPE}`;
  if (/[\s\p{Cc}]/u.test(name)) return `has a space in its host; ${SHAPE}`;
  if (port === '' || (/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) return null;
  // What stands there may be the beginning of a password that holds a slash.
  return 'has no number from 1 to 65535 as its port; in a password write %3A for : and %2F for /';
}

function twoHostsProblem(authority: string, settings: URLSearchParams): string | null {
  if (!settings.has('host') || hostOf(authority) === '') return null;
  return 'names a host and with host= a folder as well; allowed is one of them, the folder as in postgres://user:password@/database?host=/cloudsql/project:region:instance';
}

function queryProblem(settings: URLSearchParams): string | null {
  const mode = settings.get('sslmode');
  if (mode !== null && !Object.hasOwn(MODES, mode)) {
    return `has sslmode=${mode}; allowed are disable, require (encrypted) and verify-full (encrypted, and the server's certificate is checked)`;
  }
  const folder = settings.get('host');
  if (folder !== null && !folder.startsWith('/')) {
    return 'has host= with something that is no folder; allowed is the folder of a Unix socket, as in ?host=/cloudsql/project:region:instance, and anything else in front of the database';
  }
  const other = [...settings.keys()].find((name) => !TAKEN.includes(name));
  if (other === undefined) return null;
  if (CERTIFICATES.includes(other)) {
    return `has ${other}, which is not taken; allowed is sslmode, and NODE_EXTRA_CA_CERTS names a file with certificates of your own`;
  }
  if (other === 'schema') {
    return 'has schema, a setting of Prisma, which is not taken; remove it: the tables are in a schema of their own, not in that one';
  }
  return `has ${other}, which is not taken: this software sets its sessions up itself. Remove it; allowed are sslmode, host=/folder and pgbouncer=true`;
}

function hostOf(authority: string): string {
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/** Brackets are for addresses that hold colons; a folder is encoded. */
function splitHost(host: string): { readonly name: string; readonly port: string } {
  const [, inBrackets, behind] = /^\[([^\]]*)\](?::(.*))?$/s.exec(host) ?? [];
  if (inBrackets !== undefined) return { name: inBrackets, port: behind ?? '' };
  const [, name = '', port = ''] = /^([^:]*):?(.*)$/s.exec(host) ?? [];
  return { name: decodeURIComponent(name), port };
}

function textOrNull(text: string): string | null {
  return text === '' ? null : decodeURIComponent(text);
}

/** Drivers decode what stands behind each `%`, and throw on what is no text. What PostgreSQL cannot be told ends at a zero byte. */
export function isDecodable(text: string): boolean {
  try {
    return !decodeURIComponent(text).includes('\u0000');
  } catch {
    return false;
  }
}
