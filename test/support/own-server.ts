/** What every server of the tests has: a port on the loopback address, an end that cuts its connections, and bodies. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface OwnListener {
  /** 0 before it was opened for the first time; the same from then on. */
  readonly port: number;
  /** Does nothing when it is open. */
  open(): Promise<void>;
  /** New connections are refused, open ones are cut. It may be opened again. */
  close(): Promise<void>;
}

const PORT_BACK_WITHIN_MS = 20_000;

export function ownListener(server: Server): OwnListener {
  const sockets = new Set<Socket>();
  let port = 0;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // A client that resets its connection is no fault of the server.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  });
  return {
    get port() {
      return port;
    },
    async open() {
      const deadlineMs = performance.now() + PORT_BACK_WITHIN_MS;
      while (!server.listening) {
        server.listen(port, '127.0.0.1');
        await once(server, 'listening').catch(async (error: NodeJS.ErrnoException) => {
          // While it was closed the system lent its port to a connection of somebody else, which ends.
          if (error.code !== 'EADDRINUSE' || performance.now() > deadlineMs) throw error;
          await delay(50);
        });
      }
      port = portOf(server);
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** The body of a request or an answer. */
export async function textOf(message: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
