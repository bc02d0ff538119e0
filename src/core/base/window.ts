/**
 * Half-open windows of time `[from, to)` and the arithmetic on them: what remains of an asked window once the covered
 * ones are taken away is all that resuming needs. Pure; whole seconds, because Stripe's `created` has no finer unit.
 */

export interface Window {
  readonly from: Date;
  readonly to: Date;
}

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The parts of `asked` that no window of `covered` contains, oldest first, none empty. */
export function remaining(asked: Window, covered: readonly Window[]): Window[] {
  const rest: Window[] = [];
  let from = asked.from.getTime();
  for (const window of merged(covered)) {
    if (window.to.getTime() <= from) continue;
    if (window.from >= asked.to) break;
    if (window.from.getTime() > from) rest.push({ from: new Date(from), to: window.from });
    from = window.to.getTime();
  }
  if (from < asked.to.getTime()) rest.push({ from: new Date(from), to: asked.to });
  return rest;
}

/** The same coverage with overlapping and touching windows joined, oldest first. */
export function merged(windows: readonly Window[]): Window[] {
  const sorted = windows
    .filter((window) => window.from < window.to)
    .sort((a, b) => a.from.getTime() - b.from.getTime());
  const joined: Window[] = [];
  for (const window of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && window.from <= last.to) {
      if (window.to > last.to) joined[joined.length - 1] = { from: last.from, to: window.to };
    } else {
      joined.push(window);
    }
  }
  return joined;
}

/** Cuts a window into parts of equal length (the last may be shorter), each at least `partMinMs`, at most `partsMax` of them. */
export function split(window: Window, options: { readonly partMinMs: number; readonly partsMax: number }): Window[] {
  const length = window.to.getTime() - window.from.getTime();
  const partMs = wholeSeconds(Math.max(options.partMinMs, Math.ceil(length / options.partsMax)), 'up');
  const parts: Window[] = [];
  for (let from = window.from.getTime(); from < window.to.getTime(); from += partMs) {
    parts.push({ from: new Date(from), to: new Date(Math.min(from + partMs, window.to.getTime())) });
  }
  return parts;
}

/** The later of two times. */
export function later(a: Date, b: Date): Date {
  return a > b ? a : b;
}

/** The earlier of two times. */
export function earlier(a: Date, b: Date): Date {
  return a < b ? a : b;
}

/** Stripe compares whole seconds: a bound between two of them would cover a second that was only half read. */
export function floorToSecond(time: Date): Date {
  return new Date(wholeSeconds(time.getTime(), 'down'));
}

/** Unix time in whole seconds, Stripe's unit for `created`. */
export function unixSeconds(time: Date): number {
  return Math.floor(time.getTime() / SECOND_MS);
}

/** `2026-11-21`: the UTC day that certificates are about. */
export function utcDay(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function wholeSeconds(ms: number, direction: 'up' | 'down'): number {
  return (direction === 'up' ? Math.ceil(ms / SECOND_MS) : Math.floor(ms / SECOND_MS)) * SECOND_MS;
}

/** The UTC day `2026-11-21` as a window. Throws RangeError when there is no such day. */
export function dayWindow(day: string): Window {
  const from = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(from.getTime()) || utcDay(from) !== day)
    throw new RangeError(`${day} is not a UTC day; allowed is one that exists, as YYYY-MM-DD`);
  return { from, to: new Date(from.getTime() + DAY_MS) };
}

/** The whole UTC days from the one that `from` lies in to the last one that ended at or before `to`, oldest first. */
export function daysBetween(from: Date, to: Date): string[] {
  const days: string[] = [];
  for (let start = dayWindow(utcDay(from)).from.getTime(); start + DAY_MS <= to.getTime(); start += DAY_MS) {
    days.push(utcDay(new Date(start)));
  }
  return days;
}
