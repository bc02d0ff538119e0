/** How far work is, told while it goes on: a bar on a terminal, a plain line now and then elsewhere. */
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { createProgressView } from '../../src/cli/progress.js';
import { createStepsView } from '../../src/cli/steps-view.js';

describe('progress of a run', () => {
  const progress = { status: 'posting', found: 100, stored: 100, pending: 60, parked: 2, dismissed: 0 } as const;

  it('is a plain line every few seconds where there is no terminal', () => {
    const lines: string[] = [];
    let now = 0;
    const output = { print() {}, warn() {}, note: (line: string) => lines.push(line), columns: 0, errorTerminal: null };
    const view = createProgressView(output, () => now);
    for (; now <= 12_000; now += 500) view.update({ ...progress, pending: 60 - now / 500 });
    view.stop();
    expect(lines).toEqual([
      'posting: 40 of 100 stored payments settled, 60 left, 2 parked',
      'posting: 50 of 100 stored payments settled, 2/s, 50 left, about 25s, 2 parked',
      'posting: 60 of 100 stored payments settled, 2/s, 40 left, about 20s, 2 parked',
      'posting: 64 of 100 stored payments settled, 2/s, 36 left, about 18s, 2 parked',
    ]);
  });

  it('is a bar on a terminal', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    let now = 0;
    const output = { warn() {}, note() {}, columns: 120, errorTerminal: stream };
    const view = createProgressView(output, () => now);
    view.update(progress);
    now = 2_000;
    view.update({ ...progress, pending: 20 });
    view.stop();
    expect(String(stream.read())).toContain('80 of 100, 20/s, 20 left, about 1.0s, 2 parked');
  });

  it('says once that nobody has begun it', () => {
    const noted: string[] = [];
    const view = createProgressView({ warn() {}, note: (line) => noted.push(line), errorTerminal: null });
    view.waiting();
    view.waiting();
    expect(noted).toEqual(['Waiting for a worker to begin the run.']);
  });

  it('is not drawn over a line of warning', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const warn = (line: string) => stream.write(`${line}\n`);
    const view = createProgressView({ warn, note() {}, errorTerminal: stream }, () => 0);
    view.update(progress);
    view.warn('A part failed');
    view.update({ ...progress, pending: 20 });
    view.stop();
    expect(String(stream.read())).toMatch(/40 of 100.*\n.*A part failed\n.*80 of 100/s);
  });
});

describe('progress of a proof', () => {
  it('prints now and then which day it is, where nobody draws', () => {
    const warned: string[] = [];
    let nowMs = 0;
    const output = { print() {}, note: (line: string) => warned.push(line), columns: 0, errorTerminal: null };
    const view = createStepsView(output, () => nowMs);
    for (let done = 0; done < 4; done += 1) {
      view.onStep({ doing: `proving 2026-11-1${done}`, unit: 'days', done, all: 4 });
      nowMs += 3_000;
    }
    view.stop();
    expect(warned).toEqual(['proving 2026-11-12: 2 of 4 days done, 20.0/min, about 6.0s left']);
  });

  it('is told again while one step lasts, with how long it has', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const noted: string[] = [];
      let nowMs = 0;
      const view = createStepsView({ note: (line) => noted.push(line), errorTerminal: null }, () => nowMs);
      view.onStep({ doing: 'applying 0017_totals', unit: 'migrations', done: 0, all: 2 });
      for (; nowMs < 11_000; nowMs += 1_000) vi.advanceTimersByTime(1_000);
      view.stop();
      vi.advanceTimersByTime(60_000);
      expect(noted).toEqual([
        'applying 0017_totals: 0 of 2 migrations done, for 5.0s',
        'applying 0017_totals: 0 of 2 migrations done, for 10s',
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('prints rate and time left beside the bar', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    let nowMs = 0;
    const view = createStepsView({ note() {}, errorTerminal: stream }, () => nowMs);
    view.onStep({ doing: 'looking up', unit: 'parked payments', done: 0, all: 300 });
    nowMs = 2_000;
    view.onStep({ doing: 'looking up', unit: 'parked payments', done: 100, all: 300 });
    view.stop();
    expect(String(stream.read())).toMatch(/100 of 300 parked payments, 50\/s, about 4\.0s left/);
  });

  it('is a bar on a terminal, also where one kind of step follows another', () => {
    const stream = Object.assign(new PassThrough(), { isTTY: true, columns: 120 });
    const view = createStepsView({ note() {}, errorTerminal: stream });
    view.onStep({ doing: 'looking up', unit: 'parked payments', done: 0, all: 300 });
    view.onStep({ doing: 'reading', unit: 'payments', done: 3, all: 7 });
    view.stop();
    const drawn = String(stream.read());
    expect(drawn).toMatch(/looking up \[.*\] 0 of 300 parked payments/);
    expect(drawn).toMatch(/reading \[.*\] 3 of 7 payments/);
  });
});
