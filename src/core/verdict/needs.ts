/** Everything that the mirror needs, worst first; nothing twice in other words. Pure. */
import { withoutFullStop } from '../base/errors.js';
import { commandLine } from '../base/own-command.js';
import { formatCount, formatDuration } from '../base/time-text.js';
import { MINUTE_MS } from '../base/window.js';
import { PARKING_REASONS } from '../posting/posting.js';
import { withSchema } from '../settings/schema-name.js';
import type { VerdictFacts } from './facts.js';
import { isSyncLate, lastingFailure, standsStill } from './lateness.js';
import { type Need, need, utc, worstFirst } from './need.js';
import { needsOfAccounts } from './needs-of-accounts.js';
import { needsOfIdentities } from './needs-of-identities.js';
import { needsOfProofs } from './needs-of-proofs.js';
import { needsOfClocks, needsOfKeys, needsOfLedger, needsOfQueue } from './needs-of-servers.js';

/** Longer than the five minutes for which Core holds the lock of an interrupted post: that ends by itself. */
const PAUSE_MS = 6 * MINUTE_MS;

const STRIPE_AWAY =
  'It is retried automatically; check that Stripe answers from here, and STRIPE_API_BASE where it is set.';

export function needsOf(facts: VerdictFacts): Need[] {
  const needs = [
    ...needsOfProcesses(facts),
    ...needsOfLedger(facts),
    ...needsOfKeys(facts),
    ...needsOfClocks(facts),
    ...needsOfReading(facts),
    ...needsOfPosting(facts),
    ...needsOfProofs(facts),
    ...needsOfTotals(facts),
    ...needsOfQueue(facts),
    ...needsOfAccounts(facts),
    ...needsOfIdentities(facts),
  ];
  return worstFirst(needs.map((one) => ({ ...one, text: withSchema(one.text, facts.schema) })));
}

function needsOfProcesses({ workers, mirror }: VerdictFacts): Need[] {
  const rebuildingSince = mirror?.rebuildingSince ?? null;
  if (rebuildingSince !== null) {
    return [
      need(
        'rebuild_unfinished',
        `This database has been under rebuild since ${utc(rebuildingSince)}. No worker may start until the rebuild is finished.`,
        commandLine('rebuild'),
      ),
    ];
  }
  return workers.length > 0 ? [] : [need('no_worker', 'No worker is running.', commandLine('worker'))];
}

function needsOfTotals({ areTotalsKept }: VerdictFacts): Need[] {
  if (areTotalsKept) return [];
  return [
    need(
      'totals_not_kept',
      'Counts and sums of payments are not maintained: triggers on postings are disabled or missing, so the numbers shown here are incomplete. ' +
        'Payments are read, posted and proven all the same. Switch them on: alter table stripe_blnk_sync.postings enable trigger user. ' +
        'A worker counts anew within an hour of the next difference that it finds.',
    ),
  ];
}

/** One of them: a failure that lasts explains why a sync is late, and a late sync why completeness stands still. */
function needsOfReading(facts: VerdictFacts): Need[] {
  const failure = lastingFailure(facts);
  if (failure !== null) {
    const { feed, since, code, message, runId } = failure;
    const advice = code === 'stripe_unavailable' ? ` ${STRIPE_AWAY}` : '';
    return [
      need(
        'reading_failed',
        `Reading ${feed} has failed since ${utc(since)}: ${code}: ${withoutFullStop(message)}.${advice}`,
        commandLine(`run ${runId}`),
      ),
    ];
  }
  if (facts.workers.length === 0) return [];
  if (isSyncLate(facts)) {
    return [
      need(
        'sync_late',
        `The last sync was read to its end at ${utc(facts.tailReadAt)}, although one is due every ` +
          `${formatDuration(facts.intervalMs)} and workers are running.`,
        commandLine('runs --all'),
      ),
    ];
  }
  if (!standsStill(facts)) return [];
  return [
    need(
      'standstill',
      `Completeness has not moved since ${utc(facts.complete?.to ?? null)} although workers are running.`,
      commandLine('runs --all'),
    ),
  ];
}

function needsOfPosting({ parked, lanes, oldestUnresolved: oldest, now }: VerdictFacts): Need[] {
  const needs: Need[] = [];
  for (const { reason, waiting } of parked) {
    if (waiting === 0) continue;
    const meaning = reason === null ? 'no reason is stored' : PARKING_REASONS[reason];
    const filter = reason === null ? '' : ` --reason ${reason}`;
    needs.push(need('parked', `${formatCount(waiting)} parked: ${meaning}.`, commandLine(`parked list${filter}`)));
  }
  for (const { currency, source, pausedSince, error } of lanes) {
    if (pausedSince === null || now.getTime() - pausedSince.getTime() <= PAUSE_MS) continue;
    needs.push(
      need(
        'posting_paused',
        `Posting from ${source} in ${currency} has made no progress since ${utc(pausedSince)}: ${withoutFullStop(error ?? '')}. ` +
          'It is retried automatically; check that Blnk answers.',
      ),
    );
  }
  const unresolved = lanes.reduce((sum, lane) => sum + lane.unresolved, 0);
  if (unresolved > 0) {
    const error = oldest === null || oldest.error === null ? '' : `: ${withoutFullStop(oldest.error)}`;
    const named = oldest === null ? '' : ` The oldest since ${utc(oldest.since)}${error}.`;
    needs.push(
      need(
        'unresolved',
        `${formatCount(unresolved)} unresolved: for more than 15 minutes Blnk has not said whether it holds them. ` +
          `They are looked up again automatically; check that Blnk answers.${named}`,
        oldest === null ? null : commandLine(`parked show ${oldest.reference}`),
      ),
    );
  }
  return needs;
}
