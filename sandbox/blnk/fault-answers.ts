// How a fault looks on the wire. The answer "no answer" means that the connection is reset.

import type { ActiveFault } from '../faults.js';
import { type Answer, failureAnswer, jsonAnswer } from './answers.js';
import type { Call } from './call.js';
import type { Fault, FaultEffect } from './faults.js';
import type { TransactionStore } from './transaction-store.js';

export type AnswerOrReset = Answer | 'reset';

interface FaultedCall {
  handle: () => Promise<Answer>;
  isPost: boolean;
  store: TransactionStore;
  /** By the sandbox's clock. */
  now: number;
}

/** Handles a call under a fault; `handle` is what would have happened without it. */
export async function handleUnderFault(
  active: ActiveFault<Fault>,
  call: Call,
  { handle, isPost, store, now }: FaultedCall,
): Promise<AnswerOrReset> {
  const { fault } = active;
  switch (fault.effect) {
    case 'status':
      if (fault.applied) {
        await handle();
      }
      return brokenAnswer(fault);
    case 'reset':
      return 'reset';
    case 'answer_lost':
      await handle();
      return 'reset';
    case 'repeated':
      await handle();
      return handle();
    case 'slow':
    case 'hang':
      return pause(active, call, { handle, isPost });
    case 'locked':
      call.lockedAtItem = fault.atItem ?? 1;
      return isPost ? handle() : lockedAnswer;
    case 'stale_reads':
      call.visibleUntilMicros = fault.lagMs === undefined ? fault.untilMicros : (now - fault.lagMs) * 1_000;
      call.visibleRows = fault.lagMs === undefined ? (fault.rows ?? 0) : rowsAsOf(store, Date.now() - fault.lagMs);
      return handle();
    default: {
      const never: never = fault;
      throw new Error(`unknown fault ${JSON.stringify(never)}`);
    }
  }
}

const lockedAnswer = failureAnswer({
  status: 423,
  code: 'GEN_RESOURCE_LOCKED',
  message: 'failed to acquire lock: failed to acquire all locks within the wait timeout',
});

async function pause(
  active: ActiveFault<Fault>,
  call: Call,
  { handle, isPost }: { handle: () => Promise<Answer>; isPost: boolean },
): Promise<Answer> {
  const { fault } = active;
  if (fault.effect !== 'slow' && fault.effect !== 'hang') {
    return handle();
  }
  const wait = async () => {
    if (fault.effect === 'hang') await active.untilReleased(call.untilAborted);
    else await Promise.race([pauseOf(fault.delayMs), call.untilAborted]);
  };
  if (!isPost) {
    await wait();
    return handle();
  }
  call.hold = { phase: fault.phase ?? 'before', atItem: fault.atItem ?? 1, wait };
  return handle();
}

function pauseOf(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}

function brokenAnswer(fault: Extract<FaultEffect, { effect: 'status' }>): Answer {
  const headers: Record<string, string> =
    fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  const { status } = fault;
  switch (fault.body ?? (status >= 500 ? 'core' : 'cloud')) {
    case 'html': {
      const body = `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n</body>\r\n</html>\r\n`;
      return { status, body, type: 'text/html', headers };
    }
    case 'rule':
      return failureAnswer({ status, code: 'TXN_VALIDATION_ERROR', message: 'a rule refuses this currency' });
    case 'limit':
      return { ...jsonAnswer(status, { error: 'Record limit reached' }), headers };
    case 'empty':
      return { status, body: '', type: 'text/plain', headers };
    case 'cloud':
      return {
        ...jsonAnswer(status, { success: false, message: status === 429 ? 'Too many requests' : 'Request failed' }),
        headers,
      };
    default:
      return { ...failureAnswer({ status, code: 'GEN_INTERNAL', message: 'internal server error' }), headers };
  }
}

/** How many rows there were at a moment of real time. */
function rowsAsOf(store: TransactionStore, moment: number): number {
  let rows = store.rowCount;
  while (rows > 0 && store.number(rows - 1, 'insertedMs') > moment) {
    rows -= 1;
  }
  return rows;
}
