/**
 * The one logger. Levels mean something: error 0 on a healthy day, warn a handful, info one or two lines a run; payments
 * are counted, not logged. Redaction is by key name and, for what hides inside texts, by the shape of Stripe's secrets.
 */
import { pino } from 'pino';
import { forPeople, type LogTerminal } from './for-people.js';

export interface Log {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

export interface LogOptions {
  readonly level: string;
  /** Where people read it; left out: JSON on standard output. */
  readonly terminal?: LogTerminal;
}

const SECRET_KEYS = ['apiKey', 'api_key', 'key', 'token', 'authorization', 'password', 'client_secret', 'url'];

/** Stripe keys, client secrets, bearer tokens, and passwords in URLs. */
const SECRET_TEXTS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\b(sk|rk|whsec)_(live_|test_)?[A-Za-z0-9]{6,}/g, '$1_[redacted]'],
  [/\b([a-z]+_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+/g, '$1_secret_[redacted]'],
  [/\bBearer\s+[^\s"']+/gi, 'Bearer [redacted]'],
  [/(:\/\/[^\s:/@]*):[^\s@/]+@/g, '$1:[redacted]@'],
];

export function createLog({ level, terminal }: LogOptions): Log {
  const options = {
    level,
    base: {},
    redact: { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' },
    hooks: { streamWrite: (line: string) => spellHarmful(redactText(line)) },
  };
  return terminal === undefined ? pino(options) : pino(options, forPeople(terminal));
}

/** What JSON leaves as it is and a terminal obeys: the second half of the control characters, and marks of direction. */
const HARMFUL = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

function spellHarmful(line: string): string {
  return line.replace(HARMFUL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Replaces what looks like a secret anywhere in a text. */
export function redactText(text: string): string {
  return SECRET_TEXTS.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}
