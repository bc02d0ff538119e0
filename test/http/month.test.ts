/** Whether a month can be closed is said of the days that the mirror claims, each named once, with what is not sealed. */
import { describe, expect, it } from 'vitest';
import type { CertificateState } from '../../src/core/proof/certificate.js';
import { closingOf, daysText, monthDays } from '../../src/http/pages/month.js';

const certificate = (day: number, state: CertificateState, reopened = false) => ({
  ...{ day: `2026-11-${String(day).padStart(2, '0')}`, state, reopened },
});
const month = (
  certificates: ReturnType<typeof certificate>[],
  { startsAt = '2026-11-01T00:00:00Z', now = '2026-12-05T00:00:00Z', of = '2026-11' } = {},
) => monthDays({ certificates, month: of, startsAt: new Date(startsAt), now: new Date(now) });
const sealed = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => certificate(from + index, 'sealed'));

describe('a month', () => {
  it('can be closed when each of its days is sealed, with or without exceptions', () => {
    const days = month([...sealed(1, 29), certificate(30, 'sealed'), certificate(30, 'sealed_with_exceptions')]);
    expect(closingOf(days, '2026-11', [])).toEqual({
      ...{ tone: 'good', answer: '2026-11 can be closed' },
      because: ['30 of 30 days sealed, 1 of them with exceptions that are explained.'],
    });
  });

  it('is not judged by days before the start, and says how many those are', () => {
    const days = month(sealed(20, 30), { startsAt: '2026-11-20T00:00:00Z' });
    expect(days.days.map(({ day }) => day)[0]).toBe('2026-11-20');
    expect(closingOf(days, '2026-11', [])).toEqual({
      ...{ tone: 'good', answer: '2026-11 can be closed' },
      because: ['11 of 11 days sealed.', '19 days before the start of this mirror are left out.'],
    });
    const before = month([], { startsAt: '2026-12-01T00:00:00Z' });
    expect(closingOf(before, '2026-11', [])).toMatchObject({ tone: 'quiet', because: [] });
  });

  it('names what is not proven, not over and not covered, and counts none of it as sealed', () => {
    const days = month([certificate(1, 'not_covered'), ...sealed(2, 3), certificate(3, 'not_covered')], {
      now: '2026-11-06T10:00:00Z',
    });
    expect(days.days.slice(0, 7).map(({ look }) => look)).toEqual([
      ...['not_covered', 'sealed', 'not_covered', 'unproven', 'unproven', 'not_over', 'not_over'],
    ]);
    expect(closingOf(days, '2026-11', [])).toEqual({
      ...{ tone: 'attention', answer: '2026-11 cannot be closed yet' },
      because: [
        ...['1 of 30 days sealed.', '2 not covered: 01, 03.', '2 not proven yet: 04, 05.'],
        '25 not over yet: 06 to 30.',
      ],
    });
  });

  it('groups days by how they stand, and says what is open and what is broken', () => {
    const all = [
      certificate(1, 'open'),
      certificate(2, 'broken'),
      certificate(3, 'open'),
      certificate(4, 'sealed', true),
    ];
    const { tone, because } = closingOf(month([...all, ...sealed(5, 30)]), '2026-11', [
      { day: '2026-11-01', kind: 'parked', count: 2 },
      { day: '2026-11-03', kind: 'parked', count: 1 },
      { day: '2026-11-03', kind: 'unreadable', count: 1 },
      { day: '2026-11-02', kind: 'missing', count: 5 },
    ]);
    expect(tone).toBe('bad');
    expect(because).toEqual([
      ...['26 of 30 days sealed.', '1 broken: 02 (5 missing).', '2 open: 01, 03 (3 parked, 1 unreadable).'],
      '1 to be proven again: 04.',
    ]);
  });

  it('says days in stretches', () => {
    expect(daysText(['2026-11-01', '2026-11-02', '2026-11-04', '2026-11-05', '2026-11-06'])).toBe('01, 02, 04 to 06');
  });
});
