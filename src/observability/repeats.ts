/**
 * Keeps an outage from filling the log: what is the same as what was just said is counted, and said again once a minute
 * with its count. What differs is always said, and so is what begins anew after it had ended.
 */

const SAID_AGAIN_AFTER_MS = 60_000;

/** Texts of faults may differ without end; the oldest are forgotten. */
const REMEMBERED_MAX = 200;

export interface Repeats {
  /** @returns how often it came since it was said; null when it is not to be said now */
  count(event: string, fields: object): number | null;
  /** Forgets an event of the same lane, server or permission: it is over. */
  forget(event: string, fields: object): void;
}

export function createRepeats(monotonicMs: () => number): Repeats {
  const said = new Map<
    string,
    { readonly event: string; readonly of: string; readonly atMs: number; repeats: number }
  >();
  return {
    count(event, fields) {
      const key = keyOf(event, fields);
      const earlier = said.get(key);
      if (earlier !== undefined && monotonicMs() - earlier.atMs < SAID_AGAIN_AFTER_MS) {
        earlier.repeats += 1;
        return null;
      }
      said.delete(key);
      said.set(key, { event, of: subjectOf(fields), atMs: monotonicMs(), repeats: 0 });
      const [oldest] = said.keys();
      if (said.size > REMEMBERED_MAX && oldest !== undefined) said.delete(oldest);
      return earlier?.repeats ?? 0;
    },
    forget(event, fields) {
      const of = subjectOf(fields);
      for (const [key, one] of said) if (one.event === event && one.of === of) said.delete(key);
    },
  };
}

/** One server that is away fails every step of every job: the reason is what counts, not who met it. */
const REASONS = ['code', 'error', 'faults'];
/** What it is about. */
const SUBJECTS = ['lane', 'server', 'permission', 'address'];

function keyOf(event: string, fields: object): string {
  const reasons = REASONS.map((name) => fieldOf(fields, name));
  return JSON.stringify([event, reasons, subjectOf(fields)]).replace(REQUEST_IDS, '');
}

/** Stripe gives each answer one; two that fail alike are the same. */
const REQUEST_IDS = /req_[A-Za-z0-9]+/g;

function subjectOf(fields: object): string {
  return JSON.stringify(SUBJECTS.map((name) => fieldOf(fields, name)));
}

function fieldOf(fields: object, name: string): unknown {
  return (fields as Readonly<Record<string, unknown>>)[name];
}
