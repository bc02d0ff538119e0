/** What people read and type: errors in one line, times and durations. */
import { describe, expect, it } from 'vitest';
import { describeError, SyncError } from '../../src/core/base/errors.js';
import {
  formatCount,
  formatDuration,
  formatTime,
  parseDuration,
  parseMoment,
  resolveMoment,
} from '../../src/core/base/time-text.js';
import { laneName } from '../../src/core/posting/posting.js';

describe('an error in words', () => {
  it('lists its causes, outermost first, each once', () => {
    const root = new Error('connect ECONNREFUSED 127.0.0.1:5432');
    const middle = new Error('the pool failed', { cause: root });
    const outer = new SyncError('The database does not answer', {
      kind: 'transient',
      code: 'database_unreachable',
      cause: middle,
    });
    expect(describeError(outer)).toBe(
      'The database does not answer: the pool failed: connect ECONNREFUSED 127.0.0.1:5432',
    );
    expect(describeError(new Error('it says: boom', { cause: new Error('boom') }))).toBe('it says: boom');
  });

  it('lists all of several, and things that are no errors', () => {
    expect(describeError(new AggregateError([new Error('::1 refused'), new Error('127.0.0.1 refused')]))).toBe(
      '::1 refused; 127.0.0.1 refused',
    );
    expect(describeError(new AggregateError([new Error('inner')], 'outer'))).toBe('outer');
    expect(describeError('plain text')).toBe('plain text');
    expect(describeError(undefined)).toBe('');
    expect(describeError(new Error('', { cause: 'why' }))).toBe('why');
  });

  it('ends, though causes go round', () => {
    const one: Error & { cause?: unknown } = new Error('one');
    one.cause = new Error('two', { cause: one });
    expect(describeError(one)).toBe('one: two');
  });

  it('keeps what an error is for', () => {
    const error = new SyncError('slow down', { kind: 'transient', code: 'stripe_rate_limited', retryAfterMs: 500 });
    expect(error).toMatchObject({
      name: 'SyncError',
      kind: 'transient',
      code: 'stripe_rate_limited',
      retryAfterMs: 500,
    });
    expect(error.cause).toBeUndefined();
    expect('cause' in error).toBe(false);
  });
});

describe('a duration', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['30d', 2_592_000_000],
    ['1h30m', 5_400_000],
    ['1d1h1m1s', 90_061_000],
  ])('typed as %s is %d ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  it.each(['', '0s', '10', 'm', '-5m', '1.5h', '5 m', '10x', '1w', '10M', 'h1', '1e3s', '٣s'])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it.each([
    [0, '0.0s'],
    [-5, '0.0s'],
    [420, '0.4s'],
    [1_249, '1.2s'],
    [9_999, '10.0s'],
    [10_000, '10s'],
    [65_000, '1m 5s'],
    [600_000, '10m'],
    [605_000, '10m 5s'],
    [3_600_000, '1h'],
    [3_605_000, '1h'],
    [86_400_000 + 59_000, '1d'],
    [97_200_000, '1d 3h'],
    [97_200_000 + 59_000, '1d 3h'],
  ])('of %d ms reads %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});

describe('a time', () => {
  const now = new Date('2026-06-01T12:00:00Z');
  const resolved = (text: string) => {
    const moment = parseMoment(text);
    return moment === undefined ? undefined : resolveMoment(moment, now).toISOString();
  };

  it.each([
    ['now', '2026-06-01T12:00:00.000Z'],
    ['30d', '2026-05-02T12:00:00.000Z'],
    ['2026-05-01', '2026-05-01T00:00:00.000Z'],
    ['2026-05-01T10:30', '2026-05-01T10:30:00.000Z'],
    ['2026-05-01 10:30:15', '2026-05-01T10:30:15.000Z'],
    ['2026-05-01T10:30:15.5Z', '2026-05-01T10:30:15.500Z'],
    ['2026-05-01T10:30:15.250Z', '2026-05-01T10:30:15.250Z'],
    ['2026-05-01T10:30:15+02:00', '2026-05-01T08:30:15.000Z'],
    ['2026-05-01T10:30:00+02:00', '2026-05-01T08:30:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ])('typed as %s is %s', (text, time) => {
    expect(resolved(text)).toBe(time);
  });

  it.each([
    '',
    'yesterday',
    '2026-02-30',
    '2026-02-29',
    '2026-13-01',
    '2026-05-01T25:00',
    '2026-5-1',
    '01.05.2026',
    '2026-05-01T10',
    '2026-05-01Tnow',
    '1700000000',
  ])('%j is none', (text) => {
    expect(resolved(text)).toBeUndefined();
  });

  it.each(['999999999d', '300000000d1s'])('%s ago is before all time, and so is none', (text) => {
    expect(resolved(text)).toBeUndefined();
  });

  it('is shown in UTC, to the second', () => {
    expect(formatTime(new Date('2026-05-01T10:30:15.999Z'))).toBe('2026-05-01 10:30:15');
    expect(formatTime(null)).toBe('');
  });
});

describe('names and numbers', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1_000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('%d reads %s', (count, text) => {
    expect(formatCount(count)).toBe(text);
  });

  it('name a lane so that two never share a name', () => {
    expect(laneName({ currency: 'USD', source: '@a:b' })).toBe('USD:@a:b');
  });
});
