/**
 * Composition: pages, API and health of one process, on its home. A worker has it beside its work; `serve` has nothing else.
 */
import { sql } from 'drizzle-orm';
import type { HomeConfig, WorkerConfig } from '../../config/config.js';
import type { HttpConfig } from '../../config/http.js';
import { describeError, SyncError } from '../../core/base/errors.js';
import type { HttpPorts, PartHealth, SettingRecord } from '../../http/ports.js';
import type { Events } from '../../observability/events.js';
import type { AskSides } from '../../operations/ask-sides.js';
import { packageVersion } from '../../package-root.js';
import type { JobQueue } from '../../queue/job-queue.js';
import { loginLinkUser } from '../commands/login-links.js';
import type { Home } from '../home.js';
import type { Overrides } from '../overrides.js';
import { createRequests, type Requests } from '../requests.js';
import { type OpenedSides, openSides, withoutKeys } from '../sessions/ask-sides.js';
import { systemClock } from '../system-clock.js';
import { whyAway } from '../why-away.js';

export interface ServeParts {
  readonly home: Home;
  readonly queue: JobQueue;
  readonly events: Events;
  /** With keys, both sides can be asked; without them, why there are none. */
  readonly keys: WorkerConfig | { readonly whyNot: string };
  readonly overrides?: Overrides | undefined;
  settings(): readonly SettingRecord[];
  readonly flows: HttpPorts['flows'];
}

export interface Served {
  readonly url: string;
  /** At once "not ready"; what is open is answered. */
  drain(): void;
  close(): Promise<void>;
}

/** Throws SyncError `http_port_taken` and `http_not_listening`. */
export async function serveHttp(
  config: HomeConfig & { readonly http: HttpConfig },
  parts: ServeParts,
): Promise<Served> {
  const [{ createApp }, { listen }] = await Promise.all([import('../../http/app.js'), import('../../http/server.js')]);
  let isDraining = false;
  const requests = createRequests(config, parts.home, parts.queue);
  const sides = sidesOf(parts, requests);
  const app = createApp(await createPorts(config, { ...parts, requests, sides }), { isDraining: () => isDraining });
  const { port, close } = await listen(app.fetch, config.http);
  const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host;
  const url = config.http.publicUrl ?? `http://${host}:${port}`;
  parts.events.httpListening({ address: url, needsToken: config.http.adminToken !== null });
  const drain = (): void => {
    isDraining = true;
    app.endStreams();
  };
  return {
    ...{ url, drain },
    async close() {
      drain();
      // Together: what waits for both sides is answered that it ended.
      await Promise.all([sides.close(), close()]);
    },
  };
}

function sidesOf({ keys, home, queue, events, overrides }: ServeParts, { reads }: Requests): OpenedSides {
  if ('whyNot' in keys) return withoutKeys(keys.whyNot);
  return openSides(keys, { database: home.database, queue, events, reads, overrides });
}

/** For a worker: without it payments go on, and it says why there are no pages. */
export async function serveBeside(config: HomeConfig, parts: ServeParts): Promise<Served | null> {
  const { http } = config;
  if (http === null) return null;
  try {
    const database = await parts.home.openForPages();
    try {
      const served = await serveHttp({ ...config, http }, { ...parts, home: { ...parts.home, database } });
      return { ...served, close: () => served.close().finally(() => database.close()) };
    } catch (error) {
      await database.close();
      throw error;
    }
  } catch (error) {
    const code = error instanceof SyncError ? error.code : 'http_not_listening';
    parts.events.httpNotListening({ code, error: describeError(error) });
    return null;
  }
}

async function createPorts(
  config: HomeConfig & { readonly http: HttpConfig },
  {
    home,
    queue,
    events,
    settings,
    flows,
    requests,
    sides,
  }: ServeParts & {
    readonly requests: Requests;
    readonly sides: AskSides;
  },
): Promise<HttpPorts> {
  const { webhookSecrets: secrets } = config.http;
  // Stripe's library is large: it is loaded where a webhook can come.
  const check = secrets.length === 0 ? null : (await import('../../stripe/webhook.js')).verifyWebhook;
  return {
    ...{ ...requests, sides, config: config.http, version: packageVersion(), settings, flows },
    health: async () => [
      await timed('database', async () => void (await home.database.db.execute(sql`select 1`))),
      // Not whether it was there once: a write that changes nothing.
      await timed('queue', () => home.queueBackend.assertWritable()),
    ],
    verifyWebhook: (body, signature) => check?.(body, { signature, secrets }) ?? null,
    useLoginLink: loginLinkUser(home.database.db),
    wakeTail: () => queue.requestSync('webhook'),
    monotonicMs: systemClock.monotonicMs,
    now: () => new Date(),
    onFault: (error, path) => events.httpFault({ path, error: describeError(error) }),
    onWrongToken: (address) => events.httpWrongToken({ address }),
    onWebhookRefused: ({ count }) => events.webhookRefused({ count }),
  };
}

async function timed(name: PartHealth['name'], ask: () => Promise<void>): Promise<PartHealth> {
  const beganAtMs = systemClock.monotonicMs();
  const why = await whyAway(`the ${name}`, ask);
  return { name, isReady: why === null, why, tookMs: systemClock.monotonicMs() - beganAtMs };
}
