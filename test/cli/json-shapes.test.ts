/**
 * The keys and types of what each command prints with `--json`, against `json-shapes.txt`: programs read them, so that keys are
 * only ever added. A change on purpose is taken over with `npm test -- test/cli/json-shapes.test.ts -u`, and stands in the changelog.
 */
import { expect, it } from 'vitest';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { checkAccounts } from '../../src/cli/accounts.js';
import { commandsBelow, pathOf } from '../../src/cli/command-help.js';
import { doctor } from '../../src/cli/doctor.js';
import { dryRun } from '../../src/cli/dry-run.js';
import { printLoginLink } from '../../src/cli/login-link.js';
import { moveMirror } from '../../src/cli/mirror.js';
import { prove } from '../../src/cli/prove.js';
import { rebuild } from '../../src/cli/rebuild.js';
import { applyRepair, planRepair } from '../../src/cli/repair.js';
import type { PartFinding } from '../../src/core/doctor/finding.js';
import type { RepairItem, RepairPlan } from '../../src/core/repair/repair-plan.js';
import { createCertificateStore } from '../../src/db/proof/certificate-store.js';
import type { AccountsChecked } from '../../src/operations/check-accounts.js';
import type { DryRunReport } from '../../src/operations/dry-run.js';
import type { RebuildResult } from '../../src/operations/rebuild.js';
import { aCertificate, aFinding, aFullCertificate, proofOf } from '../support/certificates.js';
import { at, insertPosting } from '../support/reads-database.js';
import { recordEnvironment } from '../support/recorded-environment.js';
import { openCommandLine, RUN } from '../support/stages/command-line.js';
import { STATUS } from '../support/status-record.js';

const { database, command, startWorker, serve } = openCommandLine();

const DAY = '2026-11-18';
const ROW = {
  ...{ reference: 'pi_1', transactionId: 'txn_1', status: 'APPLIED', amount: '1000', currency: 'USD' },
  ...{ source: 'bln_1', destination: 'bln_2' },
};
const ITEM: RepairItem = {
  ...{ item: 1, day: DAY, paymentId: 'pi_1', finding: 'missing', action: 'post', reference: 'pi_1' },
  ...{ currency: 'USD', amount: 1_000n, seen: [ROW], state: 'planned', detail: 'not there' },
};
const PLAN: RepairPlan = {
  ...{ id: RUN, fromDay: DAY, toDay: DAY, plannedBy: 'ada', plannedAt: at('2026-11-20T10:00:00Z') },
  ...{ appliedBy: 'ada', appliedAt: at('2026-11-20T11:00:00Z'), items: [ITEM] },
};
const ACCOUNTS: AccountsChecked = {
  sums: [{ currency: 'USD', customers: '5', before: '5', after: '5', surplus: '0', verdict: 'equal' }],
  accounts: {
    ...{ ledgerId: 'ldg_1', ledgerName: 'Shop', surplusLedgers: ['ldg_2'], ledgerError: null, isLedgerGone: false },
    ...{ balances: 2, wanted: 1, missing: 0, marksLost: 0, checkedAt: at('2026-11-22T00:00:00Z') },
    ...{ surplus: { count: 1, used: 0 }, parked: [{ reason: 'not_shown', count: 1 }], failing: null },
    sums: [{ currency: 'USD', customers: '5', before: '5', after: '5', surplus: '0' }],
  },
};

const REPORT: DryRunReport = {
  ...{ asked: 'backfill', firstStart: true, ledgerInUse: false, complete: true },
  windows: [{ feed: 'payment_intents', from: at('2026-11-01T00:00:00Z'), to: at('2026-11-02T00:00:00Z') }],
  ...{
    found: 3,
    knownBefore: 1,
    fresh: 2,
    beforeStart: 0,
    newCustomers: 1,
    identities: 1,
    newBalances: 2,
    balances: 3,
    stripeRequests: 4,
  },
  wouldPost: [{ currency: 'USD', count: 1, amount: 1_000n }],
  wouldPark: [{ reason: 'unknown_currency', count: 1, examples: ['pi_2'] }],
  estimate: {
    ...{ stripeRequests: 4, stripeRequestsPerSecond: 10, blnkRequests: 2, readingMs: 400, postingMs: 10 },
    postedPerSecond: 200,
  },
};
const REBUILT: RebuildResult = {
  ...{ mirrorId: RUN, startsAt: at('2026-11-01T00:00:00Z'), cutoverAt: at('2026-11-21T10:00:00Z'), complete: true },
  ...{ posted: 1_200, alreadyThere: 3, parked: [{ reason: 'rebuild', count: 1 }], dismissed: 0 },
  ...{ stripeRequests: 14, blnkRequests: 20, durationMs: 12_000 },
};
const LINK = {
  url: 'http://127.0.0.1:3000/log-in/secret',
  role: 'admin',
  expiresAt: at('2026-11-21T10:10:00Z'),
} as const;

const FINDINGS: readonly PartFinding[] = [
  { part: 'http', state: 'ok', code: null, text: 'free', do: null },
  { part: 'http', state: 'warn', code: 'http_port_taken', text: 'taken', do: 'Set HTTP_PORT' },
];

/** Run and answer nothing, or print a text that is not ours. */
const WITHOUT_JSON = ['worker', 'serve', 'health', 'migrate', 'demo', 'init', 'completion'];

it('stay what they are', async () => {
  const printed: Record<string, string> = {};
  const keep = async (words: string) => {
    const { printed: text } = await command(`${words} --json`);
    printed[nameOf(words)] = text;
  };
  await prepare();
  for (const words of [
    ...['status', 'payments', 'runs', `run ${RUN}`, 'certificates list', `certificates show ${DAY}`],
    ...['parked list', 'parked show pi_1', 'parked retry pi_1 pi_9', 'parked dismiss pi_2 --why meant'],
    ...['accept pi_3 --why meant', 'sync', 'backfill --from 2026-11-01', 'actions'],
  ]) {
    await keep(words);
  }
  printed['status of a mirror'] = (await command('status --json', { status: async () => STATUS })).printed;
  Object.assign(printed, await ofSessions());
  const shapes = Object.fromEntries(Object.entries(printed).map(([name, text]) => [name, shapeOf(JSON.parse(text))]));
  await expect(`${JSON.stringify(shapes, null, 2)}\n`).toMatchFileSnapshot('json-shapes.txt');

  const all = commandsBelow(composeCommandLine(recordEnvironment().environment as never));
  const leaves = all.filter((one) => one.commands.length === 0).map(pathOf);
  const missing = leaves.filter((path) => !Object.keys(shapes).some((name) => `${name} `.startsWith(`${path} `)));
  expect(missing).toEqual(WITHOUT_JSON);
  const takesJson = all.filter((one) => one.options.some(({ long }) => long === '--json')).map(pathOf);
  expect(takesJson.sort()).toEqual(leaves.filter((path) => !WITHOUT_JSON.includes(path)).sort());
});

/** Something in every list. */
async function prepare(): Promise<void> {
  const { db } = database();
  await serve('parked');
  await startWorker({ id: 'own', place: 'here' } as never);
  await insertPosting(db, { reference: 'pi_2', firstRun: RUN, state: 'parked', reason: 'conflict', reasonDetail: 'x' });
  await insertPosting(db, { reference: 'pi_4', firstRun: RUN, state: 'posted', transactionId: 'txn_4' });
  await insertPosting(db, { reference: 'pi_5', firstRun: RUN, state: 'pending' });
  const finding = { ...aFinding('doubled', 'pi_3', 'twice'), ledger: [{ ...ROW, effectiveDate: null }] };
  const certificate = aCertificate({ state: 'broken', findings: [finding, aFinding('doubled', 'pi_6', 'twice')] });
  await createCertificateStore(db, 'test').keepProof(proofOf([certificate], { day: DAY }));
}

/** Of those that ask both sides, what they print of a result. */
async function ofSessions(): Promise<Readonly<Record<string, string>>> {
  const certificates = [aFullCertificate({ findings: [aFinding('missing', 'pi_1')] })];
  const asking = { readAudience: async () => ({ workers: 1, unserved: null }) };
  const plans = {
    ...asking,
    planRepair: async () => ({
      ...{ plan: PLAN, reported: [ITEM], left: [{ day: DAY, paymentId: 'pi_2', detail: 'on the way' }] },
      ...{ days: [DAY], findingsNotKept: 0 },
    }),
    applyRepair: async () => ({ plan: PLAN, owes: false, queueFault: null }),
  };
  const move = { moved: true, dryRun: false, from: 'inst_1', to: 'inst_2', epoch: 2, missing: null };
  const asked = { from: null, to: null };
  const runs: Record<string, (environment: ReturnType<typeof recordEnvironment>['environment']) => Promise<void>> = {
    prove: (environment) =>
      prove(
        environment,
        {
          proveDays: async () => ({
            asked: 1,
            days: ['2026-11-02'],
            proven: 1,
            certificates,
            faults: [],
            allSealed: false,
          }),
        },
        { ...asked, all: false, json: true },
      ),
    'repair plan': (environment) => planRepair(environment, plans, { fromDay: null, toDay: null, json: true }),
    'repair apply': (environment) => applyRepair(environment, plans, { plan: null, json: true }),
    rebuild: (environment) =>
      rebuild(
        { ...environment, confirm: async () => true },
        { rebuild: async () => REBUILT },
        { from: null, mirrorId: null, yes: true, json: true },
      ),
    'mirror move': (environment) =>
      moveMirror(environment, { moveMirror: async () => move }, { instance: 'inst_2', dryRun: false, json: true }),
    accounts: (environment) => checkAccounts(environment, { checkAccounts: async () => ACCOUNTS }, { json: true }),
    'login-link': (environment) => printLoginLink(environment, { makeLoginLink: async () => LINK }, { json: true }),
    doctor: (environment) =>
      doctor(
        environment,
        { examine: async () => ({ findings: FINDINGS, stripeReads: 4, isStripeAnswering: true }) },
        { json: true },
      ),
    'sync --dry-run': (environment) =>
      dryRun(environment, { dryRun: async () => ({ report: REPORT, fault: null }) }, { kind: 'sync', json: true }),
  };
  const printed: Record<string, string> = {};
  for (const [name, run] of Object.entries(runs)) {
    const { environment, outcome } = recordEnvironment();
    await run(environment);
    printed[name] = outcome().printed;
  }
  return printed;
}

function nameOf(words: string): string {
  return words.replace(/ (?:--from \S+|--why \S+|pi_\d|[\da-f]{8}-\S+|\d{4}-\d\d-\d\d)/g, '');
}

/** The types in place of the values; of a list those of its elements together. */
function shapeOf(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value))
    return [...new Set(value.map((one) => JSON.stringify(shapeOf(one))))].map((one) => JSON.parse(one));
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}
