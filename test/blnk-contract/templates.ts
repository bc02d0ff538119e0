// Fills the placeholders of a request: {{name}}, <<repeat:x:n>> and {"$repeat": n, "item": x}.
// An unknown {{name}} is an error: sending it unfilled would test nothing.

import type { Json } from './case-file.js';

export type Names = ReadonlyMap<string, string>;

/** Replaces every placeholder in one text. */
export function fillText(text: string, names: Names): string {
  const named = text.replace(/\{\{(\w+)\}\}/g, (_all, name: string) => {
    const value = names.get(name);
    if (value === undefined) {
      throw new Error(`the case uses {{${name}}}, which no earlier step stored`);
    }
    return value;
  });
  return named.replace(/<<repeat:(.+?):(\d+)>>/gs, (_all, part: string, times: string) => part.repeat(Number(times)));
}

/** Replaces every placeholder in a JSON value, keys included. */
export function fillJson(value: Json, names: Names): Json {
  if (typeof value === 'string') {
    return fillText(value, names);
  }
  if (Array.isArray(value)) {
    return value.map((item) => fillJson(item, names));
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const { $repeat: times, item } = value;
  if (typeof times === 'number' && item !== undefined) {
    return Array.from({ length: times }, (_unused, index) => fillJson(item, new Map(names).set('i', String(index))));
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [fillText(key, names), fillJson(child, names)]),
  );
}
