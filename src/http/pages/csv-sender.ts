/**
 * Sends a list as CSV, page by page as it is taken. Few are sent at once: a place is taken before anything is read, and whoever takes
 * nothing for a minute loses it to the next one who asks. One that breaks off is cut, never ended as if it were whole.
 */
import type { Context } from 'hono';
import { type CsvColumns, csvHeader, csvLine } from '../../views/csv.js';
import type { Environment } from '../access.js';
import { refuse } from '../problem.js';
import type { PagesPorts } from './frame.js';

/** Each has a page in memory, and its turn at the connections that pages have too. */
const AT_ONCE_MAX = 4;
const UNTAKEN_MAX_MS = 60_000;

export interface CsvRows<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

export type CsvRead<Row> = (after: string | undefined) => Promise<CsvRows<Row>>;

/** One that is being sent. */
interface Place {
  /** Since when it waits for its reader; null while we read. */
  waitsSinceMs: number | null;
  isOver: boolean;
  leave(): void;
  cut(): void;
}

export function createCsvSender({ onFault, monotonicMs }: Pick<PagesPorts, 'onFault' | 'monotonicMs'>) {
  const take = createPlaces(monotonicMs);
  return async <Row>(
    c: Context<Environment>,
    name: string,
    columns: CsvColumns<Row>,
    read: CsvRead<Row>,
  ): Promise<Response> => {
    const headers = {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${name}.csv"`,
    };
    // Nobody would read its body, and so never end it.
    if (c.req.method === 'HEAD') return c.body(null, 200, headers);
    const place = take();
    try {
      // Before anything is answered: what cannot be read at all is a problem document, not a file that breaks off.
      const lines = linesOf(columns, await read(undefined), read);
      const ports = {
        monotonicMs,
        onFault: (error: unknown) => onFault(error, c.req.path),
        cut: () => c.env?.outgoing?.destroy(),
      };
      return c.body(streamOf(lines, place, ports), 200, headers);
    } catch (error) {
      place.leave();
      throw error;
    }
  };
}

/** Throws ProblemError 429 where all are taken. */
function createPlaces(monotonicMs: () => number): () => Place {
  const places = new Set<Place>();
  const isLost = ({ waitsSinceMs }: Place) => waitsSinceMs !== null && monotonicMs() - waitsSinceMs >= UNTAKEN_MAX_MS;
  return () => {
    if (places.size >= AT_ONCE_MAX) for (const place of [...places].filter(isLost)) place.cut();
    if (places.size >= AT_ONCE_MAX) {
      const detail = `${AT_ONCE_MAX} lists are being sent already; ask again in a moment`;
      throw refuse(429, 'http_too_many_tries', detail, { retryAfterS: 10 });
    }
    const place: Place = {
      ...{ waitsSinceMs: null, isOver: false, cut: () => {} },
      leave() {
        place.isOver = true;
        places.delete(place);
      },
    };
    places.add(place);
    return place;
  };
}

function streamOf(
  lines: AsyncGenerator<string, undefined>,
  place: Place,
  ports: { monotonicMs(): number; onFault(error: unknown): void; cut(): void },
): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      place.cut = () => {
        place.leave();
        controller.error(new Error('Nothing of the list was taken for a minute'));
        void lines.return(undefined);
        ports.cut();
      };
    },
    async pull(controller) {
      place.waitsSinceMs = null;
      try {
        const { done, value } = await lines.next();
        if (place.isOver) return;
        place.waitsSinceMs = ports.monotonicMs();
        if (done !== true) return controller.enqueue(Buffer.from(value));
        place.leave();
        controller.close();
      } catch (error) {
        if (place.isOver) return;
        place.leave();
        ports.onFault(error);
        controller.error(error);
      }
    },
    async cancel() {
      place.leave();
      await lines.return(undefined);
    },
  });
}

/** A page of lines after the other. */
async function* linesOf<Row>(
  columns: CsvColumns<Row>,
  first: CsvRows<Row>,
  read: CsvRead<Row>,
): AsyncGenerator<string, undefined> {
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\r\n`).join('');
  yield text([csvHeader(columns), ...first.rows.map((row) => csvLine(columns, row))]);
  let { next } = first;
  while (next !== null) {
    const page: CsvRows<Row> = await read(next);
    yield text(page.rows.map((row) => csvLine(columns, row)));
    next = page.next;
  }
}
