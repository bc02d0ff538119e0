/**
 * Times and durations as people type and read them. All times are UTC, typed and shown: a day here is the day that
 * certificates are about.
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './window.js';

const UNITS_MS: Readonly<Record<string, number>> = { s: SECOND_MS, m: MINUTE_MS, h: HOUR_MS, d: DAY_MS };

/** A point in time that may depend on a clock which is not known yet. */
export type Moment =
  | { readonly kind: 'time'; readonly time: Date }
  | { readonly kind: 'ago'; readonly durationMs: number };

/** Longer than anything here lives, and short enough that "so long ago" is a date. */
const DURATION_MAX_MS = 36_500 * DAY_MS;

/** `90s`, `10m`, `2h`, `30d`, `1h30m`. Undefined for anything else, for zero, and beyond a hundred years. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d{1,9}[smhd])+$/.test(text)) return undefined;
  let durationMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g))
    durationMs += Number(count) * (UNITS_MS[unit ?? ''] ?? 0);
  return durationMs > 0 && durationMs <= DURATION_MAX_MS ? durationMs : undefined;
}

/** `2026-11-21`, `2026-11-21T10:00`, `2026-11-21T10:00:00Z`, with an offset, `30d` (ago) or `now`. */
export function parseMoment(text: string): Moment | undefined {
  if (text === 'now') return { kind: 'ago', durationMs: 0 };
  const durationMs = parseDuration(text);
  if (durationMs !== undefined) return { kind: 'ago', durationMs };
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text);
  if (match === null) return undefined;
  const [, day = '', minutes = '00:00', seconds = ':00', zone = 'Z'] = match;
  const time = new Date(`${day}T${minutes}${seconds}${zone}`);
  // JavaScript takes February 30 for March 2: a day that does not come back as it was typed does not exist.
  const exists = !Number.isNaN(time.getTime()) && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
  return exists ? { kind: 'time', time } : undefined;
}

export function resolveMoment(moment: Moment, now: Date): Date {
  return moment.kind === 'time' ? moment.time : new Date(now.getTime() - moment.durationMs);
}

/** `2026-11-21 10:00:00`. */
export function formatTime(time: Date | null): string {
  return time === null ? '' : time.toISOString().slice(0, 19).replace('T', ' ');
}

/** The two largest units: `1d 3h`, `10m 5s`, `0.4s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 10 * SECOND_MS) return `${(Math.max(0, durationMs) / SECOND_MS).toFixed(1)}s`;
  const parts: string[] = [];
  let rest = durationMs;
  for (const unit of ['d', 'h', 'm', 's']) {
    const count = Math.floor(rest / (UNITS_MS[unit] ?? 1));
    rest -= count * (UNITS_MS[unit] ?? 1);
    if (count > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
  }
  return parts.join(' ');
}

/** `1234567` is `1,234,567`. */
export function formatCount(count: number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ',');
}
