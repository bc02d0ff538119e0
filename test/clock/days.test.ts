/**
 * A day is [00:00Z, 24:00Z), wherever the process runs and whatever its calendar does: leap days, ends of years, and days
 * that have 23 or 25 hours, or do not exist, in the zone of the machine.
 */
import fc from 'fast-check';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatTime, parseMoment, resolveMoment } from '../../src/core/base/time-text.js';
import {
  DAY_MS,
  daysBetween,
  dayWindow,
  floorToSecond,
  split,
  unixSeconds,
  utcDay,
} from '../../src/core/base/window.js';
import { preparePayment } from '../../src/core/posting/mapping.js';
import { dueDays, type ScheduleRules } from '../../src/prove/schedule.js';
import { sourceFiles, visit } from '../support/source-files.js';
import { makePayments, RULES } from '../support/stages/ledger.js';

const SETTINGS = { seed: 20_240_229, numRuns: 200 };

/** With a moment at which each has another offset than usual, so that a zone that was not set is noticed. */
const ZONES: ReadonlyArray<readonly [zone: string, minutesBehindUtc: number]> = [
  ['UTC', 0],
  ['America/New_York', 240],
  ['Europe/Berlin', -120],
  // Half an hour of daylight saving.
  ['Australia/Lord_Howe', -630],
  // Left out 2011-12-30.
  ['Pacific/Apia', -780],
  ['America/Sao_Paulo', 180],
];
const SUMMER = new Date('2026-07-01T00:00:00Z');

/** Beginnings of days that calendars stumble over, with the days around them. */
const SPECIAL = [
  ...['2024-02-29', '2028-02-29', '2023-02-28', '2100-02-28', '2000-02-29', '2023-12-31', '2024-12-31', '2016-12-31'],
  // Daylight saving begins and ends: New York, Berlin, Lord Howe, Sao Paulo; and Apia's missing day.
  ...['2024-03-10', '2024-11-03', '2024-03-31', '2024-10-27', '2024-04-07', '2024-10-06', '2018-11-04', '2019-02-17'],
  ...['2011-12-29', '2011-12-30', '2011-12-31'],
];
const dayNumbers = fc.oneof(
  fc.constantFrom(...SPECIAL).chain((day) => fc.integer({ min: -1, max: 1 }).map((n) => dayNumberOf(day) + n)),
  fc.integer({ min: dayNumberOf('2010-01-01'), max: dayNumberOf('2105-01-01') }),
);
const within = fc.oneof(fc.constantFrom(0, 1, DAY_MS / 2, DAY_MS - 1_000, DAY_MS - 1), fc.nat(DAY_MS - 1));

function dayNumberOf(day: string): number {
  return Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1, Number(day.slice(8))) / DAY_MS;
}

/** By counting days from 1970, without the calendar of `Date`. */
function nameOf(dayNumber: number): string {
  let [year, rest] = [1970, dayNumber];
  const isLeap = () => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  for (; rest >= (isLeap() ? 366 : 365); year += 1) rest -= isLeap() ? 366 : 365;
  const lengths = [31, isLeap() ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  let month = 0;
  for (; rest >= (lengths[month] ?? 0); month += 1) rest -= lengths[month] ?? 0;
  return [year, month + 1, rest + 1].map((part) => String(part).padStart(2, '0')).join('-');
}

describe.each(ZONES)('in %s', (zone, minutesBehindUtc) => {
  beforeEach(() => {
    vi.stubEnv('TZ', zone);
    expect(SUMMER.getTimezoneOffset()).toBe(minutesBehindUtc);
  });
  afterEach(() => vi.unstubAllEnvs());

  it('each day is its 24 hours of UTC, and the next one begins where it ends', () => {
    fc.assert(
      fc.property(dayNumbers, within, (number, sinceBeginMs) => {
        const day = nameOf(number);
        const window = dayWindow(day);
        expect(window).toEqual({ from: new Date(number * DAY_MS), to: new Date((number + 1) * DAY_MS) });
        expect(window.to).toEqual(dayWindow(nameOf(number + 1)).from);
        expect(utcDay(new Date(number * DAY_MS + sinceBeginMs))).toBe(day);
      }),
      SETTINGS,
    );
  });

  it('days between two times are the whole ones, each once', () => {
    fc.assert(
      fc.property(dayNumbers, fc.nat(5), within, within, (number, length, fromMs, toMs) => {
        const to = new Date((number + length) * DAY_MS + toMs);
        const days = daysBetween(new Date(number * DAY_MS + fromMs), to);
        expect(days).toEqual(Array.from({ length }, (_, n) => nameOf(number + n)));
      }),
      SETTINGS,
    );
  });

  it('a day or time that is typed means UTC, and is shown as it was typed', () => {
    fc.assert(
      fc.property(dayNumbers, within, (number, sinceBeginMs) => {
        const day = nameOf(number);
        const time = floorToSecond(new Date(number * DAY_MS + sinceBeginMs));
        const read = (text: string) => {
          const moment = parseMoment(text);
          return moment === undefined ? undefined : resolveMoment(moment, SUMMER);
        };
        expect(read(day)).toEqual(new Date(number * DAY_MS));
        for (const text of [formatTime(time), formatTime(time).replace(' ', 'T'), `${formatTime(time)}Z`])
          expect(read(text)).toEqual(time);
        expect(read(`${formatTime(time)}+10:30`)).toEqual(new Date(time.getTime() - 10.5 * 3_600_000));
        expect(formatTime(time).slice(0, 10)).toBe(day);
      }),
      SETTINGS,
    );
  });

  it('a payment belongs to the UTC day of its creation', () => {
    fc.assert(
      fc.property(dayNumbers, within, (number, sinceBeginMs) => {
        const created = floorToSecond(new Date(number * DAY_MS + sinceBeginMs));
        const [payment] = makePayments(1, { created });
        const preparation = payment === undefined ? undefined : preparePayment(payment, RULES);
        if (preparation?.kind !== 'prepared') throw new Error(`${preparation?.kind}`);
        const { body, effectiveDate } = preparation.transaction;
        expect(JSON.parse(body)).toMatchObject({
          effective_date: created.toISOString().replace('.000Z', 'Z'),
          meta_data: { stripe_day: nameOf(number) },
        });
        expect(effectiveDate).toEqual(created);
        expect(unixSeconds(created) * 1_000).toBe(created.getTime());
      }),
      SETTINGS,
    );
  });

  it('a day is due 2 and 75 times 24 hours after its end', () => {
    fc.assert(
      fc.property(dayNumbers, fc.constantFrom(-1, 0, 1), (number, aroundMs) => {
        const end = (number + 1) * DAY_MS;
        const due = (now: number, provedAt: number | null) =>
          dueDays(
            {
              now: new Date(now),
              startsAt: new Date(number * DAY_MS),
              earlierDays: [],
              completeTo: new Date(end),
              standings:
                provedAt === null
                  ? []
                  : [
                      {
                        day: nameOf(number),
                        provedAt: new Date(provedAt),
                        states: ['sealed'],
                        storedSince: false,
                        acceptanceSince: false,
                        decidedSince: false,
                        repairedSince: false,
                        unseenProofs: 0,
                      },
                    ],
              lastRotationAt: new Date(now),
              requested: new Map(),
            },
            SCHEDULE,
          ).map(({ day, trigger }) => `${day} ${trigger}`);
        const expected = (trigger: string) => (aroundMs < 0 ? [] : [`${nameOf(number)} ${trigger}`]);
        expect(due(end + 2 * DAY_MS + aroundMs, null)).toEqual(expected('two_days'));
        expect(due(end + 75 * DAY_MS + aroundMs, end + 2 * DAY_MS)).toEqual(expected('seventy_five_days'));
      }),
      SETTINGS,
    );
  });

  it('a window that is cut into parts loses no second and reads none twice', () => {
    fc.assert(
      fc.property(dayNumbers, within, fc.nat(40), (number, sinceBeginMs, days) => {
        const window = { from: new Date(number * DAY_MS), to: new Date((number + days) * DAY_MS + sinceBeginMs) };
        const parts = split(window, { partMinMs: DAY_MS, partsMax: 8 });
        const edges = parts.flatMap(({ from, to }) => [from.getTime(), to.getTime()]);
        expect(edges[0] ?? window.from.getTime()).toBe(window.from.getTime());
        expect(edges.at(-1) ?? window.to.getTime()).toBe(window.to.getTime());
        for (const [n, part] of parts.entries()) if (n > 0) expect(part.from).toEqual(parts[n - 1]?.to);
      }),
      SETTINGS,
    );
  });
});

const SCHEDULE: ScheduleRules = {
  firstAfterMs: 2 * DAY_MS,
  lateAfterMs: 75 * DAY_MS,
  againAfterMs: DAY_MS,
  rotateEveryMs: DAY_MS,
  rotateAgeMs: 30 * DAY_MS,
  giveWayForMs: 0,
};

describe('days that there are not', () => {
  it.each(['2023-02-29', '2100-02-29', '2024-02-30', '2024-04-31', '2024-13-01', '2024-00-10', '2024-01-00'])(
    '%s is refused, typed and as a window',
    (day) => {
      expect(parseMoment(day)).toBeUndefined();
      expect(parseMoment(`${day}T10:00`)).toBeUndefined();
      expect(() => dayWindow(day)).toThrow(`${day} is not a UTC day`);
    },
  );
});

/** What answers by the zone of the machine. Of the methods of `Date`, all that have a twin with UTC in its name. */
const LOCAL =
  /^((get|set)(FullYear|Year|Month|Date|Day|Hours|Minutes|Seconds|Milliseconds)|getTimezoneOffset|toLocale\w*String|to(Date|Time)String|DateTimeFormat|RelativeTimeFormat)$/;

/** By the zone of the session, whoever connects. */
const LOCAL_SQL = /\b(current_date|current_time|localtime|localtimestamp|timestamp without time zone)\b/i;

describe('nothing reads the time of a zone', () => {
  const sources = [...sourceFiles('src'), ...sourceFiles('sandbox')];

  it('no method, formatter or constructor of local time is used', () => {
    const local = sources.flatMap(({ path, syntax }) => {
      const found: string[] = [];
      visit(syntax, (node) => {
        const isLocal =
          (ts.isPropertyAccessExpression(node) && LOCAL.test(node.name.text)) ||
          (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) > 1) ||
          (ts.isCallExpression(node) && node.expression.getText() === 'Date');
        if (isLocal) found.push(`${path}: ${node.getText()}`);
      });
      return found;
    });
    expect(local).toEqual([]);
  });

  it('no statement, and no log for people, uses the time of the session or of the machine', () => {
    const local = sources.filter(({ text }) => LOCAL_SQL.test(text) || /SYS:/.test(text)).map(({ path }) => path);
    expect(local).toEqual([]);
  });
});
