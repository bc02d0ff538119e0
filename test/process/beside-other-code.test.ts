/**
 * Somebody else's code booked every payment first, in every form that Blnk has. Then a worker process, and a person who types
 * `prove` and `repair plan` and follows each piece of advice to the letter: no payment is in the source balance twice, and each
 * day seals or says why not. Two payments of each form on the stand-in; 200 on a real Core, whose ledger must be
 * empty, when compared-core.ts has one, with each command in a process of its own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSourceBook, type SourceBook } from '../support/beside/source-book.js';
import { comparedCore } from '../support/compared-core.js';
import { homes } from '../support/homes.js';
import type { Child } from '../support/process/child.js';
import { type CommandEnd, runCommand, withoutProgress } from '../support/process/command.js';
import { type Session, startSession } from '../support/process/session.js';
import { until } from '../support/process/wait.js';
import { type CoreAddress, type ForeignForm, foreignForms, postAsSomebodyElse } from '../support/somebody-else.js';

const TIMEOUT_MS = comparedCore === undefined ? 120_000 : 600_000;
const PAYMENTS = comparedCore === undefined ? 2 * foreignForms.length : 200;
const DAY_MS = 86_400_000;
const ROUNDS_MAX = 6;

const POST = 'POST /transactions ';

interface Item {
  readonly payment_id: string;
  readonly day: string;
  readonly finding: string;
  readonly action: string;
  readonly detail: string;
}

interface Certificate {
  readonly day: string;
  readonly currency: string;
  readonly state: string;
}

/** What a person has read. */
interface Said {
  readonly plan: { readonly id: string; readonly items: readonly Item[] } | null;
  readonly reported: readonly Item[];
  readonly left: readonly Pick<Item, 'payment_id' | 'day' | 'detail'>[];
  /** Of each day and currency. */
  readonly states: Readonly<Record<string, string>>;
}

const isSettled = ({ states }: Said): boolean =>
  Object.keys(states).length > 0 && !Object.values(states).includes('broken');

/** Either what the mirror would have booked is wanted, or what somebody else did is meant. */
type Choice = 'mirror' | 'meant';

interface Booked {
  readonly id: string;
  readonly form: ForeignForm;
  readonly amount: bigint;
  readonly day: string;
  readonly choice: Choice;
}

/** What is in the source balance in the end, in hundredths of the payment; whole where nothing is said. */
const SHARES: Partial<Record<ForeignForm, Partial<Record<Choice, bigint>>>> = {
  'split-by-sources': { meant: 60n },
  refunded: { meant: 0n },
  'reversed-by-hand': { meant: 0n },
  'reversed-by-hand-queued': { meant: 0n },
  scheduled: { mirror: 0n, meant: 0n },
};

describe.each(homes().slice(-1))('beside other code, on $name', (home) => {
  let session: Session;
  let core: CoreAddress;
  let variables: Readonly<Record<string, string>>;
  let worker: Child | undefined;
  const booked: Booked[] = [];
  const takenBack = new Set<string>();
  const source = `@stripe_${Date.now().toString(36)}`;

  beforeAll(async () => {
    // A real Core keeps the references of earlier runs.
    session = await startSession(home, comparedCore === undefined ? {} : { seed: Date.now() % 2 ** 31 });
    const { baseUrl, key } = comparedCore ?? { baseUrl: session.blnk.url, key: session.blnk.coreKey };
    core = { baseUrl, headers: { 'x-blnk-key': key } };
    const ledger = { BLNK_API_STYLE: 'core', BLNK_API_BASE: baseUrl, BLNK_API_KEY: key, BLNK_SOURCE: source };
    variables = { ...session.variables, ...ledger, SYNC_START: '30d', SYNC_EVERY: '1s' };
    for (let index = 0; index < PAYMENTS; index += 1) booked.push(await book(index));
  }, TIMEOUT_MS);
  afterAll(() => session.close(), TIMEOUT_MS);

  it(
    'books no payment twice, and each piece of advice leads to a sealed day',
    async () => {
      const ids = booked.map(({ id }) => id);
      const before = await readSourceBook(core, source, ids);
      // A real Core may hold payments of earlier runs.
      worker = session.workerHere({ variables, timings: { finalAfterMs: 2_000 }, adopt: comparedCore !== undefined });
      await untilWaitsOnlyFor(['inflight-open', 'inflight-committed-in-part', 'scheduled']);
      expectOnce(await readSourceBook(core, source, ids), before);

      let said = await proveAndPlan();
      await decideInflight(said);
      await untilWaitsOnlyFor(['scheduled']);
      for (let round = 0; round < ROUNDS_MAX && !isSettled(said); round += 1) {
        said = await proveAndPlan();
        await follow(said);
        await untilWaitsOnlyFor(['scheduled']);
      }
      const last = await readSourceBook(core, source, ids);
      expectOnce(last, before);
      expect(last.sums).toEqual(last.balances);
      expect(last.foreign).toEqual([]);
      expect(shares(last)).toEqual(
        booked.map(({ id, form, choice }) => `${form} ${id} ${SHARES[form]?.[choice] ?? 100n}%`),
      );
      const unsealed = Object.entries(said.states).filter(([, state]) => !/^sealed/.test(state));
      const [scheduled] = booked.filter(({ form }) => form === 'scheduled');
      expect([...new Set(unsealed.map(([day, state]) => `${day.slice(0, 10)} ${state}`))]).toEqual([
        `${scheduled?.day} open`,
      ]);
      expect(
        said.left
          .filter(({ detail }) => detail.startsWith('Somebody scheduled'))
          .map((item) => item.payment_id)
          .sort(),
      ).toEqual(booked.flatMap(({ form, id }) => (form === 'scheduled' ? [id] : [])).sort());
    },
    TIMEOUT_MS,
  );

  /** What is in the source balance of each payment, in hundredths of it. */
  function shares({ netOf }: SourceBook): string[] {
    return booked.map(({ id, form, amount }) => `${form} ${id} ${((netOf.get(id) ?? 0n) * 100n) / amount}%`);
  }

  /** Nothing is in it more than once, unless somebody else put it there. */
  function expectOnce(now: SourceBook, before: SourceBook): void {
    const tooMuch = booked.filter(({ id, amount }) => {
      const mostly = before.netOf.get(id) ?? 0n;
      return (now.netOf.get(id) ?? 0n) > (mostly > amount ? mostly : amount);
    });
    expect(tooMuch.map(({ id, form }) => `${form} ${id} ${now.netOf.get(id)}`)).toEqual([]);
  }

  async function book(index: number): Promise<Booked> {
    const form = foreignForms[index % foreignForms.length] ?? 'equal';
    const turn = Math.floor(index / foreignForms.length);
    const daysAgo = form === 'scheduled' ? 9 : 4 + (index % 4);
    const created = new Date(
      Math.floor(session.stripe.clock.nowMs() / DAY_MS) * DAY_MS - daysAgo * DAY_MS + index * 60_000,
    );
    const amount = 1_000 + index * 10;
    const currency = index % 7 === 3 ? 'jpy' : 'usd';
    const customer = index % 3 === 0 ? null : `cus_${index % 5}`;
    const moves = [{ move: 'succeed' as const, at: created }];
    const id = session.stripe.createIntent({ created, moves, amount, currency, customer });
    await postAsSomebodyElse(
      form,
      {
        ...{ reference: id, preciseAmount: BigInt(amount), precision: currency === 'jpy' ? 1 : 100 },
        ...{
          currency: currency.toUpperCase(),
          source,
          destination: customer === null ? '@stripe_guests' : `@${customer}`,
        },
        effectiveDate: created.toISOString(),
      },
      core,
    );
    const choice = turn % 2 === 0 ? 'mirror' : 'meant';
    return { id, form, amount: BigInt(amount), day: created.toISOString().slice(0, 10), choice };
  }

  async function untilWaitsOnlyFor(forms: readonly ForeignForm[]): Promise<void> {
    const undecided = booked.filter(({ form }) => forms.includes(form)).map(({ id }) => id);
    let last: unknown = null;
    await until(
      `all is settled but ${forms.join(', ')}`,
      async () => {
        const sql = await session.look();
        const [count] = await sql<{ stored: number }[]>`select count(*)::int as stored from stripe_blnk_sync.postings`;
        const open = await sql<{ reference: string; attempts: number; look_ups: number; reason: string | null }[]>`
          select reference, attempts, look_ups, reason, due_at - now() as due_in, last_error
          from stripe_blnk_sync.postings where state = 'pending'`;
        last = [count, ...open.slice(0, 5)];
        return (
          (count?.stored ?? 0) >= booked.length &&
          open.every(({ reference, attempts, look_ups }) => undecided.includes(reference) && attempts + look_ups > 0)
        );
      },
      { timeoutMs: TIMEOUT_MS / 2, explain: () => `${JSON.stringify(last)}\n${worker?.output()}` },
    );
  }

  async function command(...words: string[]): Promise<CommandEnd> {
    if (comparedCore === undefined) return runCommand(words, variables);
    // Without the limit on time that commands within this process have.
    const { code, output, errors } = await session.runProcess(words, variables);
    return { code: code ?? -1, output, errors };
  }

  /** Commits or voids what the plan says that somebody has to decide about. */
  async function decideInflight({ left }: Said): Promise<void> {
    for (const { payment_id: id, detail } of left) {
      if (!detail.includes('commit or void')) continue;
      const found = (await readSourceBook(core, source, [id])).rows.find(
        ({ reference, status }) => status === 'INFLIGHT' && reference === id,
      );
      const decision = booked.find((payment) => payment.id === id)?.choice === 'mirror' ? 'commit' : 'void';
      const answer = await fetch(`${core.baseUrl}/transactions/inflight/${found?.transaction_id}`, {
        ...{ method: 'PUT', headers: { 'content-type': 'application/json', ...core.headers } },
        body: JSON.stringify({ status: decision, skip_queue: true }),
      });
      expect([id, answer.status, await answer.text()]).toEqual([id, 200, expect.any(String)]);
    }
  }

  async function follow({ plan, reported }: Said): Promise<void> {
    const items = [...(plan?.items.filter(({ action }) => action !== 'report') ?? []), ...reported];
    let isPlanRight = plan !== null;
    for (const item of items) {
      const meant = leaveText(item);
      if (meant !== null) {
        await typed(...meant, '--why', 'that is meant');
        isPlanRight = false;
      } else if (item.action === 'report') await postWhatIsSaid(item);
    }
    if (isPlanRight && plan !== null) await typed('repair', 'apply', plan.id);
  }

  /** The command that leaves it as it is, where that is wanted and the plan offers it. */
  function leaveText({ payment_id: id, detail }: Item): readonly string[] | null {
    // What was taken back to the letter is to be as the mirror has it.
    if (takenBack.has(id) || booked.find((payment) => payment.id === id)?.choice !== 'meant') return null;
    const [, command] = /(accept \S+|parked dismiss \S+) --why/.exec(detail) ?? [];
    return command?.split(' ') ?? null;
  }

  async function postWhatIsSaid({ payment_id: id, detail }: Item): Promise<void> {
    const bodies = detail.split('\n').filter((line) => line.startsWith(POST));
    for (const body of bodies) await post(body.slice(POST.length));
    if (bodies.length > 0) takenBack.add(id);
  }

  async function post(body: string): Promise<void> {
    const answer = await fetch(`${core.baseUrl}/transactions`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...core.headers }, body },
    });
    expect([body, answer.status, await answer.text()]).toEqual([body, 201, expect.stringContaining('APPLIED')]);
  }

  async function typed(...words: string[]): Promise<void> {
    const ended = await command(...words);
    expect([words, ended.code, withoutProgress(ended.errors)]).toEqual([words, 0, '']);
  }

  async function proveAndPlan(): Promise<Said> {
    const days = booked.map(({ day }) => day).sort();
    const range = ['--from', days[0] ?? '', '--to', days.at(-1) ?? ''];
    const proof = await command('prove', ...range, '--json');
    expect(withoutProgress(proof.errors)).toBe('');
    const plan = await command('repair', 'plan', ...range, '--json');
    expect(withoutProgress(plan.errors)).toBe('');
    const { certificates } = JSON.parse(proof.output) as { readonly certificates: readonly Certificate[] };
    const states = certificates.map(({ day, currency, state }) => [`${day} ${currency}`, state]);
    return { ...JSON.parse(plan.output), states: Object.fromEntries(states) };
  }
});
