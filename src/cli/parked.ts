/** `parked list|show|retry|dismiss`: what waits for a person, and what a person can do about it. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { PARKING_REASONS, type ParkingReason } from '../core/posting.js';
import { isPlansDismissal } from '../core/repair.js';
import { formatCount } from '../core/time-text.js';
import type { ParkedStore, RetryOutcome } from '../db/reads/parked-store.js';
import { jsonOption, limitOption, printLines, warnWithoutWorker, withContext } from './command.js';
import { toJson } from './json.js';
import { paymentLines, paymentTable } from './payment-text.js';
import type { CommandContext, CommandEnvironment } from './ports.js';
import { plainText } from './text-width.js';

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
    .description('list them, newest first')
    .addOption(limitOption(50))
    .option('--after <reference>', 'those after this one, as the page before says')
    .addOption(reasonOption('only those parked for this reason'))
    .option('--dismissed', 'also those that were dismissed')
    .addOption(jsonOption())
    .action((options: ListOptions) => withContext(environment, (context) => list(environment, context, options)));
  parked
    .command('show')
    .description('show one payment, parked or not, with both of its sides')
    .argument('<reference>', 'its reference: the PaymentIntent id')
    .addOption(jsonOption())
    .action((reference: string, { json = false }: { readonly json?: boolean }) =>
      withContext(environment, (context) => show(environment, context, { reference, json })),
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
    .addOption(
      new Option('--why <text>', 'the reason, kept with your user name').argParser(parseWhy).makeOptionMandatory(),
    )
    .addOption(new Option('--by <name>', 'who decided, in place of your user name').argParser(parseName))
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
  if (page.payments.length === 0) output.print('Nothing is parked here.');
  printLines(environment, paymentTable(page.payments, output.columns));
  const reasons = new Map(page.payments.map((payment) => [payment.reason, payment.whatToDo]));
  const advice = [...reasons].flatMap(([code, what]) => (code === null || what === null ? [] : [`${code}: ${what}`]));
  if (advice.length > 0) printLines(environment, ['', ...advice]);
  if (page.next !== null) output.print(`More with: --after ${page.next}`);
}

async function show(
  environment: CommandEnvironment,
  { reads }: CommandContext,
  { reference, json }: { readonly reference: string; readonly json: boolean },
): Promise<void> {
  const payment = await reads.show(reference);
  if (payment === null) {
    environment.output.warn(`No payment has the reference ${JSON.stringify(reference)}.`);
    environment.exit(1);
    return;
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
    environment.output.warn('Name either the references to retry, or one --reason.');
    environment.exit(2);
    return;
  }
  await withContext(environment, async (context) => {
    const outcome = await context.parked.retry(reason === undefined ? { references } : { reason });
    if (outcome.lanes.length > 0) await context.requests.wakeLanes(outcome.lanes);
    const { retried, stillParked, notParked } = outcome;
    printLines(environment, json ? [toJson({ retried, stillParked, notParked })] : retryLines(outcome));
    if (retried > 0) await warnWithoutWorker(environment, context);
    if (stillParked.length + notParked.length > 0) environment.exit(1);
  });
}

function retryLines({ retried, stillParked, notParked }: RetryOutcome): string[] {
  return [
    `${formatCount(retried)} will be looked up, and posted where the ledger does not hold ${retried === 1 ? 'it' : 'them'}.`,
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

type DismissOutcome = Awaited<ReturnType<ParkedStore['dismiss']>>;

async function dismiss(
  environment: CommandEnvironment,
  { parked }: CommandContext,
  { references, why, by = environment.userName, json = false }: DismissRequest,
): Promise<void> {
  const { output } = environment;
  const ended = new Map<DismissOutcome, string[]>();
  for (const reference of new Set(references)) {
    const outcome = await parked.dismiss({ reference, by, why });
    ended.set(outcome, [...(ended.get(outcome) ?? []), reference]);
    const wrong = outcome === 'not_parked' || outcome === 'unknown';
    if (wrong) environment.exit(1);
    // Each as it is done: whoever leaves halfway has seen what is decided.
    if (!json) (wrong ? output.warn : output.print)(dismissLine(outcome, plainText(reference)));
  }
  if (!json) return;
  const of = (outcome: DismissOutcome) => ended.get(outcome) ?? [];
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

function parseName(text: string): string {
  const name = plainText(text).trim();
  if (name === '') throw new InvalidArgumentError('Say who decided.');
  if (isPlansDismissal(name)) throw new InvalidArgumentError('That is how a repair plan or a rebuild signs.');
  return name;
}

function parseWhy(text: string): string {
  const why = plainText(text).trim();
  if (why === '') throw new InvalidArgumentError('Say why: whoever reads it later has nothing else.');
  return why;
}
