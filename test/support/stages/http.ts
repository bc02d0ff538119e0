/** The HTTP server over a real database; the queue is played by the test. */

import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { loginLinkUser } from '../../../src/app/commands/login-links.js';
import { withoutKeys } from '../../../src/app/sessions/ask-sides.js';
import type { HttpConfig } from '../../../src/config/http.js';
import { noteActions } from '../../../src/db/actions/action-store.js';
import { createProofRequests } from '../../../src/db/actions/proof-requests.js';
import { createParkedStore } from '../../../src/db/postings/parked-store.js';
import { createAcceptanceStore } from '../../../src/db/proof/acceptance-store.js';
import { createReadModel } from '../../../src/db/reads/read-model.js';
import { createApp } from '../../../src/http/app.js';
import type { HttpPorts, PartHealth } from '../../../src/http/ports.js';
import { listen } from '../../../src/http/server.js';
import { createFlows, type Flows } from '../../../src/observability/flows.js';
import { noteRequests } from '../../../src/operations/note-actions.js';
import { createRequestOperations } from '../../../src/operations/request-operations.js';
import { verifyWebhook } from '../../../src/stripe/webhook.js';
import { createReadsDatabase, type ReadsDatabase } from '../reads-database.js';
import { OWN_QUEUE, READ_OPTIONS, RUN } from './command-line.js';

export const ADMIN_TOKEN = 'admin-token-of-the-tests';
export const VIEWER_TOKEN = 'viewer-token-of-the-tests';

export interface HttpStage {
  /** Without a slash at the end. */
  readonly url: string;
  readonly ports: HttpPorts;
  /** How often the tail was woken by the webhook, and syncs were asked for. */
  readonly woken: string[];
  readonly faults: unknown[];
  readonly wrongTokens: string[];
  /** How many each time that it was told. */
  readonly refusedWebhooks: number[];
  health: readonly PartHealth[];
  isDraining: boolean;
  /** Of the clock by which wrong tokens are slowed down. */
  nowMs: number;
  /** What this process did, as the test has it. */
  readonly flows: Flows;
  endStreams(): void;
  close(): Promise<void>;
}

const CONFIG: HttpConfig = {
  ...{ host: '127.0.0.1', port: 0, publicUrl: null, trustsProxy: false },
  ...{ adminToken: null, viewerToken: null, webhookSecrets: [], ledgerRowUrl: null },
};

/** As of a process without keys. */
const SIDES_AWAY = withoutKeys('This process has no keys');

export async function startHttp(
  { db }: Pick<ReadsDatabase, 'db'>,
  {
    config = {},
    decorate = (ports) => ports,
  }: { readonly config?: Partial<HttpConfig>; decorate?(ports: HttpPorts): HttpPorts } = {},
): Promise<HttpStage> {
  const own: HttpConfig = { ...CONFIG, ...config };
  const reads = createReadModel(db, READ_OPTIONS);
  const stage = {
    woken: [] as string[],
    faults: [] as unknown[],
    wrongTokens: [] as string[],
    refusedWebhooks: [] as number[],
    isDraining: false,
    nowMs: 0,
  };
  const flows = createFlows();
  const health: PartHealth[] = [{ name: 'database', isReady: true, why: null, tookMs: 1 }];
  const requests = {
    sync: async (trigger: string) => void stage.woken.push(trigger),
    backfill: async () => ({ runId: RUN, parts: [] }),
    ...{
      requestParts: async () => {},
      wakeLanes: async () => {},
      proofs: async () => {},
      queue: async () => OWN_QUEUE,
    },
  };
  const ports = decorate({
    ...{ config: own, version: 'test', reads },
    async operationsFor(actor) {
      const operations = createRequestOperations({
        ...{ reads, requests, acceptances: createAcceptanceStore(db, 'test') },
        proofRequests: createProofRequests(db, actor),
        parked: createParkedStore(db, (text) => ({ kind: 'rejected', reason: 'unknown_currency', detail: text })),
      });
      return noteRequests(operations, (actions) => noteActions(db, actor, actions));
    },
    sides: SIDES_AWAY,
    health: async () => opened.health,
    flows,
    settings: () => [{ variable: 'SYNC_EVERY', value: '60s', from: 'default', note: null }],
    verifyWebhook: (body, signature) => verifyWebhook(body, { signature, secrets: own.webhookSecrets }),
    useLoginLink: loginLinkUser(db),
    wakeTail: async () => void stage.woken.push('webhook'),
    monotonicMs: () => stage.nowMs,
    now: () => new Date(),
    onFault: (error) => void stage.faults.push(error),
    onWrongToken: (address) => void stage.wrongTokens.push(address),
    onWebhookRefused: ({ count }) => void stage.refusedWebhooks.push(count),
  });
  const app = createApp(ports, { isDraining: () => opened.isDraining });
  const { port, close } = await listen(app.fetch, own);
  const opened: HttpStage = Object.assign(stage, {
    ...{ url: `http://127.0.0.1:${port}`, ports, health, flows, endStreams: app.endStreams },
    async close() {
      app.endStreams();
      await close();
    },
  });
  return opened;
}

/** One database for a suite, emptied before each test, and a server on it that ends with the test. */
export function httpSuite(options: Parameters<typeof startHttp>[1] = {}): {
  readonly database: ReadsDatabase;
  readonly http: HttpStage;
} {
  const open: { database?: ReadsDatabase; http?: HttpStage } = {};
  const opened = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error('the server is there within tests');
    return part;
  };
  beforeAll(async () => {
    open.database = await createReadsDatabase();
  });
  beforeEach(async () => {
    const database = opened(open.database);
    await database.empty();
    open.http = await startHttp(database, options);
  });
  afterEach(() => open.http?.close());
  afterAll(() => open.database?.drop());
  return {
    get database() {
      return opened(open.database);
    },
    get http() {
      return opened(open.http);
    },
  };
}
