/**
 * What `status` prints around the verdict: the lines of what is needed, then the numbers. Decides nothing. Pure: facts in,
 * lines out.
 */
import { formatCount, formatDuration } from '../core/base/time-text.js';
import { type Need, type Severity, utc, worstSeverity } from '../core/verdict/need.js';
import { isLedgerKnown, type Verdict } from '../core/verdict/verdict.js';
import type { StatusRecord } from '../db/reads/status.js';
import { provenText } from './proofs-text.js';
import { HOLE_COLUMNS, laneColumns, PARKED_COLUMNS, TOTAL_COLUMNS } from './status-columns.js';
import { renderFacts, renderTable } from './table.js';
import { plainText } from './text-width.js';

/** How a line stands out on a terminal: all is well, it passes by itself, a person has to act, a promise is broken. */
export type Tone = 'good' | 'quiet' | 'attention' | 'bad';

export interface VerdictLine {
  readonly text: string;
  readonly tone: Tone;
}

/** The sentence, then what is needed: `!` where a person is, `-` where it ends by itself. */
export function verdictLines(verdict: Verdict): VerdictLine[] {
  const { sentence, needs } = verdict;
  return [
    { text: sentence, tone: toneOf(verdict) },
    ...needs.map((need) => ({
      text: `${need.severity === 'notice' ? '-' : '!'} ${needText(need)}`,
      tone: TONES[need.severity],
    })),
  ];
}

/** One line: the state, how far behind, what is not in the ledger, and the codes of what needs a person. */
export function shortStatus(
  verdict: Verdict,
  { behindMs, outstanding }: Pick<StatusRecord, 'behindMs' | 'outstanding'>,
): VerdictLine {
  const counted = (count: number, what: string) => (count === 0 ? [] : [`${formatCount(count)} ${what}`]);
  const codes = verdict.needs.filter(({ severity }) => severity !== 'notice').map(({ code }) => code);
  const parts = [
    verdict.state,
    ...(behindMs === null ? [] : [`${formatDuration(behindMs)} behind`]),
    ...counted(outstanding.pending, 'pending'),
    ...counted(outstanding.parked, 'parked'),
    ...(codes.length === 0 ? [] : [`needs a person: ${[...new Set(codes)].join(' ')}`]),
  ];
  return { text: parts.join(', '), tone: toneOf(verdict) };
}

function toneOf({ state, needs }: Verdict): Tone {
  return state === 'complete' ? 'good' : TONES[worstSeverity(needs) ?? 'notice'];
}

const TONES: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'attention', notice: 'quiet' };

function needText({ text, command }: Need): string {
  return plainText(command === null ? text : `${text} Run: ${command}`);
}

export function statusTables(status: StatusRecord, terminalColumns: number): string[] {
  const section = (title: string, lines: readonly string[]) => (lines.length === 0 ? [] : ['', title, ...lines]);
  return [
    ...renderFacts(factsOf(status)),
    ...section('In the ledger', renderTable(TOTAL_COLUMNS, status.totals, terminalColumns)),
    ...section('To be posted', renderTable(laneColumns(status.now), status.lanes, terminalColumns)),
    ...section('Parked', renderTable(PARKED_COLUMNS, status.parked, terminalColumns)),
    ...section('Holes', renderTable(HOLE_COLUMNS, status.holes, terminalColumns)),
  ];
}

function factsOf({
  mirror,
  ledger,
  workers,
  intervalMs,
  stripeReads,
  stripeReadsAllowed,
  stripeReadsForecast,
  behindMs,
  lagMs,
  lastRun,
  lastFailure,
  beforeStart,
  proofs,
  identities,
  accounts,
  now,
}: StatusRecord) {
  const facts: Array<readonly [string, string | null]> = [];
  if (mirror !== null) {
    facts.push(
      ['Stripe account', mirror.stripeAccount ?? 'not readable with this key'],
      ['mode', mirror.livemode ? 'live' : 'test'],
      ['Blnk instance', mirror.blnkInstance],
      ['mirrored', `payments created from ${utc(mirror.startsAt)} on`],
      [
        'before start',
        beforeStart > 0 ? `${formatCount(beforeStart)} created earlier were seen, and are not mirrored` : null,
      ],
      ['events', mirror.cutoverAt === null ? null : `are read from before ${utc(mirror.cutoverAt)} on`],
    );
  }
  facts.push(
    ['behind', behindMs === null ? null : `${formatDuration(behindMs)} (of it ${formatDuration(lagMs)} by design)`],
    ['proven', provenFact(mirror, ledger, proofs)],
    ['balances', accountsText(accounts)],
    ['identities', identitiesText(identities)],
    ['sync every', formatDuration(intervalMs)],
    ['Stripe reads', readsText({ stripeReads, stripeReadsAllowed, stripeReadsForecast })],
    ['workers', workers.length === 0 ? 'none' : workers.map(({ host, pid }) => `${host} (${pid})`).join(', ')],
    ['last run', lastRun === null ? 'none' : `${utc(lastRun.startedAt)}: ${lastRun.status} (${lastRun.id})`],
    [
      'last error',
      lastFailure === null
        ? null
        : `${utc(lastFailure.at)}: ${lastFailure.code}${lastFailure.recovered ? ', recovered' : ''}`,
    ],
    ['as of', utc(now)],
  );
  return facts;
}

/** Stripe counts reads of live data over 30 days; what a month of the last day's pace comes to shows whether they suffice. */
function readsText({
  stripeReads: used,
  stripeReadsAllowed: allowed,
  stripeReadsForecast: forecast,
}: Pick<StatusRecord, 'stripeReads' | 'stripeReadsAllowed' | 'stripeReadsForecast'>): string {
  const inThirtyDays = `${formatCount(used)} in the last 30 days`;
  if (allowed === null) return inThirtyDays;
  const pace = forecast > used ? `, ${formatCount(forecast)} at the pace of the last day` : '';
  return `${inThirtyDays} of ${formatCount(allowed)} (STRIPE_SHARE of Stripe's allocation)${pace}`;
}

/** Null: the mirror has no ledger of its own. */
export function accountsText(accounts: StatusRecord['accounts']): string | null {
  if (accounts === null) return null;
  const { ledgerId, ledgerName, balances, wanted } = accounts;
  const where = ledgerId === null ? 'the ledger is not made yet' : `in ledger ${ledgerName ?? ''} (${ledgerId})`;
  return `${formatCount(balances)} ${where}${wanted > 0 ? `, ${formatCount(wanted)} to be made` : ''}`;
}

/** Null: they are off. */
export function identitiesText(identities: StatusRecord['identities']): string | null {
  if (identities === null || identities.mode === 'off') return null;
  return `${formatCount(identities.linked)} of ${formatCount(identities.customers)} linked`;
}

/** Certificates say how the ledger was: of another one they prove nothing. */
function provenFact(mirror: StatusRecord['mirror'], ledger: StatusRecord['ledger'], proofs: StatusRecord['proofs']) {
  if (mirror === null) return null;
  return isLedgerKnown({ ledger }) ? provenText(proofs) : 'not known while the ledger is not; see above';
}
