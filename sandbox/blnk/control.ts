// The routes of the control API that only Blnk's sandbox has; those of both are in ../control.ts.
//
//   GET    transactions?from=0&limit=n   rows in order of insertion; `next` is where to go on
//   PATCH  transactions/<reference> {…} · DELETE transactions/<reference>   damage
//   POST   tokens {"token", "state": "valid" | "expired" | "revoked", "scopes"?}
//   POST   queue {"children": "soon" | "held"} and/or {"recover": true}
//   POST   locks/expire                  ends leaked locks
//   POST   holds {"indicator", "currency"}   locks a balance; answers an id
//   DELETE holds/<id>                    unlocks it
//   POST   wipe                          the ledger is provisioned anew: nothing is left of it
//   POST   instance {"id"}               the Cloud calls the same ledger by another id

import { randomUUID } from 'node:crypto';
import type { SandboxClock } from '../clock.js';
import { type Controlled, ControlRefusal, type ControlRequest, dateOf, type Fields, faultOf } from '../control.js';
import { type CloudAccess, cloudScopes } from './cloud-access.js';
import { type BlnkFaults, EFFECTS } from './faults.js';
import type { InspectedTransaction, TransactionChange } from './inspection.js';

/** What the control routes see of the ledger. */
export interface ControlledLedger {
  readonly clock: SandboxClock;
  readonly faults: BlnkFaults;
  readonly access: CloudAccess;
  readonly requests: readonly unknown[];
  latencyMs: number;
  stats(): { readonly rows: number };
  transactions(from: number): Iterable<InspectedTransaction>;
  deleteTransaction(reference: string): boolean;
  alterTransaction(reference: string, change: TransactionChange): boolean;
  setQueuedChildren(children: 'soon' | 'held'): void;
  recoverQueued(): Promise<number>;
  holdBalance(indicator: string, currency: string): (() => void) | undefined;
  expireLeakedLocks(): void;
  wipe(): void;
}

const done = { ok: true };
const rowsMax = 10_000;

export function controlled(ledger: ControlledLedger): Controlled {
  const holds = new Map<string, () => void>();
  return {
    faults: ledger.faults,
    clock: ledger.clock,
    get latencyMs() {
      return ledger.latencyMs;
    },
    set latencyMs(ms) {
      ledger.latencyMs = ms;
    },
    addFault: (body) => ledger.faults.add(faultOf(body, EFFECTS)),
    stats: () => ledger.stats(),
    log: () => ledger.requests,
    answer: (asked) => (asked.subject === 'holds' ? answerHold(ledger, holds, asked) : answer(ledger, asked)),
  };
}

async function answer(ledger: ControlledLedger, { method, subject, rest, search, body }: ControlRequest) {
  const [id = ''] = rest;
  switch (`${method} ${subject}`) {
    case 'GET transactions':
      return dumpTransactions(ledger, search);
    case 'DELETE transactions':
      return { ok: ledger.deleteTransaction(id) };
    case 'PATCH transactions':
      return { ok: ledger.alterTransaction(id, changeOf(body)) };
    case 'POST tokens':
      return changeToken(ledger, body);
    case 'POST queue':
      return changeQueue(ledger, body);
    case 'POST locks':
      ledger.expireLeakedLocks();
      return done;
    case 'POST wipe':
      ledger.wipe();
      return done;
    case 'POST instance':
      ledger.access.renameInstance(String(body.id));
      return done;
    default:
      return undefined;
  }
}

function answerHold(
  ledger: ControlledLedger,
  holds: Map<string, () => void>,
  { method, rest: [held = ''], body: { indicator, currency } }: ControlRequest,
): unknown {
  if (method === 'POST') {
    const unlock = ledger.holdBalance(String(indicator), String(currency));
    if (unlock === undefined) throw new ControlRefusal(409, 'the balance is locked already');
    const id = randomUUID();
    holds.set(id, unlock);
    return { id };
  }
  const unlock = holds.get(held);
  if (method !== 'DELETE' || unlock === undefined) throw new ControlRefusal(404, `there is no hold ${held}`);
  unlock();
  holds.delete(held);
  return done;
}

function dumpTransactions(ledger: ControlledLedger, query: URLSearchParams) {
  const from = Number(query.get('from') ?? 0);
  const limit = Math.min(rowsMax, Number(query.get('limit') ?? 1_000));
  const rows: InspectedTransaction[] = [];
  for (const row of ledger.transactions(from)) {
    if (rows.push(row) >= limit) {
      break;
    }
  }
  const total = ledger.stats().rows;
  const next = from + limit < total ? from + limit : null;
  return { data: rows, next };
}

function changeOf(fields: Fields): TransactionChange {
  const { preciseAmount, effectiveDate, createdAt, ...others } = fields;
  return {
    ...others,
    ...(preciseAmount === undefined ? {} : { preciseAmount: BigInt(String(preciseAmount)) }),
    ...(effectiveDate === undefined ? {} : { effectiveDate: dateOf(effectiveDate, 'effectiveDate') }),
    ...(createdAt === undefined ? {} : { createdAt: dateOf(createdAt, 'createdAt') }),
  };
}

function changeToken({ access }: ControlledLedger, { token, state = 'valid', scopes }: Fields) {
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

async function changeQueue(ledger: ControlledLedger, { children, recover }: Fields) {
  if (children === 'soon' || children === 'held') {
    ledger.setQueuedChildren(children);
  }
  return { recovered: recover === true ? await ledger.recoverQueued() : 0 };
}
