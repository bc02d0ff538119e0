/** `parked list|show|retry|dismiss`: what waits for a person, and what a person can do about it. */
import { type Command, Option } from 'commander';
import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount } from '../core/base/time-text.js';
import { PARKING_REASONS, type ParkingReason } from '../core/posting/posting.js';
import type { DismissOutcome, RetryOutcome } from '../db/postings/parked-store.js';
import { PROVEN_AGAIN } from '../views/decision-text.js';
import { toJson } from '../views/json.js';
import { parkedTable, paymentLines, withCommands } from '../views/payment-text.js';
import { plainText } from '../views/text-width.js';
import {
  byOption,
  jsonOption,
  limitOption,
  moreLine,
  printLines,
  warnQueueNotTold,
  warnWithoutWorker,
  whyOption,
  withContext,
} from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

const ROWS_SHOWN = 50;

interface ListOptions {
  readonly limit: number;
  readonly after?: string;
  readonly reason?: ParkingReason;
  readonly dismissed?: boolean;
  readonly json?: boolean;
}

export function addParkedCommands(program: Command, environment: CommandEnvironment): void {
  const parked = program.command('parked').description('payments that are held for a person');
  parked
    .command('list')
    .description('list them, those that were stored last first')
    .addOption(limitOption(ROWS_SHOWN))
    .option('--after <reference>', 'those after this one in the list; the previous page prints the value')
    .addOption(reasonOption('only those parked for this reason'))
    .option('--dismissed', 'also those that were dismissed')
    .addOption(jsonOption())
    .action((options: ListOptions) =>
      withContext(environment, (context) => list(environment, context, options), { readsOnly: true }),
    );
  parked
    .command('show')
    .description('show one payment, parked or not, with both of its sides')
    .argument('<reference>', 'its reference: the PaymentIntent id')
    .addOption(jsonOption())
    .action((reference: string, { json = false }: { readonly json?: boolean }) =>
      withContext(environment, (context) => show(environment, context, { reference, json }), { readsOnly: true }),
    );
  parked
    .command('retry')
    .description('try them again: the named ones, or all of one reason')
    .argument('[references...]', 'their references')
    .addOption(reasonOption('all that are parked for this reason and not dismissed'))
    .addOption(jsonOption())
    .action((references: string[], options: Pick<ListOptions, 'reason' | 'json'>) =>
      retry(environment, { references, ...options }),
    );
  parked
    .command('dismiss')
    .description('decide that they stay out of the ledger')
    .argument('<references...>', 'their references')
    .addOption(whyOption())
    .addOption(byOption())
    .addOption(jsonOption())
    .action((references: string[], options: Omit<DismissRequest, 'references'>) =>
      withContext(environment, (context) => dismiss(environment, context, { references, ...options })),
    );
}

async function list(
  environment: CommandEnvironment,
  { reads }: CommandContext,
  { limit, after, reason, dismissed = false, json = false }: ListOptions,
): Promise<void> {
  const { output } = environment;
  const page = await reads.parked({
    limit,
    includeDismissed: dismissed,
    ...(after === undefined ? {} : { after }),
    ...(reason === undefined ? {} : { reason }),
  });
  if (json) {
    output.print(toJson(page));
    return;
  }
  if (page.payments.length === 0) output.print(nothingText({ after, reason }));
  printLines(environment, parkedTable(page.payments, output.columns));
  const reasons = new Map(page.payments.map((payment) => [payment.reason, payment.whatToDo]));
  const advice = [...reasons].flatMap(([code, what]) =>
    code === null || what === null ? [] : [`${code}: ${withCommands(what)}`],
  );
  if (advice.length > 0) printLines(environment, ['', ...advice]);
  if (page.next === null) return;
  const options = { reason, dismissed, limit: limit === ROWS_SHOWN ? undefined : limit, after: page.next };
  const again = { command: 'parked list', options };
  output.print(moreLine(page.payments.length, again, page.count));
}

/** Says what was asked, so that nobody takes a part for the whole. */
function nothingText({
  after,
  reason,
}: {
  readonly after: string | undefined;
  readonly reason: ParkingReason | undefined;
}): string {
  const what = reason === undefined ? 'Nothing is parked' : `Nothing is parked for the reason ${reason}`;
  return after === undefined ? `${what}.` : `${what} beyond ${after}; without --after the list begins at the newest.`;
}

async function show(
  environment: CommandEnvironment,
  { reads }: CommandContext,
  { reference, json }: { readonly reference: string; readonly json: boolean },
): Promise<void> {
  const payment = await reads.show(reference);
  if (payment === null) {
    throw paymentUnknown(reference);
  }
  printLines(environment, json ? [toJson(payment)] : paymentLines(payment));
}

interface RetryRequest extends Pick<ListOptions, 'reason' | 'json'> {
  readonly references: readonly string[];
}

async function retry(
  environment: CommandEnvironment,
  { references, reason, json = false }: RetryRequest,
): Promise<void> {
  if (references.length > 0 === (reason !== undefined)) {
    const problem = 'Name either the references to retry, or one --reason';
    environment.output.fail(new SyncError(problem, { kind: 'fatal', code: 'usage' }));
    environment.exit(2);
    return;
  }
  await withContext(environment, async ({ operations }) => {
    const { outcome, queueFault } = await operations.retryParked(reason === undefined ? { references } : { reason });
    const { retried, stillParked, notParked } = outcome;
    printLines(environment, json ? [toJson({ retried, stillParked, notParked })] : retryLines(outcome));
    warnQueueNotTold(environment, queueFault);
    if (retried > 0) await warnWithoutWorker(environment, operations);
    if (stillParked.length + notParked.length > 0) environment.exit(1);
  });
}

function retryLines({ retried, stillParked, notParked }: RetryOutcome): string[] {
  return [
    ...(retried === 0
      ? []
      : [
          `${formatCount(retried)} will be looked up, and posted where the ledger does not hold ${retried === 1 ? 'it' : 'them'}.`,
        ]),
    ...stillParked.map(({ reference, reason, detail }) => `${reference} stays parked, ${reason}: ${plainText(detail)}`),
    ...notParked.map((reference) => `${plainText(reference)} is not parked.`),
  ];
}

interface DismissRequest {
  readonly references: readonly string[];
  readonly why: string;
  /** The user's name when left out. */
  readonly by?: string;
  readonly json?: boolean;
}

async function dismiss(
  environment: CommandEnvironment,
  { operations }: CommandContext,
  { references, why, by = environment.userName, json = false }: DismissRequest,
): Promise<void> {
  const { output } = environment;
  const ended = new Map<DismissOutcome, string[]>();
  const onDecided = (reference: string, outcome: DismissOutcome): void => {
    ended.set(outcome, [...(ended.get(outcome) ?? []), reference]);
    const wrong = outcome === 'not_parked' || outcome === 'unknown';
    if (wrong) environment.exit(1);
    if (!json) (wrong ? output.warn : output.print)(dismissLine(outcome, plainText(reference)));
  };
  await operations.dismissParked({ references, by, why }, { onDecided });
  const of = (outcome: DismissOutcome) => ended.get(outcome) ?? [];
  if (!json) {
    if (of('dismissed').length > 0) output.print(PROVEN_AGAIN);
    return;
  }
  output.print(
    toJson({
      dismissed: of('dismissed'),
      alreadyDismissed: of('already_dismissed'),
      notParked: of('not_parked'),
      unknown: of('unknown'),
    }),
  );
}

function dismissLine(outcome: DismissOutcome, name: string): string {
  switch (outcome) {
    case 'dismissed':
      return `${name} is dismissed: it stays out of the ledger.`;
    case 'already_dismissed':
      return `${name} was dismissed before.`;
    case 'not_parked':
      return `${name} is not parked; nothing was changed.`;
    case 'unknown':
      return `No payment has the reference ${name}.`;
    default:
      return outcome satisfies never;
  }
}

function reasonOption(description: string): Option {
  return new Option('--reason <code>', description).choices(Object.keys(PARKING_REASONS));
}

function paymentUnknown(reference: string): SyncError {
  return new SyncError(
    `No payment here has the reference ${JSON.stringify(reference)}; allowed is the id of a PaymentIntent that was read, or the ` +
      `reference of a posting. To find one: ${commandLine('payments <id>')}`,
    { kind: 'fatal', code: 'payment_unknown' },
  );
}
