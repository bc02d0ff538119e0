/** A door before a server: closed, connections are refused and open ones cut, as when the server is not there. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Gate {
  /** The URL with the door in the place of the server. */
  readonly url: string;
  open(): Promise<void>;
  close(): Promise<void>;
  /** Nothing passes any more, and nothing is cut: new connections wait as well. */
  hold(): void;
  letGo(): void;
}

/** Starts closed. */
export async function createGate(serverUrl: string): Promise<Gate> {
  const target = new URL(serverUrl);
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(target.port) || (target.protocol.startsWith('redis') ? 6379 : 5432);
  const passing = new Set<Socket>();
  let server: Server | null = null;
  let doorPort = 0;
  let isHeld = false;

  const pass = (client: Socket): void => {
    const upstream = connect(port, host);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      passing.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        passing.delete(one);
        other.destroy();
      });
      one.pipe(other);
      if (isHeld) one.pause();
    }
  };
  const gate: Gate = {
    get url() {
      const door = new URL(serverUrl);
      door.hostname = '127.0.0.1';
      door.port = String(doorPort);
      return door.href.replace(/\/$/, '');
    },
    async open() {
      if (server !== null) return;
      server = createServer(pass).listen(doorPort, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (address !== null && typeof address !== 'string') doorPort = address.port;
    },
    async close() {
      const closing = server;
      server = null;
      if (closing === null) return;
      const closed = once(closing, 'close');
      closing.close();
      for (const socket of passing) socket.destroy();
      await closed;
    },
    hold() {
      isHeld = true;
      for (const socket of passing) socket.pause();
    },
    letGo() {
      isHeld = false;
      for (const socket of passing) socket.resume();
    },
  };
  await gate.open();
  await gate.close();
  return gate;
}
