/** A start that is changed later: what the worker says of it, and that an unchanged one is never spoken of. */
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/base/window.js';
import { STRIPE_EPOCH } from '../../src/core/posting/mirror.js';
import { ignoredStart } from '../../src/core/settings/ignored-start.js';

const startsAt = new Date('2026-10-01T00:00:00Z');
const daysLater = (days: number) => ({ startsAt, now: new Date(startsAt.getTime() + days * DAY_MS) });
const ago = (days: number) => ({ kind: 'ago', durationMs: days * DAY_MS }) as const;
const at = (text: string) => ({ kind: 'time', time: new Date(text) }) as const;

describe('a start that is asked for later', () => {
  it.each([
    ['all', { kind: 'all' } as const, STRIPE_EPOCH.toISOString().replace('.000Z', 'Z')],
    ['an earlier date', at('2026-09-01T00:00:00Z'), '2026-09-01T00:00:00Z'],
    ['a longer duration', ago(400), '2026-09-22T00:00:00Z'],
  ])('and asks for more is said with what to do: %s', (_name, asked, from) => {
    expect(ignoredStart(asked, daysLater(391))).toEqual({
      level: 'warn',
      text: expect.stringMatching(new RegExp(`begins at 2026-10-01.*first start alone.*backfill --from ${from}`)),
    });
  });

  it('and is a later date is told, for it takes nothing away', () => {
    expect(ignoredStart(at('2026-10-03T00:00:00Z'), daysLater(30))).toEqual({
      level: 'info',
      text: expect.stringContaining('What is mirrored stays'),
    });
  });

  it.each([
    ['the same date', at('2026-10-01T00:00:00Z'), 500],
    ['the same duration, at once', ago(30), 30],
    ['the same duration, a year later', ago(30), 395],
  ])('is not spoken of when it is %s', (_name, asked, days) => {
    expect(ignoredStart(asked, daysLater(days))).toBeNull();
  });

  it('is not spoken of when all was asked for, and is', () => {
    expect(ignoredStart({ kind: 'all' }, { startsAt: STRIPE_EPOCH, now: new Date() })).toBeNull();
  });
});
