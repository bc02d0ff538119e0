/**
 * The API as its own document describes it: whatever is sent, every answer is one that the document allows, none is a fault of
 * the server, and every problem leads to an entry of the runbook.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { repairItems, repairs } from '../../src/db/schema/certificates.js';
import { addUpTotals } from '../../src/db/totals/add-up.js';
import { ODD_TEXTS } from '../support/fuzz/odd.js';
import { fuzzRuns } from '../support/fuzz/runs.js';
import { createReadsDatabase, insertPosting, insertRun, type ReadsDatabase } from '../support/reads-database.js';
import { ROOT } from '../support/source-files.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

interface Operation {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly parameters: ReadonlyArray<{ readonly name: string; readonly in: string; readonly schema: Schema }>;
  readonly answers: Readonly<Record<string, ValidateFunction>>;
}

interface Schema {
  readonly enum?: readonly string[];
  readonly format?: string;
  readonly type?: string;
}

const PLAN = '0193a003-0000-7000-8000-000000000001';
const RUN = '0193a001-0000-7000-8000-000000000001';
const runbook = readFileSync(join(ROOT, 'docs/runbook.md'), 'utf8');

let database: ReadsDatabase;
let stage: HttpStage;
let operations: Operation[];

beforeAll(async () => {
  database = await createReadsDatabase();
  stage = await startHttp(database);
  operations = await readOperations();
});
beforeEach(async () => {
  await database.empty();
  await fill();
});
afterAll(async () => {
  await stage.close();
  await database.drop();
});

async function fill(): Promise<void> {
  const { db } = database;
  await insertRun(db, { id: RUN, stored: 6, found: 6, startedAt: new Date('2026-11-02T00:00:00Z') });
  await insertRun(db, { id: RUN.replace(/1$/, '2'), state: 'failed', errorCode: 'stripe_unavailable', error: 'away' });
  for (const [index, state] of (['posted', 'pending', 'parked', 'parked'] as const).entries()) {
    await insertPosting(db, {
      ...{ reference: `pi_${index}`, firstRun: RUN, state, amount: 9_007_199_254_740_993n },
      ...(state === 'parked' ? { reason: 'conflict' as const, reasonDetail: '<b>&"\u0000'.replace('\u0000', '') } : {}),
      ...(state === 'posted' ? { transactionId: 'txn_1' } : {}),
    });
  }
  await addUpTotals(db);
  await db
    .insert(repairs)
    .values({ id: PLAN, fromDay: '2026-11-01', toDay: '2026-11-02', plannedBy: 'ann', version: 'test' });
  await db.insert(repairItems).values(
    [1, 2, 3].map((item) => ({
      ...{ repairId: PLAN, item, day: '2026-11-01', paymentId: `pi_${item}`, finding: 'missing' as const },
      ...{
        action: 'post' as const,
        reference: `pi_${item}`,
        currency: 'USD',
        amount: 2_500n,
        seen: [],
        detail: 'it is missing',
      },
      state: item === 3 ? ('done' as const) : ('planned' as const),
    })),
  );
}

async function readOperations(): Promise<Operation[]> {
  const document = (await (await fetch(`${stage.url}/api/openapi.json`)).json()) as {
    paths: Record<string, Record<string, never>>;
  };
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', ...document });
  return Object.entries<Record<string, never>>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Record<string, never>>(methods).map(([method, operation]) => {
      const pointer = `document#/paths/${path.replaceAll('/', '~1')}/${method}/responses`;
      const answers = Object.entries<{ content: Record<string, unknown> }>(operation.responses ?? {}).map(
        ([status, { content }]) => {
          const kind = (Object.keys(content)[0] ?? '').replaceAll('/', '~1');
          return [status, ajv.compile({ $ref: `${pointer}/${status}/content/${kind}/schema` })] as const;
        },
      );
      return {
        ...{
          method: method as 'get' | 'post',
          path,
          parameters: (operation.parameters ?? []) as Operation['parameters'],
        },
        answers: Object.fromEntries(answers),
      };
    }),
  );
}

async function expectAllowed({ answers, path }: Operation, answer: Response, sent: string): Promise<void> {
  const text = await answer.text();
  expect(answer.status, `${sent}: ${text}`).toBeLessThan(500);
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const validate = answers[isProblem ? 'default' : String(answer.status)];
  expect(validate, `${sent}: ${answer.status} is not described for ${path}`).toBeDefined();
  const body = JSON.parse(text);
  expect(validate?.(body), `${sent}: ${JSON.stringify(validate?.errors?.slice(0, 3))} ${text.slice(0, 400)}`).toBe(
    true,
  );
  if (!isProblem) return;
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(body.type).toBe(`/runbook#${body.code}`);
  expect(runbook.includes(`\`${body.code}\``), `${body.code} stands in the runbook`).toBe(true);
  expect(text).not.toMatch(/at .*\.(?:ts|js):\d+/);
}

const odd = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.integer().map(String),
);
const known = [
  'pi_0',
  'pi_2',
  PLAN,
  RUN,
  RUN.slice(0, 8),
  'txn_1',
  '2026-11-01',
  '2026-02-30',
  '0',
  '1',
  '100',
  '101',
  'USD',
  'true',
];

function drawnValue({ schema }: Operation['parameters'][number]): fc.Arbitrary<string> {
  const fitting = schema?.enum ?? known;
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fitting) }, { weight: 1, arbitrary: odd });
}

const drawnRequest = () =>
  fc.constantFrom(...operations).chain((operation) =>
    fc.record({
      operation: fc.constant(operation),
      parameters: fc.record(Object.fromEntries(operation.parameters.map((one) => [one.name, drawnValue(one)])), {
        requiredKeys: operation.parameters.filter(({ in: place }) => place === 'path').map(({ name }) => name),
      }),
      body: fc.oneof(
        fc.constantFrom(...BODIES),
        fc.json().map((text) => text),
        odd,
      ),
    }),
  );

const BODIES = [
  '{}',
  '{"kind":"backfill","from":"2026-11-01","to":"2026-11-02"}',
  '{"kind":"backfill","from":"never"}',
  '{"references":["pi_2","pi_none"]}',
  '{"reason":"conflict"}',
  '{"references":["pi_3"],"why":"refunded"}',
  '{"references":[],"why":""}',
  '{"from":"2026-11-01","to":"2026-11-02"}',
  '{"payment":"pi_2","why":"meant so","by":"ann"}',
  '{"confirm":{"items":1,"sums":[{"currency":"USD","amount_minor":"20425"}]}}',
  '{"references":["pi_3"],"why":"x","more":1}',
  '[]',
  'null',
  '{',
];

describe('whatever is sent', () => {
  const { timeout, settings } = fuzzRuns(400);
  it('the answer is one that the document allows', { timeout }, async () => {
    expect(operations.length).toBeGreaterThan(12);
    await fc.assert(
      fc.asyncProperty(drawnRequest(), async ({ operation, parameters, body }) => {
        const query = new URLSearchParams();
        let path = operation.path;
        for (const { name, in: place } of operation.parameters) {
          const value = (parameters as Record<string, string | undefined>)[name];
          if (value === undefined) continue;
          if (place === 'path')
            path = path.replace(`{${name}}`, encodeURIComponent(value === '' ? 'x' : value.toWellFormed()));
          else query.set(name, value);
        }
        const options =
          operation.method === 'post'
            ? { method: 'POST', body: body.toWellFormed(), headers: { 'content-type': 'application/json' } }
            : {};
        const address = `${stage.url}/api${path}?${query}`;
        await expectAllowed(operation, await fetch(address, options), `${operation.method} ${address} ${body}`);
        expect(stage.faults).toEqual([]);
      }),
      settings,
    );
  });
});

describe('the API', () => {
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at in their parts, and were checked against their schemas above
  type Body = any;
  const get = async (path: string): Promise<Body> => (await fetch(`${stage.url}/api/v1${path}`)).json();
  const post = async (path: string, body: unknown): Promise<Body> =>
    (
      await fetch(`${stage.url}/api/v1${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      })
    ).json();

  it('lists page after page by opaque cursors, each once', async () => {
    const found: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { data: { reference: string }[]; next_cursor: string | null } = await get(
        `/payments?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      found.push(...page.data.map(({ reference }) => reference));
      cursor = page.next_cursor;
    }
    expect(found.sort()).toEqual(['pi_0', 'pi_1', 'pi_2', 'pi_3']);
  });

  it('does not go on in another list', async () => {
    const { next_cursor: cursor } = await get('/payments?limit=1');
    expect(await get(`/runs?cursor=${cursor}`)).toMatchObject({
      status: 400,
      code: 'http_request_invalid',
      detail: expect.stringContaining('"payments"'),
    });
    expect(await get('/runs?cursor=nonsense')).toMatchObject({ status: 400 });
    // As of a list whose last payment is gone since.
    const gone = Buffer.from('payments pi_gone').toString('base64url');
    const { status, code, detail } = await get(`/payments?cursor=${gone}`);
    expect([status, code]).toEqual([400, 'cursor_unknown']);
    expect(detail).toMatch(/^The list cannot go on after "pi_gone"/);
    expect(detail).not.toContain('--');
  });

  it.each([
    ['/payments?status=parked', '/status', 'limit, cursor, q, state, reason, currency, from, to'],
    ['/runs?limit=2&state=failed', '/state', 'feed, status, trigger'],
    ['/days?currency=USD', '/currency', 'state'],
    ['/status?verbose=true', '/verbose', 'is none'],
  ])('%s names nothing to choose by: it is refused, with what is allowed', async (path, pointer, allowed) => {
    expect(await get(path)).toMatchObject({
      ...{ status: 400, code: 'http_request_invalid', detail: expect.stringContaining(allowed) },
      errors: [{ pointer }],
    });
  });

  it('takes codes of currencies in small letters too', async () => {
    expect((await get('/payments?currency=usd')).data).toHaveLength(4);
    expect((await get('/payments?currency=eur')).data).toHaveLength(0);
    const { data } = await get('/totals/daily?from=2026-11-01&to=2026-11-02&currency=usd');
    expect(data).toMatchObject([{ day: '2026-11-01', currency: 'USD' }]);
  });

  it('keeps every digit of an amount', async () => {
    const { data } = await get('/payments?q=pi_0');
    expect(data[0]).toMatchObject({ amount_minor: '9007199254740993', amount: '90071992547409.93' });
  });

  it('answers what `--json` does, with ok in the place of the exit code', async () => {
    expect(await get('/status')).toMatchObject({ state: 'not_started', ok: false, needs: expect.any(Array) });
  });

  it('decides, and may be asked again', async () => {
    const asked = { references: ['pi_2', 'pi_0', 'pi_none'], why: 'refunded by hand', by: 'ann' };
    const outcomes = (await post('/parked/dismiss', asked)).outcomes;
    expect(outcomes).toEqual([
      { reference: 'pi_2', outcome: 'dismissed' },
      { reference: 'pi_0', outcome: 'not_parked' },
      { reference: 'pi_none', outcome: 'unknown' },
    ]);
    expect((await post('/parked/dismiss', asked)).outcomes[0]).toEqual({
      reference: 'pi_2',
      outcome: 'already_dismissed',
    });
    expect((await get('/actions?subject=pi_2')).data[0]).toMatchObject({
      kind: 'dismiss',
      why: 'refunded by hand',
      origin: 'api',
    });
    expect(await get('/payments/pi_2')).toMatchObject({ state: 'dismissed', dismissed_by: 'ann' });
  });

  it('lists plans with what is left of them, and one of them item by item', async () => {
    const { data, current } = await get('/repairs');
    expect([data.length, current]).toEqual([1, null]);
    expect(data[0]).toMatchObject({
      ...{ id: PLAN, counts: { planned: 2, done: 1 } },
      left: { items: 2, sums: [{ currency: 'USD', amount_minor: '5000', amount: '50.00' }] },
    });
    const first = await get(`/repairs/${PLAN}?limit=2`);
    expect(first.data.map(({ item, standing }: Body) => [item, standing])).toEqual([
      [1, 'not_proven'],
      [2, 'not_proven'],
    ]);
    const rest = await get(`/repairs/${PLAN}?limit=2&cursor=${first.next_cursor}`);
    expect([rest.data.map(({ item }: Body) => item), rest.next_cursor]).toEqual([[3], null]);
    expect(await get(`/repairs/${RUN}`)).toMatchObject({ status: 404 });
  });

  it('asks neither side without keys, and says where it can be asked', async () => {
    const confirm = { items: 2, sums: [{ currency: 'USD', amount_minor: '5000' }] };
    for (const [path, body] of [
      ['/payments/pi_0/compare', {}],
      ['/repairs', {}],
      [`/repairs/${PLAN}/apply`, { confirm }],
    ] as const) {
      expect(await post(path, body)).toMatchObject({ status: 409, code: 'http_without_keys' });
    }
  });

  it('tells lanes and the progress of a run', async () => {
    expect((await get('/lanes')).data[0]).toMatchObject({ currency: 'USD', pending: 1, paused_since: null });
    expect(await get(`/runs/${RUN.slice(0, 35)}1/progress`)).toMatchObject({ id: RUN, pending: 1, parked: 2 });
  });

  it('proves no day that is not known whole', async () => {
    expect(await post('/days/prove', { from: '2026-11-01', to: '2026-11-02' })).toMatchObject({
      ...{ status: 422, code: 'days_not_provable', detail: expect.stringContaining('once it is over') },
    });
  });

  it('says why a difference cannot be accepted', async () => {
    expect(await post('/days/2026-11-01/accept', { payment: 'pi_2', why: 'meant so' })).toMatchObject({
      ...{ status: 409, code: 'nothing_to_accept' },
    });
  });

  it('asks for a sync and tells where to follow it', async () => {
    const before = stage.woken.length;
    expect(await post('/runs', {})).toMatchObject({ follow: '/api/v1/runs?feed=events&empty=true' });
    expect(stage.woken.length).toBe(before + 1);
  });

  it('has a window read again, up to now where no end is named', async () => {
    const asked = await post('/runs', { kind: 'backfill', from: '2026-11-01' });
    expect(asked).toMatchObject({
      run_id: RUN,
      window: { from: '2026-11-01T00:00:00.000Z' },
      follow: `/api/v1/runs/${RUN}`,
    });
    expect(Date.now() - Date.parse(asked.window.to)).toBeLessThan(60_000);
    expect(await post('/runs', { kind: 'backfill', from: '2099-01-01' })).toMatchObject({
      status: 422,
      code: 'window_unreadable',
    });
  });

  it.each([
    ['GET', '/api/v1/nothing', 404, null],
    ['DELETE', '/api/v1/runs', 405, 'GET, HEAD, POST'],
    ['PUT', '/api/v1/parked/retry', 405, 'POST'],
    ['POST', '/api/v1/status', 405, 'GET, HEAD'],
    ['DELETE', '/api/v1/payments/pi_1', 405, 'GET, HEAD'],
    ['GET', '/api/v1/payments/pi_1/compare', 405, 'POST'],
    ['PATCH', `/api/v1/repairs/${PLAN}`, 405, 'GET, HEAD'],
    ['DELETE', '/payments/pi_1', 405, 'GET, HEAD'],
  ])('%s %s is a problem document with %i, and says what is allowed', async (method, path, status, allowed) => {
    const answer = await fetch(`${stage.url}${path}`, { method, headers: { 'content-type': 'application/json' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
    expect(answer.headers.get('allow')).toBe(allowed);
    if (allowed !== null) expect(await answer.text()).toContain(`allowed is ${allowed}`);
  });

  it('takes no body above 64 KiB, and no header flood', async () => {
    const headers = { 'content-type': 'application/json' };
    const large = await fetch(`${stage.url}/api/v1/runs`, { method: 'POST', body: `"${'x'.repeat(70_000)}"`, headers });
    expect(large.status).toBe(413);
    const flood = await fetch(`${stage.url}/api/v1/status`, { headers: { 'x-flood': 'x'.repeat(20_000) } });
    expect(flood.status).toBe(431);
  });
});

it('a database that is away is 503, and says when to come back', async () => {
  const away = await createReadsDatabase();
  const broken = await startHttp(away);
  await away.drop();
  const answer = await fetch(`${broken.url}/api/v1/status`);
  expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, 5]);
  const page = await fetch(`${broken.url}/`, { headers: { accept: 'text/html' } });
  expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('http-equiv="refresh"')]);
  expect((await fetch(`${broken.url}/health/live`)).status).toBe(200);
  await broken.close();
});
