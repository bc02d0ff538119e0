/**
 * Everything that a worker logs. Each event has a stable code and is one line; the definitions are data, and docs/events.md
 * lists them all. Nothing else writes to the log.
 */
import { countText, type EventDefinition, type FieldsOf } from './events/define.js';
import { HTTP_EVENTS } from './events/http-events.js';
import { PAYMENT_EVENTS } from './events/payment-events.js';
import { PROOF_EVENTS } from './events/proof-events.js';
import { SERVER_EVENTS } from './events/server-events.js';
import { VERDICT_EVENTS } from './events/verdict-events.js';
import { WORKER_EVENTS } from './events/worker-events.js';
import type { Log } from './log.js';
import { createRepeats } from './repeats.js';

const DEFINITIONS = {
  ...HTTP_EVENTS,
  ...PAYMENT_EVENTS,
  ...PROOF_EVENTS,
  ...SERVER_EVENTS,
  ...VERDICT_EVENTS,
  ...WORKER_EVENTS,
};

type Definitions = typeof DEFINITIONS;

/** One function for each event. */
export type Events = { readonly [Name in keyof Definitions]: (fields: FieldsOf<Definitions[Name]>) => void };

/** An event as documents show it. */
export interface ListedEvent {
  readonly code: string;
  /** Or how it follows from the fields, in words. */
  readonly level: string;
  readonly fields: ReadonlyArray<readonly [name: string, meaning: string]>;
  readonly meaning: string;
  readonly whatToDo: string;
}

/** @returns all events, by code */
export function listEvents(): ListedEvent[] {
  return Object.entries(DEFINITIONS)
    .map(([name, { level, fields, meaning, whatToDo }]) => ({
      ...{ code: codeOf(name), level: typeof level === 'string' ? level : level.text, meaning, whatToDo },
      fields: Object.entries(fields),
    }))
    .sort((one, other) => (one.code < other.code ? -1 : 1));
}

/** @param monotonicMs for what is counted when it comes again within a minute */
export function createEvents(log: Log, monotonicMs: () => number): Events {
  const repeats = createRepeats(monotonicMs);
  const entries = Object.entries(DEFINITIONS).map(([name, definition]) => [
    name,
    // Each has its own fields; the type of the result knows them.
    teller(name, definition as unknown as EventDefinition<object>),
  ]);
  return Object.fromEntries(entries) as Events;

  function teller(name: string, definition: EventDefinition<object>): (fields: object) => void {
    const { level, sentence, isCounted = false, ends = [] } = definition;
    const event = codeOf(name);
    return (fields) => {
      for (const ended of ends) repeats.forget(ended, fields);
      const count = isCounted ? repeats.count(event, fields) : 0;
      if (count === null) return;
      const text = typeof sentence === 'string' ? sentence : sentence(fields);
      const at = typeof level === 'string' ? level : level.of(fields);
      if (count === 0) log[at]({ event, ...fields }, text);
      else
        log[at]({ event, ...fields, repeats: count }, `${text} (${countText(count, 'time')} since it was said last)`);
    };
  }
}

/** `runEnded` is `run_ended`. */
function codeOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
