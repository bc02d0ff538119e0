/**
 * Hosts of their own for processes, as network namespaces on one bridge: a process within one reaches what `reach` opens on the
 * bridge and nothing else, and a host that is cut off loses its packets without a word, as behind a pulled cable. Needs root, Linux
 * and iproute2.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { relayUnchanged } from '../tcp-proxy.js';

export interface Network {
  /** The name of a new host, for `startChild`. */
  addHost(): string;
  /** The URL under which hosts reach a server of this machine. */
  reach(serverUrl: string): Promise<string>;
  cut(host: string): void;
  join(host: string): void;
  close(): Promise<void>;
}

/** Reserved for networks that are no one's (RFC 2544); another one for each network, so that two of them may run beside each other. */
const SUBNETS = { first: '198.18.', count: 250 };

/** Why there can be no such network here; null when there can. */
export function whyNoNetwork(): string | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need root on Linux';
  const name = `try${randomBytes(3).toString('hex')}`;
  const made = ip(['link', 'add', name, 'type', 'bridge']);
  if (made !== null) return `ip cannot make a bridge: ${made}`;
  ip(['link', 'del', name]);
  const host = ip(['netns', 'add', name]);
  if (host !== null) return `ip cannot make a network namespace: ${host}`;
  ip(['netns', 'del', name]);
  return null;
}

export function openNetwork(): Network {
  const id = randomBytes(3).toString('hex');
  const bridge = `br${id}`;
  const subnet = `${SUBNETS.first}${1 + (Number.parseInt(id, 16) % SUBNETS.count)}`;
  const address = `${subnet}.1`;
  const relays: Server[] = [];
  const clients = new Set<Socket>();
  const hosts: string[] = [];
  const cableOf = (host: string) => `v${host}`;
  must(['link', 'add', bridge, 'type', 'bridge']);
  must(['address', 'add', `${address}/24`, 'dev', bridge]);
  must(['link', 'set', bridge, 'up']);
  return {
    addHost() {
      const host = `h${hosts.length}${id}`;
      hosts.push(host);
      must(['netns', 'add', host]);
      must(['link', 'add', cableOf(host), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', host]);
      must(['link', 'set', cableOf(host), 'master', bridge, 'up']);
      must(['-n', host, 'address', 'add', `${subnet}.${hosts.length + 1}/24`, 'dev', 'eth0']);
      for (const device of ['lo', 'eth0']) must(['-n', host, 'link', 'set', device, 'up']);
      return host;
    },
    async reach(serverUrl) {
      const url = new URL(serverUrl);
      const [port, hostname] = [Number(url.port), url.hostname];
      const relay = createServer((client) => {
        clients.add(client);
        client.once('close', () => clients.delete(client));
        relayUnchanged(client, connect(port, hostname));
      });
      await new Promise<void>((resolve) => relay.listen(0, address, resolve));
      relays.push(relay);
      const listening = relay.address();
      if (listening === null || typeof listening === 'string') throw new Error('the relay has no port');
      [url.hostname, url.port] = [address, String(listening.port)];
      return url.href.replace(/\/$/, '');
    },
    // Off the bridge its packets are for nobody: they are dropped, and nobody is told.
    cut: (host) => must(['link', 'set', cableOf(host), 'nomaster']),
    join: (host) => must(['link', 'set', cableOf(host), 'master', bridge]),
    async close() {
      for (const host of hosts) ip(['netns', 'del', host]);
      ip(['link', 'del', bridge]);
      // Of a host that is gone no end is heard.
      for (const client of clients) client.destroy();
      await Promise.all(relays.map((relay) => new Promise((resolve) => relay.close(resolve))));
    },
  };
}

function must(words: readonly string[]): void {
  const problem = ip(words);
  if (problem !== null) throw new Error(`ip ${words.join(' ')}: ${problem}`);
}

/** @returns what went wrong; null when nothing did */
function ip(words: readonly string[]): string | null {
  const { status, stderr, error } = spawnSync('ip', [...words], { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  return status === 0 ? null : stderr.trim();
}
