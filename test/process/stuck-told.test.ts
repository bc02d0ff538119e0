/**
 * The same three, in a real worker process with shorter waits: what a person who is woken at night reads in `status`, the
 * lists, the run and the log. Which payment, since when, why, and what to do.
 */
import { afterEach, expect, it } from 'vitest';
import { PROVEN_AGAIN } from '../../src/views/decision-text.js';
import { homes } from '../support/homes.js';
import { runCommand } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const all = homes();
const home = all.find(({ name }) => name === 'postgres') ?? all[0];

let session: Session;
afterEach(() => session.close());

/** What a list or a table has about one payment, in one line of it. */
function lineAbout(text: string, word: string): string {
  return text.split('\n').find((line) => line.includes(word)) ?? '';
}

it('a person is told of each, and of nothing once it is over', { timeout: 120_000 }, async () => {
  if (home === undefined) throw new Error('there is no home to test on');
  session = await startSession(home);
  const { stripe, blnk, variables } = session;
  const pay = (kind: string, count: number) =>
    Array.from({ length: count }, () => stripe.createIntent({ kind, moves: [{ move: 'succeed' }] }));
  const read = (...words: string[]) => runCommand(words, variables);
  const worker = session.workerHere({ variables: { SYNC_EVERY: '1s' }, timings: { finalAfterMs: 3_000 } });
  await worker.untilLogged(/^mirroring/, 60_000);
  // Stored and not posted yet, because Core is to refuse one: a transaction without its description.
  const closed = blnk.faults.add({ effect: 'status', status: 503, route: 'POST /balances/filter' });
  const slow = pay('currency_eur', 1)[0] ?? '';
  const refused = pay('card_usd', 1)[0] ?? '';
  const hot = pay('currency_jpy', 3);
  const others = [...pay('card_usd', 30), ...pay('currency_eur', 30)];
  const timeOut = blnk.faults.add({
    ...{ effect: 'status', status: 504, body: 'html', route: 'posts', contains: `"reference":"${slow}"` },
  });
  const lock = blnk.faults.add({ effect: 'locked', route: 'posts', contains: '"currency":"JPY"' });
  const sql = await session.look();
  const stored = async () => (await sql`select from stripe_blnk_sync.postings`).count === others.length + 5;
  await until('all are stored', stored, { timeoutMs: 60_000, explain: () => worker.output() });
  await sql`update stripe_blnk_sync.postings set prepared = replace(prepared, '"description":', '"not_described":') where reference = ${refused}`;
  closed.remove();

  const stateOf = async (id: string) =>
    (await sql`select state from stripe_blnk_sync.postings where reference = ${id}`)[0]?.state;
  const posted = async (ids: readonly string[]) =>
    (await sql`select from stripe_blnk_sync.postings where state = 'posted' and reference = any(${[...ids]})`).count ===
    ids.length;
  const explain = () => worker.output();
  await until('the others are posted', () => posted(others), { timeoutMs: 60_000, explain });
  await until('the refused one is parked', async () => (await stateOf(refused)) === 'parked', { explain });
  await until('the lane was tried', () => lock.hits > 3, { explain });

  // Parked: which, why and what to do, in the list, on the payment, in the run, in the log.
  const list = await read('parked', 'list');
  expect(lineAbout(list.output, refused)).toMatch(/refused_by_blnk.*description/);
  expect(list.output).toMatch(
    /refused_by_blnk: Read why Blnk refuses it with: stripe-blnk-sync parked show\. Remove the cause, then run: stripe-blnk-sync parked retry\./,
  );
  const shown = await read('parked', 'show', refused);
  expect(shown.output).toMatch(/detail +.*description/);
  expect(shown.output).toMatch(/what to do +Read why/);
  expect(shown.output).toMatch(/last attempt +20\d\d-.*\(UTC\)/);
  const [first] = await sql<
    { run: string }[]
  >`select first_run::text as run from stripe_blnk_sync.postings where reference = ${refused}`;
  const run = await read('run', first?.run ?? '');
  expect(run.output).toMatch(/status +posting: all are stored, \d+ still to be posted/);
  expect((await read('run', first?.run ?? '', '--state', 'parked')).output).toContain(refused);
  const parkedLine = await worker.untilLogged(/^parked: a person has to decide/);
  expect(parkedLine).toMatchObject({ level: 40, reason: 'refused_by_blnk', reference: refused, payments: 1 });
  expect(String(parkedLine.detail)).toMatch(/description/);

  // Half an hour later: the times are put back, because nobody waits for them here.
  await sql`update stripe_blnk_sync.postings set doubt_since = now() - interval '31 minutes' where reference = ${slow}`;
  await sql`update stripe_blnk_sync.lane_pauses set since = now() - interval '31 minutes' where currency = 'JPY'`;
  const status = await read('status');
  expect(status.code).toBe(1);
  const needs = status.output.split('\n').filter((line) => line.startsWith('!'));
  expect(lineAbout(needs.join('\n'), '! 1 parked')).toMatch(
    /Blnk refuses this transaction for good\. Run: .* parked list --reason refused_by_blnk/,
  );
  const unresolved = lineAbout(needs.join('\n'), '! 1 unresolved');
  expect(unresolved).toMatch(/The oldest since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC: .*504/);
  expect(unresolved).toMatch(new RegExp(`Run: .* parked show ${slow}$`));
  expect(lineAbout(needs.join('\n'), 'in JPY has made no progress')).toMatch(
    /since 20\d\d-.*: .*lock.* It is retried automatically/,
  );
  expect(lineAbout(needs.join('\n'), 'in USD has made no progress')).toBe('');
  const doubted = await read('parked', 'show', slow);
  expect(doubted.output).toMatch(/state +pending, in doubt for more than 15 minutes/);
  expect(doubted.output).toMatch(/next attempt +20/);
  expect(doubted.output).toMatch(/last error +504/);

  // The levels: nothing here stops the worker, and a person is not flooded.
  const levels = worker.log().flatMap(({ level, event }) => (event === 'verdict_changed' ? [] : [level]));
  expect(levels.filter((level) => level >= 50)).toEqual([]);
  expect(
    worker
      .log()
      .filter(({ event }) => event === 'lane_paused')
      .map(({ lane }) => lane),
  ).toEqual(expect.arrayContaining(['JPY:@stripe', 'EUR:@stripe']));

  // Over: each goes on by itself, but for the one that a person has to decide about.
  lock.remove();
  timeOut.remove();
  await until('both are posted', () => posted([slow, ...hot]), { timeoutMs: 60_000, explain });
  expect([...blnk.transactions()].filter(({ reference }) => reference === slow)).toHaveLength(1);
  expect([...blnk.transactions()]).toHaveLength(others.length + 4);
  await worker.untilLogged(/^posting to the lane \S+ goes on/);
  const after = await read('status');
  expect(after.output.split('\n').filter((line) => line.startsWith('!'))).toEqual([
    expect.stringMatching(/^! 1 parked/),
  ]);
  expect((await read('run', first?.run ?? '')).output).toMatch(/status +attention: 1 parked/);
  const dismissed = await read('parked', 'dismiss', refused, '--why', 'booked by hand');
  expect([dismissed.code, dismissed.output]).toEqual([
    0,
    `${refused} is dismissed: it stays out of the ledger.\n${PROVEN_AGAIN}\n`,
  ]);
  const calm = await read('status');
  expect([calm.code, calm.output.split('\n').filter((line) => line.startsWith('!'))]).toEqual([0, []]);
});
