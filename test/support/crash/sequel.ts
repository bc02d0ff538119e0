/**
 * Commands that are killed at a named point and run again: a repair of rows that vanished from the ledger, and a rebuild of
 * a lost database.
 */
import { expect } from 'vitest';
import type { Home } from '../homes.js';
import type { CommandEnd } from '../process/command.js';
import { openPlace } from '../process/session.js';
import { expectMirrored } from '../process/truth.js';
import { until } from '../process/wait.js';
import { runUnhurried } from './command.js';
import type { RoundPlan } from './plan.js';
import { expectProven } from './proof.js';
import { untilQuiet } from './quiet.js';
import type { CrashProcess, CrashStage } from './stage.js';

const DAMAGED = 3;
const STANDS_WITHIN_MS = 60_000;
const CLOCKS_AGREE_WITHIN_MS = 3 * 60_000;

/** @returns whether the command was killed where it was to be */
export async function playSequel(plan: RoundPlan, stage: CrashStage, home: Home): Promise<boolean> {
  return plan.sequel === 'repair' ? repairAfterKill(plan, stage) : rebuildAfterKill(plan, { stage, home });
}

async function repairAfterKill(plan: RoundPlan, stage: CrashStage): Promise<boolean> {
  const { session, variables } = stage;
  const closedBefore = session.stripe.clock.now().toISOString().slice(0, 10);
  const posted = [...session.stripe.expected()].filter(
    ({ expected, created }) => expected.outcome === 'posted' && created.toISOString() < closedBefore,
  );
  const damaged = posted.slice(0, DAMAGED);
  await loseRows(
    stage,
    damaged.map(({ id }) => id),
  );
  const days = damaged.map(({ created }) => created.toISOString().slice(0, 10)).sort();
  const prove = () => runUnhurried(['prove', '--json', '--from', days[0] ?? '', '--to', days.at(-1) ?? ''], variables);
  expect((await prove()).code).toBe(1);
  const planned = await runUnhurried(['repair', 'plan', '--json'], variables);
  const { items: planItems }: { items: readonly { action: string }[] } = JSON.parse(planned.output).plan;
  expect(planItems.filter(({ action }) => action === 'post').length, planned.output).toBe(damaged.length);

  const command = stage.command(['repair', 'apply'], { point: 'repair.item_done', nth: plan.sequelNth });
  const isHit = await killStanding(command);
  const sql = await session.look();
  const items = await sql<{ state: string }[]>`select state from stripe_blnk_sync.repair_items where action = 'post'`;
  if (isHit) expect(items.filter(({ state }) => state === 'planned').length).toBe(DAMAGED - plan.sequelNth);
  if (isHit) expectDone(await runUnhurried(['repair', 'apply'], variables));
  const worker = stage.worker();
  await untilQuiet(stage, worker);
  worker.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  await expectProven(session.stripe, variables);
  return isHit;
}

/** As a ledger that was restored from a backup lacks them. */
async function loseRows({ session, realCore }: CrashStage, references: readonly string[]): Promise<void> {
  if (realCore !== null) return realCore.loseRows(references);
  for (const reference of references) expect(session.blnk.deleteTransaction(reference)).toBe(true);
}

/** A new, empty home, and the same vendors. */
async function rebuildAfterKill(
  plan: RoundPlan,
  { stage, home }: { readonly stage: CrashStage; readonly home: Home },
): Promise<boolean> {
  const { clock } = stage.session.stripe;
  // Added payments move Stripe's clock ahead; a rebuild reads no further than the machine's clock agrees.
  await until('the machine has the time of Stripe', () => Date.now() >= clock.now().getTime(), {
    timeoutMs: CLOCKS_AGREE_WITHIN_MS,
  });
  const place = await openPlace(home);
  try {
    const variables = { ...place.variables, ...(await stage.realCore?.asIfAlone()) };
    const stand = { point: 'rebuild.page_stored', nth: plan.sequelNth } as const;
    const before = await stage.session.look();
    const [began] = await before<{ day: string }[]>`
      select to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD') as day from stripe_blnk_sync.mirror`;
    // By itself it begins with the ledger's oldest day: what was parked on a day before that would not be found again.
    const words = ['rebuild', '--yes', '--from', began?.day ?? ''];
    const isHit = await killStanding(stage.command(words, stand, variables));
    if (isHit) expectDone(await runUnhurried(words, { ...stage.variables, ...variables }));
    const sql = await place.look();
    const [row] = await sql`
      select count(*)::int as postings, count(*) filter (where state = 'pending')::int as pending from stripe_blnk_sync.postings`;
    const [wanted] = await before`select count(*)::int as postings, 0 as pending from stripe_blnk_sync.postings`;
    expect(row).toEqual(wanted);
    const { stripe } = stage.session;
    const blnk = stage.realCore === null ? stage.session.blnk : await stage.realCore.read();
    await expectMirrored({ stripe, blnk, look: place.look });
    return isHit;
  } finally {
    await place.close();
  }
}

/** False when it ended before it came to stand; then it did all its work. */
async function killStanding(command: CrashProcess): Promise<boolean> {
  await until('the command stands', () => command.standsAt() !== null || !command.isAlive(), {
    timeoutMs: STANDS_WITHIN_MS,
    explain: () => command.output() + command.errors(),
  });
  if (command.standsAt() === null) {
    expectDone(await command.ended);
    return false;
  }
  command.kill('SIGKILL');
  await command.ended;
  return true;
}

function expectDone({
  code,
  output,
  errors,
}: Pick<CommandEnd, 'output' | 'errors'> & { readonly code: number | null }) {
  expect(code, output + errors).toBe(0);
}
