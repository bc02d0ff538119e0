/** `payments`: the newest payments, or those that an id names. */
import { type Command, Option } from 'commander';
import { commandLine } from '../core/base/own-command.js';
import { PARKING_REASONS, type ParkingReason } from '../core/posting/posting.js';
import type { PaymentState } from '../db/schema/views.js';
import { toJson } from '../views/json.js';
import { paymentTable } from '../views/payment-text.js';
import { jsonOption, limitOption, moreLine, parseDay, printLines, withContext } from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

const STATES = ['pending', 'posted', 'parked', 'dismissed'] as const satisfies readonly PaymentState[];
const ROWS_SHOWN = 20;

interface PaymentsOptions {
  readonly limit: number;
  readonly after?: string;
  readonly state?: PaymentState;
  readonly reason?: ParkingReason;
  readonly currency?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

export function addPaymentsCommand(program: Command, environment: CommandEnvironment): void {
  program
    .command('payments')
    .description('list payments, the newest first, or find some')
    .argument('[id]', 'a PaymentIntent, a reference, a customer, a balance, or a transaction of the ledger')
    .addOption(limitOption(ROWS_SHOWN))
    .option('--after <reference>', 'those older than this one; the previous page prints the value')
    .addOption(new Option('--state <state>', 'only payments in this state').choices(STATES))
    .addOption(new Option('--reason <code>', 'only those parked for this reason').choices(Object.keys(PARKING_REASONS)))
    .option('--currency <code>', 'only of this currency', (code) => code.toUpperCase())
    .option('--from <day>', 'created on this UTC day or later', parseDay)
    .option('--to <day>', 'created on this UTC day or before', parseDay)
    .addOption(jsonOption())
    .action((id: string | undefined, options: PaymentsOptions) =>
      withContext(environment, (context) => listPayments(environment, context, { ...options, id }), {
        readsOnly: true,
      }),
    );
}

async function listPayments(
  { output, ...environment }: CommandEnvironment,
  { reads }: CommandContext,
  { id, json = false, ...query }: PaymentsOptions & { readonly id: string | undefined },
): Promise<void> {
  const page = await reads.payments({ ...query, ...(id === undefined ? {} : { search: id }) });
  if (json) {
    output.print(toJson(page));
    return;
  }
  if (page.payments.length === 0) output.print(id === undefined ? 'No payment matches.' : `No payment matches ${id}.`);
  printLines({ ...environment, output }, paymentTable(page.payments, output.columns));
  const [only, ...others] = page.payments;
  if (id !== undefined && only !== undefined && others.length === 0)
    output.print(`Both of its sides: ${commandLine(`parked show ${only.reference}`)}`);
  if (page.next === null) return;
  const { limit, after: _, ...filters } = query;
  const options = { ...filters, limit: limit === ROWS_SHOWN ? undefined : limit, after: page.next };
  output.print(moreLine(page.payments.length, { command: id === undefined ? 'payments' : `payments ${id}`, options }));
}
