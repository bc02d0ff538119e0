/**
 * Composition: what a command that requests or reads works with. Opens the home, nothing of Stripe or Blnk.
 */
import type { CommandContext } from '../../cli/ports.js';
import type { HomeConfig } from '../../config/config.js';
import { giveUpWith, orStopped } from '../../core/base/give-up.js';
import type { Log } from '../../observability/log.js';
import { createJobQueue } from '../../queue/job-queue.js';
import { eventsOf } from '../events-of.js';
import { closeAfterFault, closeInReverse, ensureSchema, type Home, openHome } from '../home.js';
import { createRequests } from '../requests.js';

export interface CommandContextOptions {
  readonly log: Log;
  /** In whose name requests are noted: the operating system's user. */
  readonly userName: string;
  /** Ends what waits for the database while it opens, and as long as nothing is changed. */
  readonly signal?: AbortSignal;
  readonly readsOnly?: boolean;
}

export function openCommandContext(config: HomeConfig, options: CommandContextOptions): Promise<CommandContext> {
  const giving = giveUpWith(options.signal ?? new AbortController().signal);
  return orStopped(giving.signal, async () => {
    const context = await open(config, { ...options, giveUp: giving.signal });
    if (options.readsOnly !== true) giving.end();
    return context;
  });
}

/** The home alone, its schema made sure of. */
export async function openCommandHome(
  config: HomeConfig,
  { log, signal = new AbortController().signal }: Pick<CommandContextOptions, 'log' | 'signal'>,
): Promise<Home> {
  const giving = giveUpWith(signal);
  return orStopped(giving.signal, async () => {
    const home = await openWithSchema(config, { log, giveUp: giving.signal });
    giving.end();
    return home;
  });
}

async function openWithSchema(
  config: HomeConfig,
  { log, giveUp }: { readonly log: Log; readonly giveUp: AbortSignal },
): Promise<Home> {
  const home = await openHome(config, { log, role: 'command', giveUp });
  try {
    await ensureSchema(home, config);
    return home;
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}

async function open(
  config: HomeConfig,
  { log, userName, giveUp }: CommandContextOptions & { readonly giveUp: AbortSignal },
): Promise<CommandContext> {
  const events = eventsOf(log);
  const home = await openWithSchema(config, { log, giveUp });
  try {
    const queue = createJobQueue(home.queueBackend, (error) => events.queueClientFailed({ error: error.message }));
    const { reads, operationsFor } = createRequests(config, home, queue);
    return {
      reads,
      operations: await operationsFor({ name: userName, origin: 'cli' }),
      close: () => closeInReverse([() => home.close(), () => queue.close()]),
    };
  } catch (error) {
    await closeAfterFault(() => home.close(), log);
    throw error;
  }
}
