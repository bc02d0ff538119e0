/**
 * A door before PostgreSQL that understands its protocol as far as statements: which were sent on which connection, in or
 * outside of a transaction. It cuts the connection of a transaction at a chosen statement, in one of several ways.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import postgres from 'postgres';

/**
 * `before`: the backend ends when the statement arrives, which it never sees. `after`: it ends right after its answer.
 * `unanswered`: the statement is done, and the client sees a reset instead of the answer.
 */
export const CUTS = ['before', 'after', 'unanswered'] as const;
export type Cut = (typeof CUTS)[number];

export interface Sent {
  readonly connection: number;
  readonly text: string;
  readonly inTransaction: boolean;
}

export interface TransactionDoor {
  readonly url: string;
  /** Everything that reached PostgreSQL, oldest first. */
  readonly sent: readonly Sent[];
  /** Cuts the next transaction that begins, at its n-th statement; `begin` is 0. */
  cutNext(cut: { readonly at: number; readonly how: Cut }): void;
  /** What was cut; null while nothing was. Forgets it, and a cut that found no statement. */
  takeCut(): { readonly text: string } | null;
  close(): Promise<void>;
}

export async function openTransactionDoor(serverUrl: string): Promise<TransactionDoor> {
  const target = new URL(serverUrl);
  const killer = postgres(serverUrl, { max: 1, onnotice: () => {} });
  const sent: Sent[] = [];
  const passing = new Set<Socket>();
  let connections = 0;
  let wanted: { readonly at: number; readonly how: Cut } | null = null;
  let done: { readonly text: string } | null = null;

  const server = createServer((client) => {
    connections += 1;
    const connection = connections;
    const upstream = connect(Number(target.port) || 5432, target.hostname);
    const fromClient = splitMessages({ hasStartup: true });
    const fromServer = splitMessages({ hasStartup: false });
    let backend = 0;
    let status = 'I';
    let statements = -1;
    let cut: { readonly how: Cut; isOver: boolean } | null = null;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    const terminate = () => void killer`select pg_terminate_backend(${backend})`.catch(end);
    const isCutAt = (text: string) => {
      if (/^begin/i.test(text)) statements = 0;
      else if (statements >= 0) statements += 1;
      return statements === wanted?.at;
    };
    for (const socket of [client, upstream]) {
      passing.add(socket);
      // Messages are passed on one by one, and each would wait for the answer to the one before.
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => passing.delete(socket));
    }
    client.on('end', () => upstream.end());
    // What the server said last is passed on before its end.
    upstream.on('end', () => client.end());
    client.on('data', (piece) => {
      for (const { type, bytes } of fromClient(piece)) {
        const text = statementText(type, bytes);
        // Only the rest of the cut statement still passes.
        if (cut?.isOver || (cut !== null && text !== null)) return;
        if (text !== null && wanted !== null && isCutAt(text)) {
          cut = { how: wanted.how, isOver: wanted.how === 'before' };
          wanted = null;
          done = { text };
          if (cut.isOver) return terminate();
        }
        if (text !== null) sent.push({ connection, text, inTransaction: status !== 'I' });
        upstream.write(bytes);
      }
    });
    const cutAtEnd = () => {
      if (cut === null || cut.isOver) return;
      cut.isOver = true;
      if (cut.how === 'after') return terminate();
      client.resetAndDestroy();
      upstream.destroy();
    };
    upstream.on('data', (piece) => {
      for (const { type, bytes } of fromServer(piece)) {
        if (type === 'K') backend = bytes.readUInt32BE(5);
        // What comes before a statement's parameters are asked for has to pass.
        if (cut?.how !== 'unanswered' || DESCRIBES.includes(type)) client.write(bytes);
        if (type !== 'Z') continue;
        status = String.fromCharCode(bytes[5] ?? 0);
        cutAtEnd();
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as { port: number }).port);
  return {
    url: url.href,
    sent,
    cutNext(cut) {
      wanted = cut;
    },
    takeCut() {
      const taken = done;
      wanted = null;
      done = null;
      return taken;
    },
    async close() {
      server.close();
      for (const socket of passing) socket.destroy();
      await killer.end({ timeout: 5 });
    },
  };
}

/** ParseComplete, ParameterDescription, RowDescription, NoData. */
const DESCRIBES = ['1', 't', 'T', 'n'];

/** The text of `Q` (a plain statement) and `P` (one with parameters); null for what follows a `P`. */
function statementText(type: string, bytes: Buffer): string | null {
  if (type === 'Q') return bytes.toString('utf8', 5, bytes.indexOf(0, 5)).trim();
  if (type !== 'P') return null;
  const start = bytes.indexOf(0, 5) + 1;
  return bytes.toString('utf8', start, bytes.indexOf(0, start)).trim();
}

/** Whole messages of a stream; the first one of a client has no type. */
function splitMessages({ hasStartup }: { readonly hasStartup: boolean }) {
  let rest: Buffer = Buffer.alloc(0);
  let isStartup = hasStartup;
  return (piece: Buffer): ReadonlyArray<{ readonly type: string; readonly bytes: Buffer }> => {
    const messages: Array<{ type: string; bytes: Buffer }> = [];
    rest = Buffer.concat([rest, piece]);
    for (;;) {
      const typeBytes = isStartup ? 0 : 1;
      if (rest.length < typeBytes + 4) return messages;
      const length = typeBytes + rest.readUInt32BE(typeBytes);
      if (rest.length < length) return messages;
      messages.push({ type: isStartup ? '' : String.fromCharCode(rest[0] ?? 0), bytes: rest.subarray(0, length) });
      rest = rest.subarray(length);
      isStartup = false;
    }
  };
}
