/** Composition: pages, API and health of a mirror, in a process that does nothing else. */
import type { HomeConfig } from '../../config/config.js';
import { SyncError } from '../../core/base/errors.js';
import { giveUpWith, orStopped } from '../../core/base/give-up.js';
import type { SettingRecord } from '../../http/ports.js';
import { createFlows } from '../../observability/flows.js';
import type { Log } from '../../observability/log.js';
import { createJobQueue } from '../../queue/job-queue.js';
import { eventsOf } from '../events-of.js';
import { closeAfterFault, closeInReverse, ensureSchema, openHome } from '../home.js';
import { type ServeParts, serveHttp } from './serve-http.js';

export interface RunServerOptions {
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly keys: ServeParts['keys'];
  settings(): readonly SettingRecord[];
}

/** Until the signal. Throws SyncError when it cannot start. */
export async function runServer(config: HomeConfig, { log, signal, keys, settings }: RunServerOptions): Promise<void> {
  const { http } = config;
  if (http === null) {
    throw new SyncError('HTTP_PORT is off, so there is nothing to serve; allowed is a port', {
      kind: 'fatal',
      code: 'http_not_listening',
    });
  }
  const flows = createFlows();
  const events = eventsOf(flows.counted(log));
  const giving = giveUpWith(signal);
  const home = await orStopped(giving.signal, () => openHome(config, { log, role: 'command', giveUp: giving.signal }));
  giving.end();
  try {
    await ensureSchema(home, config);
    const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
    const served = await serveHttp({ ...config, http }, { home, queue, events, settings, flows, keys });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await closeInReverse([() => home.close(), () => queue.close(), () => served.close()]);
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}
