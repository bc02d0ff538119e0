/**
 * A TCP proxy before a server: closed, connections are refused and open ones cut, as when the server is not there; held,
 * nothing passes. What else happens to the bytes of a connection is said by its relay.
 */
import { connect, createServer, type Socket } from 'node:net';
import { ownListener } from './own-server.js';

export interface TcpProxy {
  /** The URL with the proxy in the place of the server. */
  readonly url: string;
  readonly port: number;
  open(): Promise<void>;
  /** New connections are refused, open ones are cut. It may be opened again. */
  close(): Promise<void>;
  /** Nothing passes any more, and nothing is cut: new connections wait as well. */
  hold(): void;
  letGo(): void;
}

/** What is done with the bytes of one connection. */
export type Relay = (client: Socket, server: Socket) => void;

/** The port of a server whose URL names none. */
const PORTS: Readonly<Record<string, number>> = { 'redis:': 6379, 'postgres:': 5432, 'postgresql:': 5432 };

export async function openTcpProxy(serverUrl: string, relay: Relay = relayUnchanged): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(target.port) || PORTS[target.protocol];
  if (port === undefined) throw new Error(`${target.protocol}//${target.host} names no port, and none is known for it`);
  const sockets = new Set<Socket>();
  let isHeld = false;
  const server = createServer((client) => {
    const upstream = connect(port, host);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // Where messages are passed on one by one, each would wait for the answer to the one before.
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    upstream.on('error', () => upstream.destroy());
    relay(client, upstream);
    if (isHeld) for (const socket of [client, upstream]) socket.pause();
  });
  const listener = ownListener(server);
  await listener.open();
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(listener.port);
  return {
    url: url.href.replace(/\/$/, ''),
    port: listener.port,
    open: listener.open,
    async close() {
      for (const socket of sockets) socket.destroy();
      await listener.close();
    },
    hold() {
      isHeld = true;
      for (const socket of sockets) socket.pause();
    },
    letGo() {
      isHeld = false;
      for (const socket of sockets) socket.resume();
    },
  };
}

/** One ends with the other: after what was still to be said, or at once when it failed. */
export function endTogether(one: Socket, other: Socket): void {
  for (const [ended, left] of [
    [one, other],
    [other, one],
  ] as const) {
    ended.on('error', () => left.destroy());
    ended.on('close', () => left.destroySoon());
  }
}

export function relayUnchanged(client: Socket, server: Socket): void {
  endTogether(client, server);
  client.pipe(server);
  server.pipe(client);
}
