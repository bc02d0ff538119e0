// What each fault looks like on the wire. Which request is hit is ../faults.ts.

import type { ServerResponse } from 'node:http';
import type { ActiveFault } from '../faults.js';
import { type Answer, sendAnswer, sendHalf } from './answer.js';
import type { Fault } from './faults.js';
import { lockTimeout, type Refusal, rateLimited, rateLimitedAs400, serverError } from './refusal.js';

export interface Faulty {
  readonly response: ServerResponse;
  /** The answer without the fault, made when it is sent. */
  readonly answer: () => Answer;
  readonly refused: (refusal: Refusal) => Answer;
}

export async function handleFault(active: ActiveFault<Fault>, faulty: Faulty): Promise<void> {
  const { fault } = active;
  const { response, answer, refused } = faulty;
  switch (fault.effect) {
    case 'rate_limited':
      return sendAnswer(response, refused(rateLimited(fault.reason)));
    case 'rate_limited_400':
      return sendAnswer(response, refused(rateLimitedAs400()));
    case 'lock_timeout':
      return sendAnswer(response, refused(lockTimeout()));
    case 'status':
      return sendAnswer(response, refused(serverError(fault.status)));
    case 'reset':
      response.socket?.resetAndDestroy();
      return;
    case 'truncated':
      return sendHalf(response, answer());
    case 'hang':
      if (await active.untilReleased(closed(response))) sendAnswer(response, answer());
      return;
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
      return sendAnswer(response, answer());
    case 'html':
      return sendAnswer(response, {
        status: fault.status ?? 502,
        headers: { ...answer().headers, 'Content-Type': 'text/html' },
        body: '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>',
      });
    case 'wrong_json':
      return sendAnswer(response, { ...answer(), status: 200, body: fault.body ?? '{"object":"list","data":[{"id":' });
    case 'no_date': {
      const { Date: _date, ...headers } = answer().headers;
      return sendAnswer(response, { ...answer(), headers });
    }
    case 'wrong_date': {
      const right = answer();
      const date = new Date(Date.parse(right.headers.Date ?? '') + fault.aheadMs).toUTCString();
      return sendAnswer(response, { ...right, headers: { ...right.headers, Date: date } });
    }
    default:
      return fault satisfies never;
  }
}

function closed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', resolve));
}
