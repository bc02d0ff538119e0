/** `certificates list|show`: what was proven, from the database alone. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { CERTIFICATE_STATES, type CertificateState } from '../core/proof/certificate.js';
import type { CertificateRecord } from '../db/reads/certificates.js';
import { certificateCsv } from '../views/certificate-csv.js';
import { certificateTable, dayLines } from '../views/certificate-text.js';
import { toJson } from '../views/json.js';
import {
  jsonOption,
  LIMIT_MAX,
  type ListCommand,
  limitOption,
  moreLine,
  parseDay,
  printLines,
  withContext,
} from './command.js';
import type { CommandContext, CommandEnvironment } from './ports.js';

/** On a screen; what is exported is whole. */
const ROWS_SHOWN = 50;

interface ListOptions {
  readonly from?: string;
  readonly to?: string;
  readonly state?: CertificateState;
  readonly limit?: number;
  readonly json?: boolean;
  readonly csv?: boolean;
}

interface ShowOptions {
  readonly currency?: string;
  readonly json?: boolean;
}

export function addCertificatesCommands(program: Command, environment: CommandEnvironment): void {
  const certificates = program
    .command('certificates')
    .description('the comparisons of days with Stripe that were made');
  certificates
    .command('list')
    .description('list the newest of each day and currency, newest day first')
    .addOption(new Option('--from <day>', 'the first UTC day').argParser(parseDay))
    .addOption(new Option('--to <day>', 'the last UTC day').argParser(parseDay))
    .addOption(new Option('--state <state>', 'only those that came out so').choices(CERTIFICATE_STATES))
    .addOption(limitOption(ROWS_SHOWN).default(undefined, `${ROWS_SHOWN}; all with --json or --csv`))
    .addOption(jsonOption())
    .addOption(new Option('--csv', 'print CSV instead of text').conflicts('json'))
    .action((options: ListOptions) =>
      withContext(environment, (context) => list(environment, context, options), { readsOnly: true }),
    );
  certificates
    .command('show')
    .description('show one day in full: both sides, every finding, earlier proofs')
    .argument('<day>', 'a UTC day, e.g. 2026-11-21', parseDay)
    .addOption(new Option('--currency <code>', 'only this currency').argParser(parseCurrency))
    .addOption(jsonOption())
    .action((day: string, options: ShowOptions) =>
      withContext(environment, (context) => show(environment, context, { ...options, day }), { readsOnly: true }),
    );
}

async function list(
  environment: CommandEnvironment,
  { reads }: CommandContext,
  { json = false, csv = false, limit, ...query }: ListOptions,
): Promise<void> {
  const { output } = environment;
  const isExport = json || csv;
  const asked = limit ?? (isExport ? null : ROWS_SHOWN);
  const rows = await reads.certificates({ ...query, limit: asked === null ? null : asked + 1 });
  const certificates = asked === null ? rows : rows.slice(0, asked);
  if (json) {
    output.print(toJson({ certificates }));
  } else if (csv) {
    // RFC 4180 ends lines with CRLF; printing adds the second half.
    for (const line of certificateCsv(certificates)) output.printData(`${line}\r`);
  } else {
    printLines(environment, certificateTable(certificates, output.columns));
    if (rows.length === 0)
      output.print(`No certificate matches. Days are proven by the worker, or by: ${commandLine('prove')}`);
    const next = rows[certificates.length]?.day;
    if (next !== undefined) output.print(moreLine(certificates.length, nextPage({ ...query, limit }, rows, next)));
  }
}

/** The day that was cut begins the next page; where all are of one day there is no next page, but a larger one. */
function nextPage(
  { from, to, state, limit }: Omit<ListOptions, 'limit'> & { readonly limit: number | undefined },
  rows: readonly CertificateRecord[],
  next: string,
): ListCommand {
  const options = next === rows[0]?.day ? { from, to, state, limit: LIMIT_MAX } : { from, state, limit, to: next };
  return { command: 'certificates list', options };
}

async function show(
  environment: CommandEnvironment,
  { reads }: CommandContext,
  { day, currency, json = false }: ShowOptions & { readonly day: string },
): Promise<void> {
  const found = await reads.certificatesOfDay({ day, ...(currency === undefined ? {} : { currency }) });
  if (found === null) {
    throw notProven(day, { currency, others: await currenciesOf(reads, day) });
  }
  printLines(environment, json ? [toJson({ day, ...found })] : dayLines(found, environment.output.columns));
}

async function currenciesOf(reads: CommandContext['reads'], day: string): Promise<string[]> {
  const found = await reads.certificatesOfDay({ day });
  return found?.certificates.flatMap(({ currency }) => (currency === null ? [] : [currency])) ?? [];
}

/** @param others the currencies that the day was proven in */
function notProven(
  day: string,
  { currency, others }: { readonly currency: string | undefined; readonly others: readonly string[] },
): SyncError {
  const [first] = others;
  const problem =
    currency === undefined || first === undefined
      ? `${day} was never proven. Prove it with: ${commandLine(`prove --from ${day} --to ${day}`)}`
      : `${day} has no certificate in ${currency}; it has one in ${others.join(', ')}. Show it with: ` +
        commandLine(`certificates show ${day} --currency ${first}`);
  return new SyncError(problem, { kind: 'fatal', code: 'day_not_proven' });
}

function parseCurrency(text: string): string {
  if (/^[a-zA-Z]{3,}$/.test(text)) return text.toUpperCase();
  throw new InvalidArgumentError('Allowed: a currency code, e.g. USD.');
}
