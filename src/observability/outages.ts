/**
 * Servers that are away: told when an outage begins, and with its length when it ends. One answer that fails is none, and
 * neither are several requests that fail at once: only two seconds without an answer. Where nothing was asked in those two
 * seconds, an outage is told when it is over.
 */
import type { Clock } from '../core/base/clock.js';
import type { Server } from './events/server-events.js';

const OUTAGE_AFTER_MS = 2_000;
/** Longer ago, nothing was asked that could have been answered. */
const ASKED_WITHIN_MS = 60_000;

export interface OutagePorts extends Pick<Clock, 'monotonicMs'> {
  outageBegan(fields: { readonly server: Server; readonly error: string }): void;
  outageEnded(fields: { readonly server: Server; readonly forMs: number }): void;
}

export interface Outages {
  /** No answer came, or one that states that there is nobody to answer. */
  failed(server: Server, error: string): void;
  /** Whatever the answer holds. */
  answered(server: Server): void;
}

export function createOutages(ports: OutagePorts): Outages {
  const away = new Map<Server, { readonly sinceMs: number; error: string; failures: number; isTold: boolean }>();
  return {
    failed(server, error) {
      const nowMs = ports.monotonicMs();
      const outage = away.get(server) ?? { sinceMs: nowMs, error, failures: 0, isTold: false };
      away.set(server, outage);
      outage.error = error;
      outage.failures += 1;
      if (outage.isTold || nowMs - outage.sinceMs < OUTAGE_AFTER_MS) return;
      outage.isTold = true;
      ports.outageBegan({ server, error });
    },
    answered(server) {
      const outage = away.get(server);
      if (outage === undefined) return;
      away.delete(server);
      const { sinceMs, error, failures, isTold } = outage;
      const forMs = Math.round(ports.monotonicMs() - sinceMs);
      if (!isTold && (failures < 2 || forMs < OUTAGE_AFTER_MS || forMs > ASKED_WITHIN_MS)) return;
      if (!isTold) ports.outageBegan({ server, error });
      ports.outageEnded({ server, forMs });
    },
  };
}
