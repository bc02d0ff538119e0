/**
 * Whether the ledger that answers is the one that this mirror posted to, judged by what the mirror remembers: the ids of
 * its source balance, and some of its own posted references. Pure: it is given what was remembered and what was seen.
 *
 * An absence is never believed at once: whoever looked may have asked a replica that lags.
 */
import { SyncError } from '../base/errors.js';
import { commandLine } from '../base/own-command.js';
import { formatCount } from '../base/time-text.js';
import { utcDay } from '../base/window.js';
import { type Lane, parseLane } from '../posting/posting.js';

/**
 * `unchecked`: nothing was posted yet, or nobody looked. `rows_missing`: the same ledger, of which rows were deleted.
 * `in_doubt`: it does not look like the same ledger; looked at again. `other`: it did not for too long, a person has to act.
 */
export type LedgerState = 'unchecked' | 'same' | 'rows_missing' | 'in_doubt' | 'other';

/** One of our posted references, and whether the ledger showed it. */
export interface SampledPosting {
  readonly reference: string;
  readonly effectiveAt: Date;
  /** Posted so lately that a reader that lags may not show it yet. */
  readonly isRecent: boolean;
  readonly isFound: boolean;
}

export interface LedgerEvidence {
  /** Names of the mirror's own balances. */
  readonly sources: readonly string[];
  /** Ids of these balances by the names of their lanes, as the mirror remembers them. */
  readonly remembered: ReadonlyMap<string, string>;
  /** The same as the ledger shows them now. */
  readonly found: ReadonlyMap<string, string>;
  readonly sample: readonly SampledPosting[];
}

export type LedgerVerdict =
  /** Nothing was posted yet, so there is nothing to recognise it by. */
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'same' }
  | { readonly kind: 'rows_missing' | 'in_doubt'; readonly detail: string };

/** Fewer sample than this cannot speak against a source balance that is the remembered one. */
const WITNESSES_MIN = 5;

/**
 * Of the source balances a single equal one is enough: a ledger that was restored from a backup may lack those of later
 * currencies. Of the sample more than half must be there; a few that are not were deleted.
 */
export function judgeLedger(evidence: LedgerEvidence): LedgerVerdict {
  const { remembered, sample } = evidence;
  if (remembered.size === 0 && sample.length === 0) return { kind: 'unchecked' };
  const balances = judgeBalances(evidence);
  const counted = balances.kind === 'same' ? sample.filter((one) => one.isFound || !one.isRecent) : sample;
  const absent = counted.filter(({ isFound }) => !isFound);
  const mayOutvote = balances.kind !== 'same' || counted.length >= WITNESSES_MIN;
  const speakAgainst = absent.length > 0 && absent.length * 2 > counted.length && mayOutvote;
  if (balances.kind === 'other' || speakAgainst) {
    const details = [
      balances.kind === 'other' ? [balances.detail] : [],
      absent.length > 0 ? [absentText(absent, counted)] : [],
    ];
    return { kind: 'in_doubt', detail: details.flat().join('; ') };
  }
  if (absent.length === 0) return { kind: 'same' };
  return { kind: 'rows_missing', detail: missingText(absent, counted) };
}

type Balances = { readonly kind: 'same' | 'unknown' } | { readonly kind: 'other'; readonly detail: string };

function judgeBalances({ sources, remembered, found, sample }: LedgerEvidence): Balances {
  if (remembered.size === 0) {
    if (sample.length === 0 || found.size > 0) return { kind: 'unknown' };
    return {
      kind: 'other',
      detail: `the source balance ${sources.join(', ')} is not there, although payments were posted from it`,
    };
  }
  const entries = [...remembered];
  if (entries.some(([name, balanceId]) => found.get(name) === balanceId)) return { kind: 'same' };
  const [name, balanceId] = entries.find(([one]) => found.has(one)) ?? entries[0] ?? ['', ''];
  const lane = parseLane(name) ?? { source: name, currency: '' };
  return { kind: 'other', detail: otherSourceText(lane, { remembered: balanceId, found: found.get(name) ?? null }) };
}

/** @param ids.found null: the ledger shows no such balance */
export function otherSourceText(
  { source, currency }: Lane,
  ids: { readonly remembered: string; readonly found: string | null },
): string {
  return `the source balance ${source} in ${currency} was ${ids.remembered} at the first posting and is ${ids.found ?? 'not there'} now`;
}

function absentText(absent: readonly SampledPosting[], asked: readonly SampledPosting[]): string {
  const many = absent.length === asked.length ? 'none' : `only ${asked.length - absent.length}`;
  const [example] = absent;
  return `${many} of ${counted(asked.length)} that ${asked.length === 1 ? 'was' : 'were'} looked up is there (missing: ${example?.reference ?? ''}${absent.length > 1 ? ', …' : ''})`;
}

function missingText(absent: readonly SampledPosting[], asked: readonly SampledPosting[]): string {
  const days = absent.map(({ effectiveAt }) => utcDay(effectiveAt)).sort();
  const named = absent.slice(0, EXAMPLES_MAX).map(({ reference }) => reference);
  const more = absent.length > named.length ? ', …' : '';
  return (
    `${formatCount(absent.length)} of ${counted(asked.length)} that were looked up ${absent.length === 1 ? 'is' : 'are'} not in the ` +
    `ledger (${named.join(', ')}${more}): rows were deleted, or the ledger was restored from a backup. To find all of them: ` +
    `${commandLine(`prove --from ${days[0] ?? ''} --to ${days.at(-1) ?? ''}`)}; then: ${commandLine('repair plan')}`
  );
}

function counted(postings: number): string {
  return `${formatCount(postings)} posted ${postings === 1 ? 'payment' : 'payments'}`;
}

const EXAMPLES_MAX = 3;

/** The fault of a lane while the ledger does not look like the one that was posted to. Nothing is sent; collecting goes on. */
export function ledgerInDoubt(detail: string): SyncError {
  return new SyncError(
    `The ledger does not look like the one that this mirror posted to: ${detail}. A lagging replica may be the reason, so the ` +
      'ledger is checked repeatedly for ten minutes; nothing is posted meanwhile',
    { kind: 'transient', code: 'ledger_in_doubt' },
  );
}

/** The fault of a ledger that is not the one this mirror posted to before. */
export function otherLedger(detail: string): SyncError {
  return new SyncError(
    `This is another ledger: ${detail}. Nothing is posted to it. If BLNK_API_BASE or BLNK_INSTANCE_ID names the wrong one, ` +
      'set it back. If the ledger was wiped or provisioned anew, begin a new mirror in a new database. If it was restored ' +
      'from a backup that lacks these payments, docs/backup.md says how to go on. If the provider gave the same ledger a new ' +
      `instance id: ${commandLine('mirror move --instance <id>')}`,
    { kind: 'fatal', code: 'other_ledger' },
  );
}

/** The fault of a worker that started before the mirror was moved. */
export function mirrorMoved(instance: string | null): SyncError {
  const where = instance === null ? 'another Blnk instance' : `the Blnk instance ${instance}`;
  return new SyncError(
    `This mirror was moved to ${where} after this worker had started with the earlier one. It takes no more work: set ` +
      `BLNK_INSTANCE_ID${instance === null ? '' : ` to ${instance}`} and start it again`,
    { kind: 'fatal', code: 'mirror_moved' },
  );
}
