/**
 * Work that stands in the database and begins when the queue delivers a job. What is due, and was not delivered to anybody
 * for a while, is begun here: the queue only wakes. Whatever runs twice by that is harmless: claims and runs exclude each
 * other in the database.
 */
import { oneAtATime } from '../core/base/one-at-a-time.js';

export type WorkKind = 'sync' | 'part' | 'lane' | 'proofs';

export interface DueWork {
  /** The same for as long as it is the same work. */
  readonly key: string;
  run(): Promise<void>;
}

export interface WorkSource {
  readonly kind: WorkKind;
  /** How much of it this process takes from the queue at a time: with less in hand, the queue would have delivered more. */
  readonly atOnce: number;
  /** What is due and not at work anywhere, as far as the database knows. */
  find(): Promise<readonly DueWork[]>;
}

/** What this process has in hand, delivered or begun by itself. */
export interface RunningWork {
  hold<Result>(kind: WorkKind, key: string, work: () => Promise<Result>): Promise<Result>;
  has(kind: WorkKind, key: string): boolean;
  count(kind: WorkKind): number;
}

export function createRunningWork(): RunningWork {
  const held = new Map<WorkKind, string[]>();
  const keysOf = (kind: WorkKind): string[] => held.get(kind) ?? [];
  return {
    async hold(kind, key, work) {
      held.set(kind, [...keysOf(kind), key]);
      try {
        return await work();
      } finally {
        const at = keysOf(kind).indexOf(key);
        held.set(
          kind,
          keysOf(kind).filter((_, index) => index !== at),
        );
      }
    },
    has: (kind, key) => keysOf(kind).includes(key),
    count: (kind) => keysOf(kind).length,
  };
}

export interface DueWorkPorts {
  readonly running: RunningWork;
  readonly sources: readonly WorkSource[];
  /** The queue is known to take and give nothing: there is no delivery to wait for. */
  isQueueAway(): boolean;
  /** What was due at two looks in a row and is begun here; told before it is. */
  onUndelivered(kind: WorkKind, keys: readonly string[]): void;
  onFailed(kind: WorkKind, error: unknown): void;
  onError(step: string, error: unknown): void;
}

export interface DueWorkRunner {
  /** One look, not two at a time. Begins what was due at the look before as well; does not wait for it. */
  look(): Promise<void>;
  /** Waits for what was begun here. */
  settled(): Promise<void>;
}

export function createDueWork(ports: DueWorkPorts): DueWorkRunner {
  const { running } = ports;
  const begun = new Set<Promise<void>>();
  const seen = new Map<WorkKind, ReadonlySet<string>>();

  /** Begun since the last look of the timer: what comes of work may be begun at once, the same work may not. */
  const lately = new Set<string>();

  const begin = (kind: WorkKind, { key, run }: DueWork): void => {
    lately.add(`${kind} ${key}`);
    const ended = running
      .hold(kind, key, run)
      .then(
        // What came of it is due at once: parts after a sync, lanes after a part.
        () => (ports.isQueueAway() ? look() : undefined),
        (error: unknown) => ports.onFailed(kind, error),
      )
      .finally(() => begun.delete(ended));
    begun.add(ended);
  };

  const lookAt = async ({ kind, atOnce, find }: WorkSource): Promise<void> => {
    const due = (await find()).filter(({ key }) => !running.has(kind, key));
    const before = seen.get(kind);
    const room = Math.max(0, atOnce - running.count(kind));
    // Without room it waits in the queue, as it should.
    seen.set(kind, new Set(room > 0 ? due.map(({ key }) => key) : []));
    const isOverdue = ({ key }: DueWork) =>
      !lately.has(`${kind} ${key}`) && (before?.has(key) === true || ports.isQueueAway());
    const undelivered = due.filter(isOverdue).slice(0, room);
    if (undelivered.length === 0) return;
    ports.onUndelivered(
      kind,
      undelivered.map(({ key }) => key),
    );
    for (const work of undelivered) begin(kind, work);
  };

  const lookOnce = async (): Promise<void> => {
    for (const source of ports.sources) {
      try {
        await lookAt(source);
      } catch (error) {
        ports.onError(`due ${source.kind}`, error);
      }
    }
  };
  const look = oneAtATime(lookOnce);

  return {
    look() {
      lately.clear();
      return look();
    },
    async settled() {
      while (begun.size > 0) await Promise.allSettled(begun);
    },
  };
}
