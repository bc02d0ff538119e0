// A stateful stand-in for Blnk Core 0.15.2 (or another version: core-version.ts) and for its Cloud, as one real HTTP server.
// The recorded conversations in test/blnk-contract hold it to Core's answers. It does not play reconciliation, lineage, webhooks and
// search, nor inflight that ends at a time of its own: those answer 501.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SandboxClock } from '../clock.js';
import { type Controlled, isControl, serveControl } from '../control.js';
import { type LoggedRequest, RequestLog } from '../request-log.js';
import type { Answer } from './answers.js';
import type { Api, Call } from './call.js';
import { CloudAccess } from './cloud-access.js';
import { controlled } from './control.js';
import type { CoreParts } from './core-routes.js';
import { CoreState } from './core-state.js';
import { hasSince } from './core-version.js';
import { Exchange } from './exchange.js';
import { type AnswerOrReset, handleUnderFault } from './fault-answers.js';
import { BlnkFaults } from './faults.js';
import { Inflight } from './inflight.js';
import { type InspectedBalance, type InspectedTransaction, Inspection, type TransactionChange } from './inspection.js';
import { Poster } from './poster.js';
import { QueuedPosts } from './queued-posts.js';
import { Refunds } from './refunds.js';
import { type Destination, findDestination } from './routing.js';
import { type BlnkSandboxOptions, type SandboxSettings, sandboxDefaults } from './sandbox-options.js';
import { TransactionFilter } from './transaction-filter.js';

interface LedgerRequest extends LoggedRequest {
  readonly api: Api;
  readonly bodyBytes: number;
  readonly fault: string | undefined;
}

interface SandboxStats {
  rows: number;
  balances: number;
  /** By API and route, for example `proxy POST /transactions/bulk`. */
  requests: Readonly<Record<string, number>>;
  faultHits: number;
  leakedLocks: number;
}

/** Starts a sandbox and resolves once it listens. */
export async function startBlnkSandbox(options: BlnkSandboxOptions = {}): Promise<BlnkSandbox> {
  const sandbox = new BlnkSandbox(options);
  await sandbox.listen();
  return sandbox;
}

export class BlnkSandbox {
  readonly coreKey: string;
  readonly cloudToken: string;
  readonly clock: SandboxClock;
  /** Faults in force; add and clear them at any time. */
  readonly faults: BlnkFaults;
  /** The Cloud's tokens: allow, expire, revoke. */
  readonly access: CloudAccess;
  readonly #settings: SandboxSettings;
  #parts: CoreParts;
  #inspection: Inspection;
  readonly #log = new RequestLog<LedgerRequest>();
  readonly #control: Controlled;
  readonly #server: Server;

  constructor(options: BlnkSandboxOptions) {
    this.#settings = { ...sandboxDefaults, ...options };
    if (options.leakLockMs === undefined && hasSince(this.#settings.coreVersion, '0.15.3')) {
      this.#settings.leakLockMs = 0;
    }
    this.clock = options.clock ?? SandboxClock.running();
    this.coreKey = this.#settings.coreKey;
    this.cloudToken = this.#settings.cloudToken;
    this.#parts = this.#emptyLedger(options.seed);
    this.#inspection = new Inspection(this.#parts.core);
    this.faults = new BlnkFaults({
      seed: options.seed ?? 1,
      place: () => ({ rows: this.#parts.core.transactions.rowCount, untilMicros: this.#parts.core.stamp() }),
    });
    this.access = new CloudAccess(this.#settings.instanceId);
    this.access.allow(this.cloudToken, options.cloudScopes);
    this.#control = controlled(this);
    // A client's idle connection must outlive its pauses between requests; a request may hang for minutes.
    this.#server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        process.stderr.write(`blnk sandbox: ${error instanceof Error ? error.stack : String(error)}\n`);
        response.destroy();
      });
    });
  }

  /** What the Cloud calls this ledger now. */
  get instanceId(): string {
    return this.access.instanceId;
  }

  /** `http://host:port`, for Core and for the Cloud. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  /** The last requests, oldest first, at least 1,000 of them. */
  get requests(): readonly LedgerRequest[] {
    return this.#log.log;
  }

  /** How many requests came in over a route (`POST /transactions/bulk`), through any API. */
  requestCount(route: string): number {
    const apis: readonly Api[] = ['core', 'proxy', 'cloud'];
    return apis.reduce((sum, api) => sum + (this.#log.requests[`${api} ${route}`] ?? 0), 0);
  }

  /** Real time between a request and its answer. */
  get latencyMs(): number {
    return this.#settings.latencyMs;
  }

  set latencyMs(ms: number) {
    this.#settings.latencyMs = ms;
  }

  stats(): SandboxStats {
    const { transactions, balances, locks } = this.#parts.core;
    return {
      rows: transactions.rowCount,
      balances: balances.all.length,
      requests: this.#log.requests,
      faultHits: this.faults.hits,
      leakedLocks: locks.leakedCount,
    };
  }

  /** All rows in order of insertion, from row number `from`. */
  transactions(from = 0): Iterable<InspectedTransaction> {
    return this.#inspection.transactions(from);
  }

  byReference(reference: string): InspectedTransaction | undefined {
    return this.#inspection.byReference(reference);
  }

  /** The APPLIED row of a reference, or of its queued child. */
  appliedByReference(reference: string): InspectedTransaction | undefined {
    return this.#inspection.appliedByReference(reference);
  }

  balance(indicator: string, currency: string): InspectedBalance | undefined {
    return this.#inspection.balance(indicator, currency);
  }

  /**
   * Damage: the ledger is provisioned anew. Every row and balance is gone, and what comes gets other ids; posts in flight end in
   * the ledger that was.
   */
  wipe(): void {
    this.#parts = this.#emptyLedger();
    this.#inspection = new Inspection(this.#parts.core);
  }

  /** Damage: the row is gone, its reference free again. */
  deleteTransaction(reference: string): boolean {
    return this.#inspection.deleteTransaction(reference);
  }

  /** Damage: the row says something else. */
  alterTransaction(reference: string, change: TransactionChange): boolean {
    return this.#inspection.alterTransaction(reference, change);
  }

  /** Whether children of queued posts come by themselves. */
  setQueuedChildren(children: 'soon' | 'held'): void {
    this.#parts.core.settings.queuedChildren = children;
  }

  /** Core's recovery, now: every queued post without a child gets one. Answers how many. */
  recoverQueued(): Promise<number> {
    // A second ahead: rows of this very moment count too.
    return this.#parts.queue.recover(-1_000);
  }

  /** Locks a balance as another client's post does; call the answer to unlock. Undefined when it is locked already. */
  holdBalance(indicator: string, currency: string): (() => void) | undefined {
    const { balances, locks } = this.#parts.core;
    const held = locks.tryAcquire([balances.ofIndicator({ indicator, currency }, this.#parts.core.stamp())]);
    return held && (() => locks.release(held));
  }

  /** Ends leaked locks, as after Core's five minutes. */
  expireLeakedLocks(): void {
    this.#parts.core.locks.expireLeaked();
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#settings.port, this.#settings.host, resolve);
    });
  }

  /** Releases what hangs and closes every connection. */
  async close(): Promise<void> {
    this.faults.clear();
    this.expireLeakedLocks();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #emptyLedger(seed = Math.floor(Math.random() * 2 ** 32)): CoreParts {
    const core = new CoreState({ ...this.#settings, clock: this.clock, seed });
    const poster = new Poster(core);
    const queue = new QueuedPosts(core, poster);
    const refunds = new Refunds({ core, poster, queue });
    const inflight = new Inflight({ core, poster });
    return { core, poster, queue, refunds, inflight, filter: new TransactionFilter(core) };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isControl(request)) {
      return serveControl(this.#control, request, response);
    }
    const exchange = new Exchange(request, response);
    const method = request.method ?? 'GET';
    const destination = findDestination(exchange, { ...this.#settings, access: this.access });
    if (destination.refusal !== undefined) {
      this.#logAs(destination, { status: destination.refusal.status, bodyBytes: 0 });
      exchange.answer(destination.refusal);
      return;
    }
    const body = await exchange.readBody();
    if (body === undefined) {
      return;
    }
    if (this.#settings.latencyMs > 0) {
      await sleep(this.#settings.latencyMs);
    }
    await this.#parts.queue.recoverOverdue();
    const call = callOf(exchange, destination, body);
    const { key: route, api } = destination;
    const fault = this.faults.take({ route, url: request.url ?? '/', method, api, text: body.text });
    const handle = async (): Promise<Answer> => destination.handle(this.#parts, call);
    const isPost = destination.key === 'POST /transactions' || destination.key === 'POST /transactions/bulk';
    const store = this.#parts.core.transactions;
    const answer: AnswerOrReset = fault
      ? await handleUnderFault(fault, call, { handle, isPost, store, now: this.clock.now().getTime() })
      : await handle();
    const status = answer === 'reset' || exchange.aborted ? 0 : answer.status;
    this.#logAs(destination, { status, bodyBytes: body.bytes, ...(fault ? { fault: fault.fault.effect } : {}) });
    if (answer === 'reset') {
      exchange.reset();
    } else {
      exchange.answer(answer);
    }
  }

  #logAs({ api, key: route }: Destination, outcome: { status: number; bodyBytes: number; fault?: string }): void {
    this.#log.count(`${api} ${route}`);
    this.#log.record({ at: new Date(), api, route, fault: undefined, ...outcome });
  }
}

function callOf(
  exchange: Exchange,
  { api, segments }: Destination,
  { text, tooLarge }: { text: string; tooLarge: boolean },
): Call {
  return {
    method: exchange.request.method ?? 'GET',
    segments,
    query: exchange.url.searchParams,
    headers: exchange.request.headers,
    text,
    tooLarge,
    api,
    get aborted() {
      return exchange.aborted;
    },
    get untilAborted() {
      return exchange.untilAborted;
    },
  };
}
