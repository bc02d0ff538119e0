/**
 * A door between workers and a real Core: hands requests on as they are, says when Core works on a post, so that its sender
 * can be killed meanwhile, and keeps when Core said that balances are locked. A sender that is gone is gone for Core too.
 */
import { once } from 'node:events';
import {
  type ClientRequest,
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';

export interface CoreDoor {
  readonly url: string;
  /**
   * Resolves while Core works on the next post: `afterMs` after all of it was handed on, unless it is answered by then. The
   * answer tells whether that post's connection was cut without an answer.
   */
  nextPostInFlight(afterMs: number): Promise<() => Promise<boolean>>;
  /** From now on listings of transactions hold only those of these source balances, as a Core that has no others answers. */
  showOnly(sourceIds: readonly string[]): void;
  /** Between the first and the last answer that balances are locked; 0 when there was none. */
  lockedMs(): number;
  close(): Promise<void>;
}

type Watch = { readonly afterMs: number; tell(wasCut: () => Promise<boolean>): void };

export async function openCoreDoor(coreUrl: string): Promise<CoreDoor> {
  const target = new URL(coreUrl);
  const lockedAt: number[] = [];
  let watch: Watch | null = null;
  let shown: readonly string[] | null = null;

  const pass = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const { method, url: path, headers } = incoming;
    const upstream = forward({ host: target.hostname, port: target.port, method, path, headers });
    let isAnswered = false;
    const isPost = method === 'POST' && /^\/transactions(\/bulk)?$/.test(path ?? '');
    const cut = new Promise<boolean>((resolve) => {
      answer.once('close', () => {
        if (!answer.writableFinished) upstream.destroy();
        resolve(!isAnswered);
      });
    });
    upstream.once('finish', () => {
      const watching = isPost ? watch : null;
      if (watching === null) return;
      setTimeout(() => {
        if (isAnswered || watch !== watching) return;
        watch = null;
        watching.tell(() => cut);
      }, watching.afterMs);
    });
    upstream.once('response', (response) => {
      isAnswered = true;
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('end', () => {
        if (saysLocked(response.statusCode, pieces)) lockedAt.push(performance.now());
      });
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    upstream.once('error', () => answer.destroy());
    if (shown === null || path !== '/transactions/filter') incoming.pipe(upstream);
    else handOnNarrowed(incoming, upstream, shown);
  };

  const server = createServer(pass).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  return {
    url: `http://127.0.0.1:${port}`,
    nextPostInFlight: (afterMs) =>
      new Promise((resolve) => {
        watch = { afterMs, tell: resolve };
      }),
    showOnly(sourceIds) {
      shown = sourceIds;
    },
    lockedMs: () => (lockedAt.length === 0 ? 0 : (lockedAt.at(-1) ?? 0) - (lockedAt[0] ?? 0)),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function handOnNarrowed(incoming: IncomingMessage, upstream: ClientRequest, sourceIds: readonly string[]): void {
  const pieces: Buffer[] = [];
  incoming.on('data', (piece: Buffer) => pieces.push(piece));
  incoming.once('end', () => {
    const asked = JSON.parse(Buffer.concat(pieces).toString()) as { readonly filters: readonly object[] };
    const filters = [...asked.filters, { field: 'source', operator: 'in', values: sourceIds }];
    const body = JSON.stringify({ ...asked, filters });
    upstream.setHeader('content-length', Buffer.byteLength(body));
    upstream.end(body);
  });
}

/** 423, or a bulk of which an item met a lock. */
function saysLocked(status: number | undefined, body: readonly Buffer[]): boolean {
  return (
    status === 423 || ((status ?? 0) >= 400 && /RESOURCE_LOCKED|acquire lock/i.test(Buffer.concat(body).toString()))
  );
}
