// Faults on demand: which requests meet them and how often. How a fault looks on the wire is fault-answers.ts.

import { nextRandom } from './seeded-random.js';

/** Which requests: all conditions given must hold. */
interface FaultMatch {
  /** Method and path with `:` parameters, for example `POST /transactions/bulk`; `posts` and `lookups` name groups. */
  route?: string;
  method?: string;
  door?: 'core' | 'proxy' | 'cloud';
  /** A piece of the request body, for example a reference. */
  contains?: string;
  /** Only the n-th request that fits, from 1, counted since the fault was added. */
  nth?: number;
  /** At most so many hits; without it, no end. */
  times?: number;
  /** Hits with this chance, by a seeded generator. */
  probability?: number;
  seed?: number;
}

export type FaultEffect =
  /** Any status, without applying the post, or after applying it. */
  | {
      kind: 'status';
      status: number;
      /** `rule`: a rule of the ledger refuses what shall be booked, for good. */
      body?: 'core' | 'html' | 'cloud' | 'empty' | 'rule';
      retryAfter?: number | string;
      applied?: boolean;
    }
  /** The connection is reset before Core sees the request. */
  | { kind: 'reset' }
  /** Core applies it, the connection is reset before the answer. */
  | { kind: 'answer_lost' }
  /** The proxy sends the request twice; the client sees only the second answer. */
  | { kind: 'repeated' }
  /** Takes this long; a post holds its locks meanwhile. */
  | ({ kind: 'slow'; delayMs: number } & PausePlace)
  /** Hangs until released or removed; a post holds its locks meanwhile. */
  | ({ kind: 'hang' } & PausePlace)
  /** From this item on (1 unless given) the balances count as locked: 423. */
  | { kind: 'locked'; atItem?: number }
  /** Reads see the ledger as it was `lagMs` ago; without it, as it was when the fault was added. */
  | { kind: 'stale_reads'; lagMs?: number };

interface PausePlace {
  /** `before` item `atItem` (1 unless given) of a bulk is applied, or `after` everything was. */
  phase?: 'before' | 'after';
  atItem?: number;
}

export type Fault = FaultMatch & FaultEffect;

export interface FaultHandle {
  readonly id: string;
  /** How many requests met it. */
  readonly hits: number;
  /** Lets all that hang on it go on; it stays in force for later requests. */
  release(): void;
  /** Takes it out of force and releases what hangs on it. */
  remove(): void;
}

/** A fault in force. */
export class ActiveFault implements FaultHandle {
  readonly id: string;
  readonly fault: Fault;
  /** Rows that there were when it was added: what stale reads see. */
  readonly rowsAtStart: number;
  hits = 0;
  #seen = 0;
  #randomState: number;
  #waiting = new Set<() => void>();
  readonly #onRemove: (fault: ActiveFault) => void;

  constructor(
    fault: Fault,
    { id, rowsAtStart, onRemove }: { id: string; rowsAtStart: number; onRemove: (fault: ActiveFault) => void },
  ) {
    this.id = id;
    this.fault = fault;
    this.rowsAtStart = rowsAtStart;
    this.#randomState = fault.seed ?? 1;
    this.#onRemove = onRemove;
  }

  release(): void {
    for (const resume of this.#waiting) {
      resume();
    }
    this.#waiting.clear();
  }

  remove(): void {
    this.#onRemove(this);
    this.release();
  }

  /** Resolves at the next release. */
  untilReleased(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Counts the request and tells whether this fault takes it. */
  takes(request: { key: string; method: string; door: string; text: string }): boolean {
    const { route, method, door, contains, nth, times, probability } = this.fault;
    const fits =
      (route === undefined || inRoute(route, request.key)) &&
      (method === undefined || method === request.method) &&
      (door === undefined || door === request.door) &&
      (contains === undefined || request.text.includes(contains));
    if (!fits) {
      return false;
    }
    this.#seen += 1;
    if ((nth !== undefined && this.#seen !== nth) || (times !== undefined && this.hits >= times)) {
      return false;
    }
    if (probability !== undefined) {
      const { value, state } = nextRandom(this.#randomState);
      this.#randomState = state;
      if (value >= probability) {
        return false;
      }
    }
    this.hits += 1;
    return true;
  }
}

/** The faults in force, in the order in which they were added; the first that takes a request has it alone. */
export class Faults {
  readonly #active = new Set<ActiveFault>();
  readonly #rowCount: () => number;
  #added = 0;
  #pastHits = 0;

  constructor(rowCount: () => number) {
    this.#rowCount = rowCount;
  }

  /** How many requests met one, by faults in force and by removed ones. */
  get hits(): number {
    return [...this.#active].reduce((sum, { hits }) => sum + hits, this.#pastHits);
  }

  get active(): readonly ActiveFault[] {
    return [...this.#active];
  }

  add(fault: Fault): FaultHandle {
    this.#added += 1;
    const active = new ActiveFault(fault, {
      id: `fault_${this.#added}`,
      rowsAtStart: this.#rowCount(),
      onRemove: (removed) => {
        if (this.#active.delete(removed)) {
          this.#pastHits += removed.hits;
        }
      },
    });
    this.#active.add(active);
    return active;
  }

  find(id: string): ActiveFault | undefined {
    return [...this.#active].find((active) => active.id === id);
  }

  /** Removes all faults and lets everything that hangs go on. */
  clear(): void {
    for (const active of [...this.#active]) {
      active.remove();
    }
  }

  /** The fault that this request gets, if any. */
  take(request: { key: string; method: string; door: string; text: string }): ActiveFault | undefined {
    for (const active of this.#active) {
      if (active.takes(request)) {
        return active;
      }
    }
    return undefined;
  }
}

const groups: Record<string, (key: string) => boolean> = {
  posts: (key) => key === 'POST /transactions' || key === 'POST /transactions/bulk',
  lookups: (key) => key === 'POST /transactions/filter' || /^GET \/(data\/)?transactions/.test(key),
};

function inRoute(route: string, key: string): boolean {
  return groups[route]?.(key) ?? route === key;
}
