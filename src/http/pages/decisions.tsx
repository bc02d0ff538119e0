/** What forms send: each is an operation in the name of whoever sent it, and ends in a page that says what was done. */
import type { Context, Hono } from 'hono';
import type { ParkingReason } from '../../core/posting/posting.js';
import type { DismissOutcome } from '../../db/postings/parked-store.js';
import { PROVEN_AGAIN } from '../../views/decision-text.js';
import { actorOf, type Environment, needAdmin } from '../access.js';
import { REASONS } from '../api/schemas.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { mirrorOf, type PagesPorts, render } from './frame.js';
import { Confirm, Decided, type Decision } from './parked.js';
import { nameOf, readFields, textOf, whyOf } from './signature.js';

const REFERENCES_MAX = 1_000;

export function addDecisions(app: Hono<Environment>, ports: PagesPorts): void {
  const frame = async (title: string) => ({
    ...{ title, place: '/parked', mirror: await mirrorOf(ports), same: { command: null, api: null } },
  });
  app.post('/sync', async (c) => {
    needAdmin(c);
    const operations = await ports.operationsFor(actorOf(c, true));
    await operations.requestSync();
    return c.redirect('/runs?empty=true', 303);
  });
  const confirm = async (c: Context<Environment>, form: Form, problem: string | null) => {
    const decision = await toDecision(ports, form);
    return render(c, ports, await frame('Confirm'), <Confirm decision={decision} problem={problem} />);
  };
  app.post('/parked/confirm', async (c) => {
    needAdmin(c);
    return confirm(c, await readForm(c), null);
  });
  app.post('/parked/retry', async (c) => {
    needAdmin(c);
    const form = await readForm(c);
    const references = await confirmedReferences(ports, form);
    if (references === null) return confirm(c, form, CHANGED);
    const operations = await ports.operationsFor(actorOf(c, true));
    const { outcome, queueFault } = await operations.retryParked({ references });
    const lines = [
      `${outcome.retried} are posted again.`,
      ...outcome.stillParked.map((one) => `${one.reference} stays parked: ${one.detail}`),
      ...outcome.notParked.map((reference) => `${reference} was not parked.`),
      ...(queueFault === null ? [] : ['The queue could not be told; a worker finds them within a minute.']),
    ];
    return render(c, ports, await frame('Retried'), <Decided lines={lines} />);
  });
  app.post('/parked/dismiss', async (c) => {
    needAdmin(c);
    const form = await readForm(c);
    const dismissal: Form = { ...form, what: 'dismiss' };
    const { why, by } = form;
    if (why === null || by === null) {
      return confirm(c, dismissal, 'Say why, and who you are: both are kept with the decision.');
    }
    const references = await confirmedReferences(ports, form);
    if (references === null) return confirm(c, dismissal, CHANGED);
    const operations = await ports.operationsFor({ ...actorOf(c, true), name: by });
    const lines: string[] = [];
    let isAnyDismissed = false;
    await operations.dismissParked(
      { references, why, by },
      {
        onDecided(reference, outcome) {
          isAnyDismissed ||= outcome === 'dismissed';
          lines.push(`${reference} ${DISMISSED[outcome]}.`);
        },
      },
    );
    if (isAnyDismissed) lines.push(PROVEN_AGAIN);
    return render(c, ports, await frame('Dismissed'), <Decided lines={lines} />);
  });
}

const DISMISSED: Readonly<Record<DismissOutcome, string>> = {
  dismissed: 'stays out of the ledger',
  already_dismissed: 'was dismissed before',
  not_parked: 'is not parked any more; nothing was changed',
  unknown: 'is not known here',
};

interface Form {
  readonly what: 'retry' | 'dismiss';
  readonly references: readonly string[];
  readonly reason: ParkingReason | null;
  readonly why: string | null;
  readonly by: string | null;
  /** How they stood when they were shown; empty before that. */
  readonly standing: string;
}

async function readForm(c: Context<Environment>): Promise<Form> {
  const form = await readFields(c);
  const references = [
    ...new Set(form.getAll('reference').filter((value): value is string => typeof value === 'string')),
  ];
  const reason = REASONS.find((one) => one === textOf(form, 'reason')) ?? null;
  if (references.length === 0 && reason === null) {
    throw refuse(422, 'http_request_invalid', 'No payment was chosen; go back and choose at least one');
  }
  if (references.length > REFERENCES_MAX) {
    throw refuse(
      422,
      'http_request_invalid',
      `${references.length} payments were chosen; allowed are ${REFERENCES_MAX} at a time`,
    );
  }
  return {
    what: textOf(form, 'what') === 'dismiss' ? 'dismiss' : 'retry',
    ...{ references, reason, why: whyOf(form), by: nameOf(form) },
    standing: textOf(form, 'standing'),
  };
}

async function toDecision(ports: PagesPorts, { what, references, reason }: Form): Promise<Decision> {
  const all = await referencesOf(ports, { references, reason });
  const standing = await ports.reads.standingOf(all);
  return { what, references: reason === null ? references : [], reason, count: all.length, standing };
}

const CHANGED =
  'Somebody, or a worker, changed something of it since you looked. Nothing was done; this is how it stands now.';

/** What was shown has to be what is done, to the payment and the state of each: null when it is not so any more. */
async function confirmedReferences(ports: PagesPorts, form: Form): Promise<readonly string[] | null> {
  const references = await referencesOf(ports, form);
  return (await ports.reads.standingOf(references)) === form.standing ? references : null;
}

/** Of a reason, all that are parked for it. */
async function referencesOf(
  { reads }: PagesPorts,
  { references, reason }: Pick<Form, 'references' | 'reason'>,
): Promise<readonly string[]> {
  if (reason === null) return references;
  const found: string[] = [];
  let after: string | null | undefined;
  while (after !== null) {
    const page = await reads.parked({ limit: REFERENCES_MAX, reason, ...given({ after }) });
    found.push(...page.payments.map(({ reference }) => reference));
    after = page.next;
  }
  return found;
}
