/**
 * All that the mirror asks of a ledger, once each, through the real adapter: what comes out in one word for each question. The same on
 * every Core that is supported, but for the refusals that `outcomesOf` takes by version.
 */
import { randomBytes } from 'node:crypto';
import { type CoreVersion, hasSince } from '../../sandbox/blnk/core-version.js';
import { createLedger, type LedgerOptions } from '../../src/blnk/ledger.js';
import { createLedgerSide } from '../../src/blnk/listings.js';
import { SyncError } from '../../src/core/base/errors.js';
import type { PostAnswer } from '../../src/post/ports.js';

export type Outcomes = Readonly<Record<string, string>>;

/** What is to come out on a Core of this version. The Cloud answers look-ups itself, whatever Core is behind it. */
export function outcomesOf(version: CoreVersion, style: LedgerOptions['style'] = 'core'): Outcomes {
  return {
    'start check': 'passes',
    'wrong key': 'blnk_key_refused',
    post: 'applied 1250',
    'post again': 'duplicate',
    bulk: 'applied',
    'bulk again': 'unclear',
    'rows by reference': '3 of 5',
    'rows of a bulk by parent': style === 'cloud' || hasSince(version, '0.15.2') ? '2' : 'none',
    balances: '2 of 3',
    'rule broken': 'refused',
    'amount that is a text': 'refused',
    'unknown balance': 'refused',
    'no overdraft': 'blnk_overdraft_refused',
    'same balance': hasSince(version, '0.15.3') ? 'refused' : 'busy',
    'NUL in a text': 'unclear',
    'amount above 2^53': 'applied 9007199254740993',
    'rows of a day': '4',
    'foreign rows': '1',
    'rows of a payment': '1',
    'balance before a moment': 'exact',
    'oldest day': 'found',
    mirrors: 'found',
  };
}

/** A day and names of its own, so that it can be asked of a ledger that others write to. */
export async function askAll(options: LedgerOptions): Promise<Outcomes> {
  const run = randomBytes(5).toString('hex');
  const day = `20${20 + ((randomBytes(1)[0] ?? 0) % 5)}-0${1 + ((randomBytes(1)[0] ?? 0) % 9)}-1${(randomBytes(1)[0] ?? 0) % 10}`;
  const source = `@source_${run}`;
  const mirror = `mirror_${run}`;
  const ledger = createLedger(options);
  const side = createLedgerSide(options);
  const wrong = createLedger({ ...options, readKey: async () => 'nobodys-key' });
  const bodyOf = (name: string, more: { readonly amount?: string; readonly fields?: object } = {}): string => {
    const fields = {
      precision: 100,
      currency: 'USD',
      reference: `pi_${run}${name}`,
      source,
      destination: `@cus_${run}`,
      description: 'Order 1',
      effective_date: `${day}T02:03:04Z`,
      skip_queue: true,
      allow_overdraft: true,
      meta_data: { stripe_mirror: mirror, stripe_day: day, stripe_payment_intent_id: `pi_${run}${name}` },
      ...more.fields,
    };
    return `{"precise_amount":${more.amount ?? '1250'},${JSON.stringify(fields).slice(1)}`;
  };
  const post = async (name: string, more: Parameters<typeof bodyOf>[1] = {}) =>
    wordOf(await ledger.post(bodyOf(name, more)));
  const references = ['a', 'b', 'c', 'x', 'y'].map((name) => `pi_${run}${name}`);
  const window = { from: new Date(`${day}T00:00:00Z`), to: new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000) };
  const questions: Readonly<Record<string, () => Promise<string>>> = {
    'start check': async () => {
      await ledger.checkPermissions();
      return 'passes';
    },
    'wrong key': () => wrong.post(bodyOf('w')).then(wordOf),
    post: () => post('a'),
    'post again': () => post('a'),
    bulk: async () => wordOf(await ledger.postBulk([bodyOf('b'), bodyOf('c')])),
    'bulk again': async () => wordOf(await ledger.postBulk([bodyOf('b'), bodyOf('c')])),
    'rows by reference': async () => `${(await ledger.findByReference(references)).length} of ${references.length}`,
    'rows of a bulk by parent': async () => {
      const [row] = await ledger.findByReference([`pi_${run}b`]);
      if (row?.parentId === null || row?.parentId === undefined) return 'none';
      return String((await ledger.findChildren([row.parentId, 'txn_nobody'])).length);
    },
    balances: async () => {
      const indicators = [source, `@cus_${run}`, '@nobody'];
      return `${(await ledger.findBalances({ indicators, currency: 'USD' })).size} of ${indicators.length}`;
    },
    'rule broken': () => post('d', { fields: { description: '' } }),
    'amount that is a text': () => post('e', { amount: '"5"' }),
    'unknown balance': () => post('f', { fields: { destination: 'bln_nobody' } }),
    'no overdraft': () => post('g', { fields: { allow_overdraft: false, source: `@poor_${run}` } }),
    'same balance': () => post('h', { fields: { destination: source } }),
    'NUL in a text': () => post('i', { fields: { description: 'a\u0000b' } }),
    'amount above 2^53': () => post('j', { amount: '9007199254740993' }),
    'rows of a day': async () => {
      let rows = 0;
      for await (const page of side.listDay(day))
        rows += page.rows.filter(({ mirrorId }) => mirrorId === mirror).length;
      return String(rows);
    },
    'foreign rows': async () => {
      await post('z', { fields: { meta_data: {} } });
      let rows = 0;
      for await (const page of side.listForeign(window)) {
        rows += page.rows.filter(({ reference }) => reference.startsWith(`pi_${run}`)).length;
      }
      return String(rows);
    },
    'rows of a payment': async () => String((await side.listOfPayment(`pi_${run}a`)).length),
    'balance before a moment': async () => {
      const [balanceId] = (await side.findBalances({ indicators: [source], currency: 'USD' })).values();
      const balance = await side.balanceBefore(balanceId ?? '', window.to);
      return balance === -(9007199254740993n + 4n * 1250n) ? 'exact' : String(balance);
    },
    'oldest day': async () => ((await side.oldestEffectiveDay()) === null ? 'none' : 'found'),
    mirrors: async () => ((await side.mirrorIds()).length > 0 ? 'found' : 'none'),
  };
  const outcomes: Record<string, string> = {};
  try {
    for (const [name, ask] of Object.entries(questions)) outcomes[name] = await ask().catch(codeOf);
  } finally {
    await Promise.all([ledger.close(), side.close(), wrong.close()]);
  }
  return outcomes;
}

function wordOf(answer: PostAnswer): string {
  return answer.kind === 'applied' && answer.row !== null ? `applied ${answer.row.amount}` : answer.kind;
}

function codeOf(error: unknown): string {
  if (error instanceof SyncError) return error.code;
  throw error;
}
