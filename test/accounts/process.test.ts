/** A real worker with identities: what a dry run says is what is made, `status` shows it, and a second start makes nothing. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TIMINGS } from '../../src/app/timings.js';
import { asCore } from '../blnk-contract/sandbox-client.js';
import { homes } from '../support/homes.js';
import { population, type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const TIMEOUT_MS = 90_000;
const VARIABLES = { BLNK_IDENTITIES: 'ids', SYNC_START: '30d' };
const timings = { identities: { ...TIMINGS.identities, everyMs: 200 } };

let session: Session;
beforeAll(async () => {
  // A server that is there starts faster than one that is made.
  const home = homes().at(-1);
  if (home === undefined) throw new Error('there is no home');
  session = await startSession(home, { population: population(120) });
}, TIMEOUT_MS);
afterAll(() => session.close(), TIMEOUT_MS);

const made = () => session.blnk.requestCount('POST /identities');

async function untilLinked(): Promise<number> {
  const sql = await session.look();
  let linked = 0;
  await until('every customer is linked', async () => {
    // The walk is over: whoever was posted to is known.
    const [row] = await sql<{ linked: number; open: number; isWalked: boolean }[]>`
      select count(*) filter (where is_linked)::int as linked, count(*) filter (where not is_linked)::int as open,
        coalesce((select walked_to is null from stripe_blnk_sync.identity_progress), false) as "isWalked"
      from stripe_blnk_sync.identities`;
    linked = row?.linked ?? 0;
    return row?.isWalked === true && row.open === 0 && linked > 0;
  });
  return linked;
}

it(
  'makes as many identities as the dry run said, links every balance, and makes none at its second start',
  async () => {
    const planned = await session.run(['sync', '--dry-run', '--json'], VARIABLES);
    const { identities } = JSON.parse(planned.output) as { identities: number };
    expect((await session.run(['sync', '--dry-run'], VARIABLES)).output).toContain(
      `${identities} to be made in Blnk, each a record that the Cloud bills`,
    );
    expect(JSON.parse((await session.run(['sync', '--dry-run', '--json'])).output).identities).toBeNull();
    // Turned on later: the first worker posts, the second one catches up.
    const before = session.workerHere({ variables: { SYNC_START: '30d' } });
    await session.untilSettled();
    expect(made()).toBe(0);
    before.kill('SIGTERM');
    await before.ended;
    expect(JSON.parse((await session.run(['sync', '--dry-run', '--json'], VARIABLES)).output).identities).toBe(
      identities,
    );
    const worker = session.workerHere({ variables: VARIABLES, timings });
    await worker.untilLogged(/^mirroring every/);
    expect(await untilLinked()).toBe(identities);
    expect(made()).toBe(identities);
    const filters = [
      { field: 'indicator', operator: 'like', value: '@cus%' },
      { field: 'identity_id', operator: 'isnull' },
    ];
    expect((await asCore(session.blnk, { path: '/balances/filter', body: { filters } })).body).toBeNull();
    const status = await session.run(['status']);
    expect(status.output).toContain(`${identities} of ${identities} linked`);
    expect(JSON.parse((await session.run(['status', '--json'])).output).identities).toMatchObject({
      ...{ mode: 'ids', customers: identities, linked: identities, parked: [], failing: null },
    });
    worker.kill('SIGTERM');
    expect((await worker.ended).code).toBe(0);
    const again = session.workerHere({ variables: VARIABLES, timings });
    await again.untilLogged(/^mirroring every/);
    await untilLinked();
    expect(made()).toBe(identities);
    again.kill('SIGTERM');
    await again.ended;
  },
  TIMEOUT_MS,
);
