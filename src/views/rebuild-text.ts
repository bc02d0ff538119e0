/** What `rebuild` prints before it begins, and what came of it. */
import { withoutFullStop } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { formatCount, formatDuration, formatTime } from '../core/base/time-text.js';
import { utcDay } from '../core/base/window.js';
import type { ParkingReason } from '../core/posting/posting.js';
import type { RebuildBegin, RebuildResult } from '../operations/rebuild.js';
import { renderFacts } from './table.js';

export function beginLines(begin: RebuildBegin): string[] {
  const lines = whatLines(begin);
  if (begin.notLookedUp === null) return lines;
  return [
    ...lines,
    `Whether it had a ledger of its own in Blnk cannot be looked up: ${withoutFullStop(begin.notLookedUp)}. If the lost database was of a worker with BLNK_ACCOUNTS=ledger, do not begin, and set that: otherwise each customer gets a second balance.`,
  ];
}

function whatLines({ mirrorId, mirrorIdsFound, startsAt, cutoverAt }: RebuildBegin): string[] {
  const window = `payments created from ${formatTime(startsAt)} to ${formatTime(cutoverAt)} UTC`;
  if (mirrorIdsFound === null) return [`An unfinished rebuild goes on: ${window}.`];
  const others = mirrorIdsFound.filter((id) => id !== mirrorId);
  if (others.length < mirrorIdsFound.length) {
    const beside =
      others.length === 0 ? '' : ` What other mirrors posted (${others.join(', ')}) counts as already there.`;
    return [`Rebuilding the mirror ${mirrorId}: ${window}.${beside}`];
  }
  return [
    `The ledger's transactions carry ${mirrorIdsFound.length === 1 ? 'an id that is no mirror id' : 'several mirror ids'} (${mirrorIdsFound.join(', ')}), so the mirror gets a new one, ${mirrorId}: what is there counts as already there.`,
    `Rebuilding: ${window}.`,
  ];
}

export function resultLines(result: RebuildResult): string[] {
  const { parked, complete, startsAt } = result;
  const count = (reason: ParkingReason): number => parked.find((one) => one.reason === reason)?.count ?? 0;
  const facts = renderFacts([
    ['adopted', formatCount(result.posted + result.alreadyThere)],
    ['of these made by others', result.alreadyThere > 0 ? formatCount(result.alreadyThere) : null],
    ['replaced or corrected', result.dismissed > 0 ? formatCount(result.dismissed) : null],
    ...parked.map(({ reason, count }) => [`parked, ${reason}`, formatCount(count)] as const),
    ['requests', `${formatCount(result.stripeRequests)} to Stripe, ${formatCount(result.blnkRequests)} to Blnk`],
    ['took', formatDuration(result.durationMs)],
  ]);
  if (!complete) {
    return [
      ...facts,
      'Interrupted before the end. Run it again: it resumes where it stopped. Until then no worker may start.',
    ];
  }
  const lines = [...facts, 'The mirror is rebuilt, and nothing was posted. Next: start a worker.'];
  if (count('rebuild') > 0) {
    lines.push(
      `${formatCount(count('rebuild'))} succeeded in Stripe and are not in the ledger; they may have been dismissed before. See: ${commandLine('parked list --reason rebuild')}`,
      `Post those that belong there: ${commandLine('parked retry --reason rebuild')}. Leave one out: ${commandLine('parked dismiss <reference> --why "..."')}`,
    );
  }
  if (parked.some(({ reason }) => reason !== 'rebuild')) {
    lines.push(`See why the others are parked: ${commandLine('parked list')}`);
  }
  return [...lines, `To prove every day: ${commandLine(`prove --from ${utcDay(startsAt)}`)}`];
}
