/** What is wrong with what the mirror works with: its ledger, the keys, the clocks and the queue. Pure. */

import { commandLine } from '../base/own-command.js';
import { clockFaultText } from '../coverage/agree-on-time.js';
import { describeQueueFault, type NotedQueueFault } from '../queue/queue-fault.js';
import type { VerdictFacts } from './facts.js';
import { type Need, need, utc } from './need.js';

/** Empty while the ledger is the one that was posted to, or nothing was posted yet. */
export function needsOfLedger({ ledger }: VerdictFacts): Need[] {
  if (ledger === null) return [];
  const since = ledger.since === null ? '' : ` since ${utc(ledger.since)}`;
  const detail = ledger.detail ?? '';
  switch (ledger.state) {
    case 'unchecked':
    case 'same':
      return [];
    case 'rows_missing':
      return [need('ledger_rows_missing', `Posted payments are missing in the ledger${since}: ${detail}`)];
    case 'in_doubt':
      return [
        need(
          'ledger_in_doubt',
          `The ledger does not look like the one that was posted to${since}: ${detail}. Nothing is posted or proven meanwhile. ` +
            'Workers look again by themselves; after ten minutes they take it for another ledger and stop.',
        ),
      ];
    case 'other':
      return [
        need(
          'other_ledger',
          `This is another ledger than the one that was posted to${since}: ${detail}. Nothing is posted to it. Wrong address or ` +
            'instance: set BLNK_API_BASE or BLNK_INSTANCE_ID back. Wiped or provisioned anew: begin a new mirror in a new ' +
            'database. Restored from a backup: docs/backup.md. The same ledger under a new instance id: ' +
            `${commandLine('mirror move --instance <id>')}. Then start the worker.`,
        ),
      ];
    default:
      return ledger.state satisfies never;
  }
}

/** What the keys lack, since when, what that means for the promise, and what to do. */
export function needsOfKeys({ mirror }: VerdictFacts): Need[] {
  if (mirror === null) return [];
  return [...needsOfStripeKey(mirror), ...needsOfBlnkKey(mirror)];
}

function needsOfBlnkKey({ balancesRefusedSince: since }: KnownMirror): Need[] {
  if (since === null) return [];
  return [
    need(
      'blnk_balances_refused',
      `The Blnk key has not been allowed to read balances since ${utc(since)}: proofs cannot check the movement of the source ` +
        'balance, so rows that belong to no payment go unnoticed, and a day can at best be sealed with that exception. Make a key ' +
        'with the scope proxy:read as well (a key of a Core: balances:read) and give it as BLNK_API_KEY.',
    ),
  ];
}

type KnownMirror = NonNullable<VerdictFacts['mirror']>;

function needsOfStripeKey(mirror: KnownMirror): Need[] {
  const { eventsRefusedSince: events, chargesRefusedSince: charges } = mirror;
  if (events !== null && charges !== null) {
    return [
      need(
        'stripe_events_and_charges_refused',
        `The Stripe key can read neither events (refused since ${utc(events)}) nor charges (refused since ${utc(charges)}): ` +
          'payments that succeed late are not seen, and completeness does not advance. Make a key with "Events: Read" and ' +
          '"Charges: Read" and give it as STRIPE_API_KEY.',
      ),
    ];
  }
  if (events !== null) {
    return [
      need(
        'stripe_events_refused',
        `The Stripe key has not been allowed to read events since ${utc(events)}: late payments are found by sweeps only; completeness ` +
          'ends at the last full sweep. Make a key with "Events: Read" and give it as STRIPE_API_KEY.',
      ),
    ];
  }
  if (charges !== null) {
    return [
      need(
        'stripe_charges_refused',
        `The Stripe key has not been allowed to read charges since ${utc(charges)}: no sweep can be read, so holes whose events are gone ` +
          'stay open. Make a key with "Charges: Read" and give it as STRIPE_API_KEY.',
      ),
    ];
  }
  return [];
}

/** Who is off, as the workers found it; one for each clock, the machines of workers each by its name. */
export function needsOfClocks({ workers, coveredAheadTo }: VerdictFacts): Need[] {
  const needs = new Map<string, Need>();
  for (const { host, clockFault } of workers) {
    if (clockFault === null) continue;
    const { code } = clockFault;
    const where = code === 'machine_clock_off' || code === 'clocks_disagree' ? ` (seen by the worker on ${host})` : '';
    needs.set(code + where, need(code, `${clockFaultText(clockFault)}${where}.`));
  }
  if (coveredAheadTo !== null) {
    needs.set(
      'coverage_ahead',
      need(
        'coverage_ahead',
        `What counts as read reaches to ${utc(coveredAheadTo)}, which has not come yet: an answer of Stripe ` +
          'once stated a wrong time, or the clocks of the database and of this machine are behind. A worker takes it back, and ' +
          'reads what it left out, at its next sync.',
      ),
    );
  }
  return [...needs.values()];
}

/** Each once, however many workers meet it. */
export function needsOfQueue({ workers, queueAway, now }: VerdictFacts): Need[] {
  const faults = new Map<string, NotedQueueFault>();
  const noted = workers.flatMap((worker) => worker.queueFaults);
  if (queueAway !== null && !noted.some(({ kind }) => kind === 'unreachable')) {
    noted.push({ kind: 'unreachable', queue: null, detail: queueAway, since: now });
  }
  for (const fault of noted) {
    const name = `${fault.kind} ${fault.queue}`;
    const known = faults.get(name);
    if (known === undefined || fault.since < known.since) faults.set(name, fault);
  }
  const meanwhile = workers.length === 0 ? '' : ' Meanwhile workers begin by themselves what is due.';
  return [...faults.values()].map((fault) => {
    const since = fault.since < now ? ` (since ${utc(fault.since)})` : '';
    const effect = fault.kind === 'evicts' ? '' : meanwhile;
    return need(`queue_${fault.kind}`, `${describeQueueFault(fault)}${since}.${effect}`);
  });
}
