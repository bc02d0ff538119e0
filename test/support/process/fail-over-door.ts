/**
 * A door before PostgreSQL that does to the connections of now what a fail-over does to them, while new ones reach a server that
 * is well: they stay open to one that only reads, which the server itself says in its own words, or their packets get lost.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Message, MessageReader, queryMessage, transactionStatus } from '../../../src/postgres/messages.js';

export interface FailOverDoor {
  /** The URL with the door in the place of the server. */
  readonly url: string;
  /** The sessions of now refuse to write, each from its next transaction on. */
  makeReadOnly(): void;
  /** Nothing passes over the connections of now any more, in either direction, and none of them is cut. */
  swallow(): void;
  /** Of the connections of the last fail-over, how many are open still. */
  leftOpen(): number;
  close(): Promise<void>;
}

const READ_ONLY = queryMessage('set session characteristics as transaction read only');

export async function openFailOverDoor(serverUrl: string): Promise<FailOverDoor> {
  const target = new URL(serverUrl);
  const passing = new Set<Passage>();
  let old: Passage[] = [];
  const server = createServer((client) => {
    const passage = new Passage(client, connect(Number(target.port) || 5432, target.hostname));
    passing.add(passage);
    client.on('close', () => passing.delete(passage));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the door has no port');
  const door = new URL(serverUrl);
  door.hostname = '127.0.0.1';
  door.port = String(address.port);
  return {
    url: door.href,
    makeReadOnly() {
      old = [...passing];
      for (const passage of old) passage.makeReadOnly();
    },
    swallow() {
      old = [...passing];
      for (const passage of old) passage.swallow();
    },
    leftOpen: () => old.filter((passage) => passing.has(passage)).length,
    async close() {
      server.close();
      for (const passage of passing) passage.cut();
      await once(server, 'close');
    },
  };
}

/** One connection through the door. A statement is put in where the client waits for no answer. */
class Passage {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #said = { startup: new MessageReader(0), later: new MessageReader(1), isStarted: false };
  readonly #answered = new MessageReader(1);
  /** Whose answers are still to come, in this order. */
  readonly #waitsFor: Array<'client' | 'door'> = ['client'];
  #shallBeReadOnly = false;
  #isSwallowing = false;
  #status = '';

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    client.on('data', (chunk) => this.#hearClient(chunk));
    server.on('data', (chunk) => this.#hearServer(chunk));
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  }

  makeReadOnly(): void {
    this.#shallBeReadOnly = true;
    this.#putIn();
  }

  swallow(): void {
    this.#isSwallowing = true;
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #hearClient(chunk: Buffer): void {
    if (this.#isSwallowing) return;
    const { startup, later } = this.#said;
    if (this.#said.isStarted) for (const { kind } of later.read(chunk)) this.#count(kind);
    else this.#said.isStarted = startup.read(chunk).length > 0;
    this.#server.write(chunk);
  }

  #count(kind: string): void {
    if (kind === 'Q' || kind === 'S') this.#waitsFor.push('client');
  }

  #hearServer(chunk: Buffer): void {
    if (this.#isSwallowing) return;
    for (const message of this.#answered.read(chunk)) this.#answer(message);
  }

  #answer(message: Message): void {
    const whose = this.#waitsFor[0];
    if (message.kind === 'Z') {
      this.#waitsFor.shift();
      this.#status = transactionStatus(message);
    }
    if (whose !== 'door') this.#client.write(message.bytes);
    this.#putIn();
  }

  #putIn(): void {
    if (!this.#shallBeReadOnly || this.#waitsFor.length > 0 || this.#status !== 'I') return;
    this.#shallBeReadOnly = false;
    this.#waitsFor.push('door');
    this.#server.write(READ_ONLY);
  }
}
