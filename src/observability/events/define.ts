/** What an event is: a line of the log with a stable code, a level, named fields and a sentence. */
import { formatCount } from '../../core/base/time-text.js';

export type Level = 'error' | 'warn' | 'info' | 'debug';

export interface EventDefinition<Fields extends object> {
  readonly level: Level | { of(fields: Fields): Level; readonly text: string };
  /** Each field and what it holds. */
  readonly fields: { readonly [Name in keyof Required<Fields>]: string };
  /** Whole: what happened, and why. A person at a terminal sees nothing else. */
  readonly sentence: string | ((fields: Fields) => string);
  /** For docs/events.md. */
  readonly meaning: string;
  readonly whatToDo: string;
  /** The same again within a minute is counted, and said once a minute with its count. Never for a change of state. */
  readonly isCounted?: true;
  /** Codes of the events that this one ends, of the same lane or server: what begins anew afterwards is said at once. */
  readonly ends?: readonly string[];
}

/** Gives a definition its fields' type: written once, and every call is checked against it. */
export function define<Fields extends object>(definition: EventDefinition<Fields>): EventDefinition<Fields> {
  return definition;
}

export type FieldsOf<Definition> = Definition extends EventDefinition<infer Fields> ? Fields : never;

/** Said of nothing but itself. */
export type NoFields = Record<never, never>;

/** Of a field `error`. */
export const ERROR = 'what went wrong, in words';

export const NOTHING = 'nothing';

/** `1 payment`, `1,204 payments`. */
export function countText(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}
