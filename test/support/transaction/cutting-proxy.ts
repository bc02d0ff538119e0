/**
 * A proxy before PostgreSQL that understands its protocol as far as statements: which were sent on which connection, in or
 * outside of a transaction. It cuts the connection of a transaction at a chosen statement, in one of several ways.
 */
import postgres from 'postgres';
import {
  type Message,
  MessageReader,
  processId,
  queryText,
  transactionStatus,
} from '../../../src/postgres/messages.js';
import { endTogether, openTcpProxy, type TcpProxy } from '../tcp-proxy.js';

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

export interface CuttingProxy extends Pick<TcpProxy, 'url' | 'close'> {
  /** Everything that reached PostgreSQL, oldest first. */
  readonly sent: readonly Sent[];
  /** Cuts the next transaction that begins, at its n-th statement; `begin` is 0. */
  cutNext(cut: { readonly at: number; readonly how: Cut }): void;
  /** What was cut; null while nothing was. Forgets it, and a cut that found no statement. */
  takeCut(): { readonly text: string } | null;
}

export async function openCuttingProxy(serverUrl: string): Promise<CuttingProxy> {
  const killer = postgres(serverUrl, { max: 1, onnotice: () => {} });
  const sent: Sent[] = [];
  let connections = 0;
  let wanted: { readonly at: number; readonly how: Cut } | null = null;
  let done: { readonly text: string } | null = null;

  const { url, close } = await openTcpProxy(serverUrl, (client, upstream) => {
    connections += 1;
    const connection = connections;
    const said = new MessageReader('client');
    const answered = new MessageReader('server');
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
    endTogether(client, upstream);
    client.on('data', (piece) => {
      for (const message of said.read(piece)) {
        const text = statementText(message);
        // Only the rest of the cut statement still passes.
        if (cut?.isOver || (cut !== null && text !== null)) return;
        if (text !== null && wanted !== null && isCutAt(text)) {
          cut = { how: wanted.how, isOver: wanted.how === 'before' };
          wanted = null;
          done = { text };
          if (cut.isOver) return terminate();
        }
        if (text !== null) sent.push({ connection, text, inTransaction: status !== 'I' });
        upstream.write(message.bytes);
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
      for (const message of answered.read(piece)) {
        if (message.kind === 'K') backend = processId(message);
        // What comes before a statement's parameters are asked for has to pass.
        if (cut?.how !== 'unanswered' || DESCRIBES.includes(message.kind)) client.write(message.bytes);
        if (message.kind !== 'Z') continue;
        status = transactionStatus(message);
        cutAtEnd();
      }
    });
  });
  return {
    ...{ url, sent },
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
      await close();
      await killer.end({ timeout: 5 });
    },
  };
}

/** ParseComplete, ParameterDescription, RowDescription, NoData. */
const DESCRIBES = ['1', 't', 'T', 'n'];

/** The text of `Q` (a plain statement) and `P` (one with parameters); null for what follows a `P`. */
function statementText(message: Message): string | null {
  const { kind, bytes } = message;
  if (kind === 'Q') return queryText(message).trim();
  if (kind !== 'P') return null;
  const start = bytes.indexOf(0, 5) + 1;
  return bytes.toString('utf8', start, bytes.indexOf(0, start)).trim();
}
