/** Tries to listen where the worker's HTTP server would, for a moment, and finds out who does where that is refused. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { HomeConfig } from '../../config/config.js';
import { SyncError } from '../../core/base/errors.js';
import type { Answer, PortFacts } from '../../core/doctor/facts.js';
import { listen } from '../../http/server.js';
import { localUrl } from '../server/ask-health.js';
import { askWithin, type Limits, unasked } from './ask-within.js';

const OWN_ANSWERS_WITHIN_MS = 1_000;

export async function lookAtPort(config: Pick<HomeConfig, 'http'> | null, limits: Limits): Promise<Answer<PortFacts>> {
  if (config === null) return unasked('not tried: its variables are not usable');
  const { http } = config;
  if (http === null) return unasked('HTTP_PORT is off: no pages, API, metrics and webhook');
  const place = { host: http.host, port: http.port };
  return askWithin(limits, async () => {
    try {
      const listening = await listen(() => new Response(null, { status: 503 }), http);
      await listening.close();
      return { ...place, state: 'free', holder: null };
    } catch (error) {
      if (!(error instanceof SyncError && error.code === 'http_port_taken')) throw error;
      if (await isOwnServer(`${localUrl(http)}/health/live`)) return { ...place, state: 'own', holder: null };
      return { ...place, state: 'taken', holder: await holderOf(http.port) };
    }
  });
}

async function isOwnServer(address: string): Promise<boolean> {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(OWN_ANSWERS_WITHIN_MS), redirect: 'manual' });
    return answer.ok && (await answer.text()) === 'live\n';
  } catch {
    return false;
  }
}

/** State of a socket that listens, in the kernel's table: https://docs.kernel.org/networking/proc_net_tcp.html */
const LISTENS = '0A';

/** On Linux, and of processes that this user may look at. */
async function holderOf(port: number): Promise<string | null> {
  const sockets = (await Promise.all(['tcp', 'tcp6'].map((table) => listeningSockets(table, port)))).flat();
  if (sockets.length === 0) return null;
  const processes = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const process of processes) {
    const opened = await readdir(`/proc/${process}/fd`).catch(() => []);
    for (const one of opened) {
      const target = await readlink(`/proc/${process}/fd/${one}`).catch(() => '');
      if (!sockets.includes(target)) continue;
      const name = await readFile(`/proc/${process}/comm`, 'utf8').catch(() => 'a process');
      return `${name.trim()} (process ${process})`;
    }
  }
  return null;
}

async function listeningSockets(table: string, port: number): Promise<string[]> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
    return local.endsWith(`:${wanted}`) && state === LISTENS ? [`socket:[${inode}]`] : [];
  });
}
