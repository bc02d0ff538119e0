/** Events: what they are called and document, what is said when, and what of it is a repeat. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandEnvironment, wantsColours } from '../../src/app/commands/command-environment.js';
import { createEvents, listEvents } from '../../src/observability/events.js';
import { createOutages } from '../../src/observability/outages.js';
import { createTally } from '../../src/observability/tally.js';
import { ROOT, sourceFiles } from '../support/source-files.js';

const MINUTE_MS = 60_000;

/** Lines as they are written, on a clock that stands still. */
function openLog() {
  const state = { nowMs: 0, lines: [] as Array<Record<string, unknown>> };
  const at = (level: string) => (fields: object, msg: string) => void state.lines.push({ level, ...fields, msg });
  const log = { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
  const monotonicMs = () => state.nowMs;
  return Object.assign(state, { monotonicMs, events: createEvents(log, monotonicMs) });
}

const codesOf = (log: ReturnType<typeof openLog>) => log.lines.map(({ event }) => event);

it('the log for people has no colours where NO_COLOR or TERM=dumb ask for none, and has them where FORCE_COLOR does', () => {
  const asked = [{}, { NO_COLOR: '' }, { TERM: 'xterm' }, { NO_COLOR: '1' }, { TERM: 'dumb' }, { FORCE_COLOR: '0' }];
  const forced = { NO_COLOR: '1', TERM: 'dumb', FORCE_COLOR: '1' };
  expect([...asked, forced].map((variables) => wantsColours(variables, { isTerminal: true }))).toEqual([
    ...[true, true, true, false, false, false],
    true,
  ]);
});

describe('the document of events', () => {
  const text = readFileSync(join(ROOT, 'docs/events.md'), 'utf8');

  it('has every event with its level, fields, meaning and what to do, and no other', () => {
    const rows = text.split('\n').filter((line) => /^\| `[a-z_]+` \|/.test(line));
    const expected = listEvents().map(({ code, level, meaning, whatToDo, fields }) => {
      const listed = fields.map(([name, holds]) => `\`${name}\`: ${holds}`).join('<br>');
      return `| \`${code}\` | ${level} | ${meaning} | ${whatToDo} | ${listed === '' ? '–' : listed} |`;
    });
    expect(rows).toEqual(expected);
  });

  it('has codes of small letters', () => {
    for (const { code } of listEvents()) expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
  });
});

/** One value for each field of all events; a field of another name has to be added here. */
const SAMPLES: Readonly<Record<string, unknown>> = {
  ...{ error: 'the wire was cut', code: 'blnk_unavailable', faults: ['the wire was cut', 'no memory'] },
  ...{ reason: 'conflict', detail: 'amount is 1', because: 'one was late', what: '2 missing', text: 'it was fixed' },
  ...{ lane: 'USD:@stripe', job: 'lane', step: 'claims', reference: 'pi_1', day: '2026-11-18', state: 'open' },
  ...{ days: ['2026-11-18'], count: 1, keys: ['USD:@stripe'], needs: [], to: new Date(0), since: new Date(0) },
  ...{ address: 'http://127.0.0.1:3000', path: '/runs' },
  ...{ severity: 'info', server: 'stripe', permission: 'events', sentence: 'Complete.', run: '01a1fe54-41ef-7768' },
};
/** Without them a person at a terminal would know that something happened, and not why, or to what. */
const NEEDED = ['error', 'faults', 'reason', 'detail', 'because', 'what', 'text', 'lane', 'job', 'step', 'day'];

it('every event states in its sentence why it happened, and to what', () => {
  for (const { code, fields } of listEvents()) {
    const names = fields.map(([name]) => name);
    const sample = Object.fromEntries(names.map((name) => [name, SAMPLES[name] ?? 7]));
    const log = openLog();
    const name = code.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
    (log.events as unknown as Record<string, (fields: object) => void>)[name]?.(sample);
    const [line] = log.lines;
    const needed = names.filter((one) => NEEDED.includes(one) || (one === 'code' && names.includes('error')));
    for (const field of needed.flatMap((one) => SAMPLES[one])) expect(line?.msg, code).toContain(field);
    // What programs read stays beside it.
    expect(line).toMatchObject({ event: code, ...(code === 'verdict_changed' ? {} : sample) });
  }
});

describe('the log for people', () => {
  const lines = async (fields: object, message: string, columns: number) => {
    const written: string[] = [];
    const standardOutput = { write: (text: string) => written.push(text), isTTY: true, columns };
    const log = await commandEnvironment({
      ...{ variables: { NO_COLOR: '1' }, directory: '/', userName: 'ada', exit: () => {} },
      ...{ standardOutput, standardError: { write: () => true }, signal: new AbortController().signal },
    }).log('info');
    log.warn(fields, message);
    return written
      .join('')
      .replace(/^\d\d:\d\d:\d\dZ/, '10:00:00Z')
      .split('\n');
  };

  it('is the sentence of each event, and nothing else', async () => {
    const said = await lines(
      { event: 'outage_began', server: 'blnk', error: 'HTTP 503' },
      'Blnk is away: HTTP 503',
      80,
    );
    expect(said).toEqual(['10:00:00Z WARN   Blnk is away: HTTP 503', '']);
  });

  it('breaks a long one between words, beneath its beginning, and a command stays whole', async () => {
    const said = await lines({}, 'one two three four five. See: stripe-blnk-sync parked list', 40);
    expect(said).toEqual([
      '10:00:00Z WARN   one two three four',
      '                 five. See:',
      '                 stripe-blnk-sync parked list',
      '',
    ]);
  });
});

it('nothing but events is written to the log', () => {
  const found = sourceFiles('src')
    .filter(({ path }) => !path.startsWith('src/observability/'))
    .filter(({ text }) => /\blog\.(error|warn|info|debug)\(/.test(text));
  expect(found.map(({ path }) => path)).toEqual([]);
});

describe('an event', () => {
  it('is one line with its code, level, fields and sentence', () => {
    const log = openLog();
    log.events.outageEnded({ server: 'postgresql', forMs: 12_300 });
    const msg = 'PostgreSQL is back, after 12s';
    expect(log.lines).toEqual([{ level: 'info', event: 'outage_ended', server: 'postgresql', forMs: 12_300, msg }]);
  });

  it('of a fault is counted when it comes again, and said again after a minute with its count', () => {
    const log = openLog();
    const fail = (error: string) => log.events.jobFailed({ job: 'lane', code: 'blnk_unavailable', error });
    for (const error of ['503', '503', '504', '503']) fail(error);
    expect(log.lines.map(({ error, repeats }) => [error, repeats])).toEqual([
      ['503', undefined],
      ['504', undefined],
    ]);
    log.nowMs = MINUTE_MS;
    fail('503');
    expect(log.lines.at(-1)).toMatchObject({ error: '503', repeats: 2 });
    expect(log.lines.at(-1)?.msg).toMatch(/blnk_unavailable: 503 \(2 times since it was said last\)$/);
  });

  it('of an answer of Stripe that differs in nothing but its request id is a repeat', () => {
    const log = openLog();
    for (const id of ['req_a1', 'req_b2']) {
      const error = `Stripe answered HTTP 500 (request ${id}) (charges)`;
      log.events.stripeAskedAgain({ endpoint: 'charges', attempt: 1, delayMs: 10, error });
    }
    expect(log.lines).toHaveLength(1);
  });

  it('of one lane is no repeat of the same of another, nor of one that was over', () => {
    const log = openLog();
    const pause = (lane: string) => log.events.lanePaused({ lane, error: '503', pauseMs: 100 });
    for (const lane of ['USD:@stripe', 'USD:@stripe', 'EUR:@stripe']) pause(lane);
    expect(log.lines).toHaveLength(2);
    log.events.laneResumed({ lane: 'USD:@stripe', forMs: 100 });
    for (const lane of ['USD:@stripe', 'EUR:@stripe']) pause(lane);
    expect(log.lines.slice(2).map(({ event, lane }) => [event, lane])).toEqual([
      ['lane_resumed', 'USD:@stripe'],
      ['lane_paused', 'USD:@stripe'],
    ]);
  });

  it('of what keeps a queue from delivering states what differs', () => {
    const log = openLog();
    for (const fault of ['READONLY', 'READONLY', 'timeout']) log.events.queueUnhealthy({ faults: [fault] });
    expect(log.lines.map(({ faults }) => faults)).toEqual([['READONLY'], ['timeout']]);
    log.events.queueHealthy({});
    log.events.queueUnhealthy({ faults: ['READONLY'] });
    expect(log.lines).toHaveLength(4);
  });
});

describe('an outage', () => {
  const open = () => {
    const log = openLog();
    return Object.assign(log, { outages: createOutages({ ...log.events, monotonicMs: log.monotonicMs }) });
  };

  it('is told once when it begins, and with its length when it ends', () => {
    const log = open();
    for (log.nowMs = 0; log.nowMs < 10_000; log.nowMs += 500) log.outages.failed('stripe', 'HTTP 503');
    log.outages.answered('stripe');
    log.outages.answered('stripe');
    expect(log.lines).toMatchObject([
      { event: 'outage_began', level: 'warn', server: 'stripe', error: 'HTTP 503' },
      { event: 'outage_ended', level: 'info', server: 'stripe', forMs: 10_000 },
    ]);
  });

  it('that follows another within a minute is told as well', () => {
    const log = open();
    for (let round = 0; round < 2; round += 1) {
      for (const afterMs of [0, 2_000]) {
        log.nowMs += afterMs;
        log.outages.failed('blnk', 'no answer');
      }
      log.outages.answered('blnk');
    }
    expect(codesOf(log)).toEqual(['outage_began', 'outage_ended', 'outage_began', 'outage_ended']);
  });

  it('of one server is none of another, and a request that fails between answers is none', () => {
    const log = open();
    log.outages.failed('queue', 'refused');
    for (log.nowMs = 0; log.nowMs < 10_000; log.nowMs += 1_000) {
      log.outages.failed('postgresql', 'reset');
      log.outages.answered('postgresql');
    }
    log.outages.failed('queue', 'refused');
    expect(log.lines).toMatchObject([{ event: 'outage_began', server: 'queue' }]);
  });

  it('in which nothing was asked for two seconds is told when it is over, and one failure is none', () => {
    const log = open();
    for (const failures of [1, 2]) {
      for (let count = 0; count < failures; count += 1) log.outages.failed('postgresql', 'reset');
      log.nowMs += 5_000;
      log.outages.answered('postgresql');
    }
    expect(log.lines).toMatchObject([{ event: 'outage_began' }, { event: 'outage_ended', forMs: 5_000 }]);
  });
});

describe('payments', () => {
  const open = () => {
    const log = openLog();
    return Object.assign(log, { tally: createTally(log.events, log.monotonicMs) });
  };
  const parking = (reference: string, reason = 'wrong_livemode') => ({ reference, reason, detail: `of ${reference}` });

  it('that are parked are told at once by reason, then as a sum a minute later, however many there are', () => {
    const log = open();
    log.tally.parked([parking('pi_1'), parking('pi_2'), parking('pi_3', 'conflict')]);
    for (let page = 0; page < 50; page += 1) log.tally.parked([parking(`pi_a${page}`), parking(`pi_b${page}`)]);
    log.tally.flush();
    log.nowMs += MINUTE_MS;
    log.tally.flush();
    log.tally.flush({ all: true });
    expect(
      log.lines.map(({ event, level, reason, payments, reference }) => [event, level, reason, payments, reference]),
    ).toEqual([
      ['parked', 'warn', 'wrong_livemode', 2, 'pi_1'],
      ['parked', 'warn', 'conflict', 1, 'pi_3'],
      ['parked', 'warn', 'wrong_livemode', 100, 'pi_a0'],
    ]);
  });

  it('that are posted are told as a sum once a minute, and at the end', () => {
    const log = open();
    for (let chunk = 0; chunk < 10; chunk += 1) log.tally.posted(100, chunk === 0 ? 3 : 0);
    log.tally.flush();
    expect(log.lines).toEqual([]);
    log.nowMs += MINUTE_MS;
    log.tally.flush();
    log.tally.flush();
    log.tally.posted(7, 0);
    log.tally.flush({ all: true });
    expect(log.lines).toMatchObject([
      { event: 'payments_posted', payments: 1_000, alreadyThere: 3, overMs: MINUTE_MS },
      { event: 'payments_posted', payments: 7, alreadyThere: 0 },
    ]);
  });
});
