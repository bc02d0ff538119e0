// What each fault looks like on the wire. Which request is hit is faults.ts.

import type { ServerResponse } from 'node:http';
import { type Answer, sendAnswer, sendHalf } from './answer.js';
import type { FaultEffect, Faults } from './faults.js';
import { lockTimeout, type Refusal, rateLimited, rateLimitedAs400, serverError } from './refusal.js';

export interface Faulty {
  readonly response: ServerResponse;
  readonly faults: Faults;
  /** The answer without the fault, made when it is sent. */
  readonly answer: () => Answer;
  readonly refused: (refusal: Refusal) => Answer;
}

export async function handleFault(fault: FaultEffect, faulty: Faulty): Promise<void> {
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
      if (await faulty.faults.hang((gone) => response.once('close', gone))) sendAnswer(response, answer());
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
