/**
 * A proxy before PostgreSQL that does to the connections of now what a fail-over does to them, while new ones reach a server that
 * is well: they stay open to one that only reads, which the server itself says in its own words, or their packets get lost.
 */
import type { Socket } from 'node:net';
import { type Message, MessageReader, queryMessage, transactionStatus } from '../../../src/postgres/messages.js';
import { endTogether, openTcpProxy, type TcpProxy } from '../tcp-proxy.js';

export interface FailOverProxy extends Pick<TcpProxy, 'url' | 'close'> {
  /** The sessions of now refuse to write, each from its next transaction on. */
  makeReadOnly(): void;
  /** Nothing passes over the connections of now any more, in either direction, and none of them is cut. */
  swallow(): void;
  /** Of the connections of the last fail-over, how many are open still. */
  leftOpen(): number;
}

const READ_ONLY = queryMessage('set session characteristics as transaction read only');

export async function openFailOverProxy(serverUrl: string): Promise<FailOverProxy> {
  const passing = new Set<Passage>();
  let old: Passage[] = [];
  const { url, close } = await openTcpProxy(serverUrl, (client, upstream) => {
    const passage = new Passage(client, upstream);
    passing.add(passage);
    client.on('close', () => passing.delete(passage));
  });
  return {
    ...{ url, close },
    makeReadOnly() {
      old = [...passing];
      for (const passage of old) passage.makeReadOnly();
    },
    swallow() {
      old = [...passing];
      for (const passage of old) passage.swallow();
    },
    leftOpen: () => old.filter((passage) => passing.has(passage)).length,
  };
}

/** One connection through the proxy. A statement is put in where the client waits for no answer. */
class Passage {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #said = new MessageReader('client');
  readonly #answered = new MessageReader('server');
  /** Whose answers are still to come, in this order. */
  readonly #waitsFor: Array<'client' | 'proxy'> = ['client'];
  #shallBeReadOnly = false;
  #isSwallowing = false;
  #status = '';

  constructor(client: Socket, server: Socket) {
    this.#client = client;
    this.#server = server;
    client.on('data', (chunk) => this.#hearClient(chunk));
    server.on('data', (chunk) => this.#hearServer(chunk));
    endTogether(client, server);
  }

  makeReadOnly(): void {
    this.#shallBeReadOnly = true;
    this.#putIn();
  }

  swallow(): void {
    this.#isSwallowing = true;
  }

  #hearClient(chunk: Buffer): void {
    if (this.#isSwallowing) return;
    for (const { kind } of this.#said.read(chunk)) this.#count(kind);
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
    if (whose !== 'proxy') this.#client.write(message.bytes);
    this.#putIn();
  }

  #putIn(): void {
    if (!this.#shallBeReadOnly || this.#waitsFor.length > 0 || this.#status !== 'I') return;
    this.#shallBeReadOnly = false;
    this.#waitsFor.push('proxy');
    this.#server.write(READ_ONLY);
  }
}
