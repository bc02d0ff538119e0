/** Spans of a real worker, as a preloaded provider of OpenTelemetry sees them: of what, within what, and without anybody's data. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { ROOT } from '../support/source-files.js';

interface Recorded {
  readonly name: string;
  readonly within: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
}

const DAY_MS = 86_400_000;
const home = homes().find(({ name }) => name === 'postgres') ?? homes()[0];
const folder = mkdtempSync(join(tmpdir(), 'spans-'));
const file = join(folder, 'spans.jsonl');
const preload = `${pathToFileURL(join(ROOT, 'test/support/record-spans.mjs'))}?to=${file}`;
const variables = { NODE_OPTIONS: `--import ${preload}` };

let session: Session;
beforeAll(async () => {
  if (home === undefined) throw new Error('there is no home');
  const now = Math.floor(Date.now() / 1_000) * 1_000;
  const population = { size: 12, from: new Date(now - 5 * DAY_MS), to: new Date(now - 4 * DAY_MS) };
  session = await startSession(home, { population });
}, 60_000);
afterAll(async () => {
  await session.close();
  rmSync(folder, { recursive: true, force: true });
});

function spans(): Recorded[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Recorded);
}

it('spans are of runs, pages, chunks, look-ups and proofs, and name nobody', { timeout: 90_000 }, async () => {
  const worker = session.worker(variables);
  await session.untilSettled();
  await until('what ends after it is told', () => spans().some(({ name }) => name === 'post lane'));
  const day = new Date(Date.now() - 5 * DAY_MS).toISOString().slice(0, 10);
  await session.runProcess(['prove', '--from', day, '--to', day], variables);
  await session.blnk.close();
  session.stripe.succeed(session.stripe.createIntent({ kind: 'card_usd' }));
  await session.runProcess(['sync']);
  await until('one fails, and has a code', () =>
    spans().some(({ failed, attributes }) => failed && attributes['error.type'] === 'blnk_unavailable'),
  );
  worker.kill('SIGKILL');
  await worker.ended;

  const of = (wanted: string) => spans().filter(({ name }) => name === wanted);
  expect(of('read page').some(({ within }) => within === 'backfill part')).toBe(true);
  expect(of('store page')[0]?.attributes).toMatchObject({ stored: expect.any(Number), run: expect.any(String) });
  const [chunk] = of('post chunk');
  expect([chunk?.within, chunk?.attributes]).toEqual([
    'post lane',
    { postings: expect.any(Number), answer: 'applied' },
  ]);
  expect(of('look up')[0]?.attributes).toEqual({ references: expect.any(Number), rows: expect.any(Number) });
  const id = expect.stringMatching(/^[\da-f-]{36}$/);
  expect(of('sync')[0]?.attributes).toMatchObject({ trigger: 'startup', feed: 'events', run: id });
  expect(of('backfill part')[0]?.attributes).toEqual({ backfill: id });
  expect(of('prove day')[0]).toMatchObject({ attributes: { day, currencies: expect.any(Number) }, failed: false });

  const told = readFileSync(file, 'utf8');
  expect(told).not.toMatch(/pi_|cus_|txn_|sk_|rk_|evt_|@|http/);
  expect(told).not.toContain(session.blnk.cloudToken);
});
