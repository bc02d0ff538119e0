// /_sandbox/…: what a test does to a sandbox in another process. It has no key: the sandbox listens on this machine only.
//
//   GET    /_sandbox/stats                         rows, balances, counters, leaked locks
//   GET    /_sandbox/transactions?from=0&limit=n   rows in order of insertion; `next` is where to go on
//   POST   /_sandbox/faults                        a Fault; answers its id
//   GET    /_sandbox/faults · DELETE /_sandbox/faults[/id] · POST /_sandbox/faults/:id/release
//   POST   /_sandbox/clock                         {"now": time} or {"advance_ms": n}
//   POST   /_sandbox/tokens                        {"token", "state": "valid" | "expired" | "revoked", "scopes"?}
//   POST   /_sandbox/queue                         {"children": "soon" | "held"} and/or {"recover": true}
//   POST   /_sandbox/locks/expire                  ends leaked locks
//   POST   /_sandbox/holds                         {"indicator", "currency"}: locks a balance; answers an id
//   DELETE /_sandbox/holds/:id                     unlocks it
//   POST   /_sandbox/wipe                          the ledger is provisioned anew: nothing is left of it
//   POST   /_sandbox/instance                      {"id"}: the Cloud calls the same ledger by another id
//   DELETE /_sandbox/transactions/:reference · PATCH /_sandbox/transactions/:reference   damage

import { randomUUID } from 'node:crypto';
import { type Answer, jsonAnswer } from './answers.js';
import { MovableClock } from './clock.js';
import { cloudScopes } from './cloud-access.js';
import type { Fault } from './faults.js';
import type { InspectedTransaction } from './inspection.js';
import type { BlnkSandbox } from './sandbox.js';

type Fields = Record<string, unknown>;

const done = jsonAnswer(200, { ok: true });
const rowsMax = 10_000;

/** Answers a control request; `segments` come after `_sandbox`. */
export async function answerControl(sandbox: BlnkSandbox, method: string, url: URL, text: string): Promise<Answer> {
  const [, , subject = '', id, action] = decodeURIComponent(url.pathname).split('/');
  const fields = text === '' ? {} : (JSON.parse(text) as Fields);
  switch (`${method} ${subject}`) {
    case 'GET stats':
      return jsonAnswer(200, sandbox.stats());
    case 'GET transactions':
      return dumpTransactions(sandbox, url.searchParams);
    case 'DELETE transactions':
      return jsonAnswer(200, { ok: sandbox.deleteTransaction(id ?? '') });
    case 'PATCH transactions':
      return jsonAnswer(200, { ok: sandbox.alterTransaction(id ?? '', changeOf(fields)) });
    case 'POST faults':
      return action === 'release' ? releaseFault(sandbox, id) : addFault(sandbox, fields);
    case 'GET faults':
      return jsonAnswer(
        200,
        sandbox.faults.active.map(({ id: faultId, hits, fault }) => ({ id: faultId, hits, ...fault })),
      );
    case 'DELETE faults':
      return removeFaults(sandbox, id);
    case 'POST clock':
      return moveClock(sandbox, fields);
    case 'POST tokens':
      return changeToken(sandbox, fields);
    case 'POST queue':
      return changeQueue(sandbox, fields);
    case 'POST locks':
      sandbox.expireLeakedLocks();
      return done;
    case 'POST wipe':
      sandbox.wipe();
      return done;
    case 'POST instance':
      sandbox.access.renameInstance(String(fields.id));
      return done;
    case 'POST holds':
      return holdBalance(sandbox, fields);
    case 'DELETE holds':
      return endHold(sandbox, id);
    default:
      return jsonAnswer(404, { error: `no control route ${method} ${url.pathname}` });
  }
}

function holdBalance(sandbox: BlnkSandbox, { indicator, currency }: Fields): Answer {
  const unlock = sandbox.holdBalance(String(indicator), String(currency));
  if (unlock === undefined) {
    return jsonAnswer(409, { error: 'the balance is locked already' });
  }
  const id = randomUUID();
  sandbox.holds.set(id, unlock);
  return jsonAnswer(201, { id });
}

function endHold({ holds }: BlnkSandbox, id: string | undefined): Answer {
  const unlock = holds.get(id ?? '');
  unlock?.();
  holds.delete(id ?? '');
  return unlock ? done : jsonAnswer(404, { error: `no hold ${id}` });
}

function dumpTransactions(sandbox: BlnkSandbox, query: URLSearchParams): Answer {
  const from = Number(query.get('from') ?? 0);
  const limit = Math.min(rowsMax, Number(query.get('limit') ?? 1_000));
  const rows: InspectedTransaction[] = [];
  for (const row of sandbox.transactions(from)) {
    if (rows.push(row) >= limit) {
      break;
    }
  }
  const total = sandbox.stats().rows;
  const next = from + limit < total ? from + limit : null;
  const data = rows.map((row) => ({ ...row, precise_amount: String(row.precise_amount) }));
  return jsonAnswer(200, { data, next });
}

function changeOf(fields: Fields): Parameters<BlnkSandbox['alterTransaction']>[1] {
  const { preciseAmount, effectiveDate, createdAt, ...others } = fields;
  return {
    ...others,
    ...(preciseAmount === undefined ? {} : { preciseAmount: BigInt(String(preciseAmount)) }),
    ...(effectiveDate === undefined ? {} : { effectiveDate: new Date(String(effectiveDate)) }),
    ...(createdAt === undefined ? {} : { createdAt: new Date(String(createdAt)) }),
  };
}

function addFault({ faults }: BlnkSandbox, fields: Fields): Answer {
  return isFault(fields)
    ? jsonAnswer(201, { id: faults.add(fields).id })
    : jsonAnswer(400, { error: 'a fault needs a known kind; `status` a status, `slow` a delayMs' });
}

function isFault(fields: Fields): fields is Fields & Fault {
  const { kind, status, delayMs } = fields;
  const isPlain = ['reset', 'answer_lost', 'repeated', 'hang', 'locked', 'stale_reads'].some((known) => known === kind);
  return (
    isPlain || (kind === 'status' && typeof status === 'number') || (kind === 'slow' && typeof delayMs === 'number')
  );
}

function releaseFault(sandbox: BlnkSandbox, id: string | undefined): Answer {
  const fault = sandbox.faults.find(id ?? '');
  fault?.release();
  return fault ? done : jsonAnswer(404, { error: `no fault ${id}` });
}

function removeFaults(sandbox: BlnkSandbox, id: string | undefined): Answer {
  if (id === undefined) {
    sandbox.faults.clear();
    return done;
  }
  const fault = sandbox.faults.find(id);
  fault?.remove();
  return fault ? done : jsonAnswer(404, { error: `no fault ${id}` });
}

function moveClock({ clock }: BlnkSandbox, fields: Fields): Answer {
  if (!(clock instanceof MovableClock)) {
    return jsonAnswer(409, { error: 'the clock belongs to whoever started the sandbox' });
  }
  if (typeof fields.now === 'string') {
    clock.set(new Date(fields.now));
  }
  clock.advance(Number(fields.advance_ms ?? 0));
  return jsonAnswer(200, { now: clock.now().toISOString() });
}

function changeToken({ access }: BlnkSandbox, { token, state = 'valid', scopes }: Fields): Answer {
  const name = String(token);
  if (state === 'valid') {
    access.allow(name, Array.isArray(scopes) ? cloudScopes.filter((scope) => scopes.includes(scope)) : cloudScopes);
  } else if (state === 'expired') {
    access.expire(name);
  } else {
    access.revoke(name);
  }
  return done;
}

async function changeQueue(sandbox: BlnkSandbox, { children, recover }: Fields): Promise<Answer> {
  if (children === 'soon' || children === 'held') {
    sandbox.setQueuedChildren(children);
  }
  return jsonAnswer(200, { recovered: recover === true ? await sandbox.recoverQueued() : 0 });
}
