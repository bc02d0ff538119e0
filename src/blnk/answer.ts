/**
 * One HTTP answer, read as far as anything can be said of it: Core's error code and text, how long to wait. Whoever wrote
 * the answer (Core, the Cloud, a proxy between) is unknown, so nothing of its shape is trusted.
 */
import { memberOf, parseExactJson, textMemberOf } from '../core/base/exact-json.js';
import { codeOfWords } from './core-words.js';

const MESSAGE_CHARACTERS_MAX = 500;

/** Of a page of any size this much is looked at. */
const WORDS_CHARACTERS_MAX = 20_000;

/** An hour: longer advice is a maintenance page's, and asking once an hour harms nobody. */
const RETRY_AFTER_MS_MAX = 3_600_000;

export interface BlnkAnswer {
  readonly status: number;
  /** Undefined when the body is not JSON. */
  readonly json: unknown;
  /** `error_detail.code`, or what the words of an older Core stand for; null when this is not one of Core's errors. */
  readonly code: string | null;
  /** Status and text, of bounded length, for people. Free of the key and of what the merchant wrote. */
  readonly message: string;
  readonly retryAfterMs: number | null;
  readonly location: string | null;
}

export function readAnswer(response: {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly text: string;
  /** Takes out what the answer must not quote of its request. */
  readonly hide: (text: string) => string;
}): BlnkAnswer {
  const json = parseExactJson(response.text);
  const detail = memberOf(json, 'error_detail');
  const code = textMemberOf(detail, 'code');
  const location = response.header('location');
  return {
    status: response.status,
    json,
    code: code ?? codeOfWords(response.status, json),
    // Only when somebody asks: nearly all answers are good ones.
    get message() {
      const words = response.hide(wordsOf(json, response.text).slice(0, WORDS_CHARACTERS_MAX));
      return shorten([response.status, code, words].filter((part) => part !== null && part !== '').join(' '));
    },
    retryAfterMs: readRetryAfter(response.header('retry-after'), response.header('date')),
    location: location === null ? null : response.hide(location),
  };
}

/** What an error holds. Rows are never quoted, whole or cut off: they hold what merchants wrote about their customers. */
function wordsOf(json: unknown, text: string): string {
  const said =
    textMemberOf(memberOf(json, 'error_detail'), 'message') ??
    textMemberOf(json, 'error') ??
    textMemberOf(json, 'errors') ??
    textMemberOf(json, 'message');
  if (said !== null) return said;
  if (json !== undefined) return 'JSON without the text of an error';
  return /^\s*[[{]/.test(text) ? 'JSON that does not end or is not valid' : text;
}

/** One line of bounded length; HTML pages and long texts of vendors end up in tables and logs. */
export function shorten(text: string): string {
  const line = text
    .slice(0, MESSAGE_CHARACTERS_MAX * 4)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .toWellFormed();
  return line.length <= MESSAGE_CHARACTERS_MAX ? line : `${line.slice(0, MESSAGE_CHARACTERS_MAX - 1)}…`.toWellFormed();
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3). A date counts from the answer's own `Date`: our clock may be wrong. */
function readRetryAfter(retryAfter: string | null, date: string | null): number | null {
  if (retryAfter === null) return null;
  const trimmed = retryAfter.trim();
  if (/^\d{1,12}$/.test(trimmed)) return Math.min(Number(trimmed) * 1_000, RETRY_AFTER_MS_MAX);
  const until = Date.parse(trimmed);
  if (Number.isNaN(until)) return null;
  const sent = date === null ? Number.NaN : Date.parse(date);
  const waitMs = until - (Number.isNaN(sent) ? Date.now() : sent);
  return Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX);
}
