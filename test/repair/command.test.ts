/** `prove`, `repair plan`, `repair apply`, `prove` as a person types them, with a running worker that posts what is owed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homes } from '../support/homes.js';
import { runCommand, withoutProgress } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';

const TIMEOUT_MS = 120_000;
const DAY_MS = 86_400_000;

describe.each(homes().slice(-1))('repairing by commands on $name', (home) => {
  let session: Session;
  let day: string;
  const ids: string[] = [];

  beforeAll(async () => {
    session = await startSession(home);
    day = new Date(session.stripe.clock.nowMs() - 4 * DAY_MS).toISOString().slice(0, 10);
    for (let index = 0; index < 30; index += 1) {
      const created = new Date(Date.parse(`${day}T08:00:00Z`) + index * 1_000);
      const moves = [{ move: 'succeed' as const, at: created }];
      ids.push(
        session.stripe.createIntent({ created, moves, amount: 2_000 + index, currency: 'usd', customer: 'cus_1' }),
      );
    }
    session.workerHere();
    await session.untilSettled();
  }, TIMEOUT_MS);
  afterAll(() => session.close(), TIMEOUT_MS);

  it(
    'repairs a damaged ledger, and says at each step what comes next',
    async () => {
      const nothing = await session.run(['repair', 'plan']);
      expect([nothing.code, nothing.output, nothing.errors]).toEqual([0, expect.stringMatching(/ prove$/m), '']);
      const none = await session.run(['repair', 'apply']);
      expect([none.code, none.errors]).toEqual([1, expect.stringContaining('repair_plan_unknown')]);

      const [lost = '', altered = ''] = ids;
      session.blnk.deleteTransaction(lost);
      session.blnk.alterTransaction(altered, { preciseAmount: 1n });
      const broken = await session.run(['prove', '--from', day, '--to', day]);
      expect([broken.code, broken.output]).toEqual([1, expect.stringContaining('broken')]);

      const plan = await session.run(['repair', 'plan']);
      expect([plan.code, withoutProgress(plan.errors)]).toEqual([0, '']);
      expect(plan.output).toMatch(new RegExp(`${day} .*${lost} .*missing .*post .*${lost} .*20\\.00 USD`));
      expect(plan.output).toMatch(new RegExp(`${altered} .*different .*correct .*${altered}:adj:1 .*20\\.00 USD`));
      const [, command = ''] = / (repair apply \S+)/.exec(plan.output) ?? [];

      const apply = await session.run(command.split(' '));
      expect([apply.code, withoutProgress(apply.errors)]).toEqual([0, '']);
      expect(apply.output).toContain('2 done.');
      expect(apply.output).toContain(` prove --from ${day} --to ${day}`);
      await session.untilSettled();
      const sealed = await session.run(['prove', '--from', day, '--to', day]);
      expect([sealed.code, sealed.output]).toEqual([0, expect.stringContaining('sealed')]);
      expect(session.blnk.balance('@stripe', 'USD')?.balance).toBeLessThan(0n);

      const again = await session.run([...command.split(' '), '--json']);
      expect(JSON.parse(again.output).items.map(({ state }: { state: string }) => state)).toEqual(['done', 'done']);
    },
    TIMEOUT_MS,
  );

  it(
    'counts what is only parked, and exits 0',
    async () => {
      const created = new Date(`${day}T09:00:00Z`);
      const moves = [{ move: 'succeed' as const, at: session.stripe.clock.now() }];
      session.stripe.createIntent({ created, moves, amount: 1_001, currency: 'kwd', id: 'pi_odd' });
      const sql = await session.look();
      const isParked = async () =>
        (await sql`select 1 from stripe_blnk_sync.postings where reference = 'pi_odd' and state = 'parked'`).length > 0;
      await session.run(['sync', '--wait']);
      await until('the odd payment is parked', isParked, { timeoutMs: 90_000 });
      await session.run(['prove', '--from', day, '--to', day]);
      const plan = await session.run(['repair', 'plan', '--from', day, '--to', day]);
      expect([plan.code, withoutProgress(plan.errors)]).toEqual([0, '']);
      expect(plan.output).toMatch(/1 parked: see .* parked list$/m);
    },
    TIMEOUT_MS,
  );

  it('refuses another configuration like a proof does: with exit code 2, and nothing is planned', async () => {
    const variables = { ...session.variables, BLNK_SOURCE: '@another' };
    for (const words of [['repair', 'plan'], ['repair', 'apply'], ['prove']]) {
      const ended = await runCommand(words, variables);
      expect([words, ended.code, ended.errors]).toEqual([words, 2, expect.stringContaining('BLNK_SOURCE')]);
    }
  });

  it(
    'tells what only a person can repair, and exits 1',
    async () => {
      session.blnk.alterTransaction(ids[2] ?? '', { destination: '@somebody_else' });
      await session.run(['prove', '--from', day, '--to', day]);
      const plan = await session.run(['repair', 'plan', '--from', day]);
      expect(plan.code).toBe(1);
      expect(plan.output).toContain('No plan can repair these');
      expect(plan.output).toContain('from @stripe to @cus_1');
      const json = await session.run(['repair', 'plan', '--json']);
      expect(JSON.parse(json.output)).toMatchObject({
        plan: null,
        reported: [
          { payment_id: ids[2], action: 'report' },
          { payment_id: 'pi_odd', finding: 'parked' },
        ],
      });
    },
    TIMEOUT_MS,
  );
});
