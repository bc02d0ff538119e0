/**
 * `accept`: a person says that a difference which the newest proof of a day shows is meant, or takes that back. Posts
 * nothing and changes no posting; the day is proven again at once.
 */
import { type Command, Option } from 'commander';
import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import type { AcceptanceRecord, AcceptanceRefusal } from '../core/proof/acceptance.js';
import { toJson } from '../views/json.js';
import { acceptanceLines } from '../views/payment-text.js';
import { plainText } from '../views/text-width.js';
import {
  byOption,
  jsonOption,
  parseDay,
  printLines,
  warnQueueNotTold,
  warnWithoutWorker,
  whyOption,
  withContext,
} from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

interface AcceptOptions {
  readonly why: string;
  /** The user's name when left out. */
  readonly by?: string;
  readonly day?: string;
  readonly takeBack?: boolean;
  readonly json?: boolean;
}

export function addAcceptCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('accept')
    .description(
      'accept a difference between Stripe and the ledger as it was proven: its day is sealed with an exception',
    )
    .argument('<payment>', 'the PaymentIntent id, or the reference of a row in the ledger, as certificates show has it')
    .addOption(whyOption())
    .addOption(byOption())
    .addOption(new Option('--day <day>', 'the UTC day, when several name the payment').argParser(parseDay))
    .option('--take-back', 'take back what was accepted: the day is judged afresh')
    .addOption(jsonOption())
    .action((payment: string, options: AcceptOptions) =>
      withContext(environment, (context) => accept(environment, context, { ...options, payment })),
    );
}

async function accept(
  environment: CommandEnvironment,
  { operations }: CommandContext,
  {
    payment,
    why,
    by = environment.userName,
    day,
    takeBack = false,
    json = false,
  }: AcceptOptions & { readonly payment: string },
): Promise<void> {
  const { output } = environment;
  const { outcome, queueFault } = await operations.acceptDifference({
    ...{ payment, why, by, takeBack },
    ...(day === undefined ? {} : { day }),
  });
  if (outcome.kind === 'refused') return tellRefusal(environment, outcome, json);
  const changed = outcome.kind === 'accepted' ? [outcome.acceptance] : outcome.acceptances;
  const days = [...new Set(changed.map((one) => one.day))];
  if (json) output.print(toJson(outcome.kind === 'accepted' ? { accepted: changed } : { takenBack: changed }));
  else printLines(environment, outcomeLines(outcome.kind, { payment, changed, day: days[0] ?? '' }));
  warnQueueNotTold(environment, queueFault);
  await warnWithoutWorker(environment, operations);
}

/** What is accepted already is as it was asked to be. */
function tellRefusal({ output, exit }: CommandEnvironment, { code, problem }: AcceptanceRefusal, json: boolean): void {
  if (code === 'already_accepted') {
    output.print(json ? toJson({ accepted: [], code, message: problem }) : `${code}: ${plainText(problem)}`);
    return;
  }
  output.fail(new SyncError(plainText(problem), { kind: 'fatal', code }));
  exit(1);
}

function outcomeLines(
  kind: 'accepted' | 'taken_back',
  {
    payment,
    changed,
    day,
  }: { readonly payment: string; readonly changed: readonly AcceptanceRecord[]; readonly day: string },
): string[] {
  const name = plainText(payment);
  const what =
    kind === 'accepted'
      ? `${name} is accepted as it is; nothing is posted. Another difference of it is not covered.`
      : `What was accepted of ${name} is taken back; it stays in its history.`;
  const then = `${day} is proven again by a running worker, or now by: ${commandLine(`prove --from ${day} --to ${day}`)}`;
  return [what, ...changed.flatMap(acceptanceLines), '', then];
}
