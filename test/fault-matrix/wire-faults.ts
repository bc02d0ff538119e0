/** The rows of the matrix that both vendors share: what happens on the way, and what something in between answers. */

import type { Handler } from '../support/http-proxy.js';
import {
  answer,
  doneBut,
  drip,
  page,
  proxyPage,
  repeated,
  resetAfter,
  resetBefore,
  silentAfter,
  silentBefore,
  truncated,
} from './acts.js';
import type { Way } from './ways.js';

/** What every request kind tells of itself, so that a row can be made for it. */
export interface Target {
  /** The status of its good answers. */
  readonly success: number;
}

/** One row. `T` is what the vendor's request kinds tell of themselves. */
export interface Fault<T extends Target = Target> {
  readonly title: string;
  /** How the server is reached; absent: plainly. */
  readonly way?: Exclude<Way, 'plain'>;
  readonly act?: (target: T) => Handler;
  /** The one reason for which a payment may stay parked; absent: a fault that passes parks nothing. */
  readonly mayPark?: string;
  /** Done or not done makes no difference to what only reads: the row without it is the same for it. */
  readonly ofWrites?: true;
  /** Time limit of a request, where it is what ends it; absent: so long that a slow machine does not meet it. */
  readonly limitMs?: number;
  /** It is over within minutes by its nature; all others are played for longer than six of them. */
  readonly brief?: true;
}

/** Waited for some times in each cell, and long enough for a healthy request beside it. */
const LIMIT_MS = 300;

const HTML = { 'content-type': 'text/html' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** Far above the limits that the matrix hands to the adapters. */
const HUGE = JSON.stringify({ padding: 'x'.repeat(300_000) });

export const ON_THE_WAY: readonly Fault[] = [
  { title: 'connection refused', way: 'refused' },
  { title: 'host name unknown', way: 'unknown_host' },
  { title: 'certificate of an unknown authority', way: 'untrusted' },
  { title: 'certificate of another host', way: 'other_host' },
  { title: 'reset, nothing done', act: () => resetBefore },
  { title: 'reset, done (the answer is lost)', act: () => resetAfter },
  { title: 'no answer, nothing done', act: () => silentBefore, limitMs: LIMIT_MS },
  { title: 'no answer, done', act: () => silentAfter, limitMs: LIMIT_MS },
  { title: 'answer that drips and never ends', act: () => drip, limitMs: LIMIT_MS },
  { title: 'answer cut in the middle', act: () => truncated },
  { title: 'request repeated by a proxy', act: () => repeated },
];

const PROXY_STATUSES: ReadonlyArray<readonly [number, string]> = [
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [413, 'Payload Too Large'],
  [422, 'Unprocessable Content'],
  [423, 'Locked'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
];

export const IN_BETWEEN: readonly Fault[] = [
  {
    title: 'page of HTML with the status of success',
    act: ({ success }) => answer(success, page('Sign in to the network'), HTML),
  },
  {
    title: 'the same, done',
    ofWrites: true,
    act: ({ success }) => doneBut(answer(success, page('Sign in to the network'), HTML)),
  },
  { title: 'empty body with the status of success', act: ({ success }) => answer(success, '') },
  { title: 'body that is not JSON', act: ({ success }) => answer(success, '{"status": "APPL', JSON_TYPE) },
  {
    title: 'JSON of another form',
    act: ({ success }) => answer(success, '{"success":true,"message":"OK"}', JSON_TYPE),
  },
  { title: 'JSON that is a text', act: ({ success }) => answer(success, '"ok"', JSON_TYPE) },
  { title: 'body above the limit', act: ({ success }) => answer(success, HUGE, JSON_TYPE) },
  { title: '301 to another address', act: () => proxyPage(301, 'Moved', { location: 'https://moved.test/' }) },
  { title: '302 to a login', act: () => proxyPage(302, 'Found', { location: 'https://login.test/' }) },
  { title: '307 to another address', act: () => proxyPage(307, 'Redirect', { location: 'https://moved.test/' }) },
  ...PROXY_STATUSES.map(([status, title]) => ({
    title: `${status} of a proxy`,
    act: () => proxyPage(status, title),
  })),
  { title: '500 of a proxy, done', ofWrites: true, act: () => doneBut(proxyPage(500, 'Internal Server Error')) },
  { title: '502 of a proxy, done', ofWrites: true, act: () => doneBut(proxyPage(502, 'Bad Gateway')) },
  { title: '504 of a proxy, done', ofWrites: true, act: () => doneBut(proxyPage(504, 'Gateway Timeout')) },
  { title: '429, `Retry-After: 1`', act: () => proxyPage(429, 'Too Many Requests', { 'retry-after': '1' }) },
  { title: '429, `Retry-After: 600`', act: () => proxyPage(429, 'Too Many Requests', { 'retry-after': '600' }) },
  {
    title: '429, `Retry-After` as a date in ten minutes',
    act:
      () =>
      (exchange): void | Promise<void> =>
        proxyPage(429, 'Too Many Requests', { 'retry-after': new Date(Date.now() + 600_000).toUTCString() })(exchange),
  },
  { title: '429, `Retry-After: soon`', act: () => proxyPage(429, 'Too Many Requests', { 'retry-after': 'soon' }) },
  { title: '502, `Retry-After: 600`', act: () => proxyPage(502, 'Bad Gateway', { 'retry-after': '600' }) },
  { title: '503, `Retry-After: 600`', act: () => proxyPage(503, 'Service Unavailable', { 'retry-after': '600' }) },
];
