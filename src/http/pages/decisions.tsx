/** What forms send: each is an operation in the name of whoever sent it, and ends in a page that says what was done. */
import type { Context, Hono } from 'hono';
import { formatCount } from '../../core/base/time-text.js';
import type { ParkingReason } from '../../core/posting/posting.js';
import type { DismissOutcome } from '../../db/postings/parked-store.js';
import { PROVEN_AGAIN } from '../../views/decision-text.js';
import { actorOf, type Environment, needAdmin } from '../access.js';
import { REASONS } from '../api/schemas.js';
import { refuse } from '../problem.js';
import { pathOf } from './addresses.js';
import { mirrorOf, type PagesPorts, render } from './frame.js';
import { Confirm, Decided, type Decision, type Rest } from './parked.js';
import { nameOf, readFields, textOf, whyOf } from './signature.js';

/** Decided by one request, which takes some seconds. */
const REFERENCES_MAX = 1_000;

export function addDecisions(app: Hono<Environment>, ports: PagesPorts): void {
  const frame = async (title: string) => ({
    ...{ title, place: '/parked', mirror: await mirrorOf(ports), same: { command: null, api: null } },
  });
  app.post('/sync', async (c) => {
    needAdmin(c);
    const operations = await ports.operationsFor(actorOf(c, true));
    const { requestedAt } = await operations.requestSync();
    return c.redirect(pathOf('/runs', { empty: 'true', asked: requestedAt.toISOString() }), 303);
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
    const chosen = await confirmedChoice(ports, form);
    if (chosen === null) return confirm(c, form, CHANGED);
    const operations = await ports.operationsFor(actorOf(c, true));
    const { outcome, queueFault } = await operations.retryParked({ references: chosen.references });
    const heading = outcome.retried === 0 ? NOTHING_DONE : `${payments(outcome.retried)} will be posted again`;
    const lines = [
      ...outcome.stillParked.map((one) => `${one.reference} stays parked: ${one.detail}`),
      ...outcome.notParked.map((reference) => `${reference} was not parked.`),
      ...(queueFault === null ? [] : ['The queue could not be told; a worker finds them within a minute.']),
    ];
    const rest = await restOf(ports, form, chosen);
    return render(c, ports, await frame('Retried'), <Decided {...{ heading, lines, rest }} />);
  });
  app.post('/parked/dismiss', async (c) => {
    needAdmin(c);
    const form = await readForm(c);
    const dismissal: Form = { ...form, what: 'dismiss' };
    const { why, by } = form;
    if (why === null || by === null) {
      return confirm(c, dismissal, 'Say why, and who you are: both are kept with the decision.');
    }
    const chosen = await confirmedChoice(ports, form);
    if (chosen === null) return confirm(c, dismissal, CHANGED);
    const operations = await ports.operationsFor({ ...actorOf(c, true), name: by });
    const lines: string[] = [];
    let dismissed = 0;
    await operations.dismissParked(
      { references: chosen.references, why, by },
      {
        onDecided(reference, outcome) {
          if (outcome === 'dismissed') dismissed += 1;
          lines.push(`${reference} ${DISMISSED[outcome]}.`);
        },
      },
    );
    const heading =
      dismissed === 0 ? NOTHING_DONE : `${payments(dismissed)} ${dismissed === 1 ? 'stays' : 'stay'} out of the ledger`;
    const told = dismissed === 0 ? lines : [PROVEN_AGAIN, ...lines];
    const rest = await restOf(ports, dismissal, chosen);
    return render(c, ports, await frame('Dismissed'), <Decided {...{ heading, lines: told, rest }} />);
  });
}

const NOTHING_DONE = 'Nothing was changed';

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
  /** Of a reason: those after this one in the list; null: from the first on. */
  readonly after: string | null;
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
    after: textOf(form, 'after') || null,
    standing: textOf(form, 'standing'),
  };
}

interface Chosen {
  readonly references: readonly string[];
  /** Of a reason: after which the next ones stand; null when these are the last. */
  readonly next: string | null;
  /** Of a reason, with those that one request does not decide. */
  readonly all: number;
}

async function toDecision(ports: PagesPorts, form: Form): Promise<Decision> {
  const { what, reason, after } = form;
  const { references, all } = await choiceOf(ports, form);
  const standing = await ports.reads.standingOf(references);
  return {
    ...{ what, reason, after, all, standing },
    references: reason === null ? references : [],
    count: references.length,
  };
}

const CHANGED =
  'Somebody, or a worker, changed something of it since you looked. Nothing was done; this is how it stands now.';

/** What was shown has to be what is done, to the payment and the state of each: null when it is not so any more. */
async function confirmedChoice(ports: PagesPorts, form: Form): Promise<Chosen | null> {
  const chosen = await choiceOf(ports, form);
  return (await ports.reads.standingOf(chosen.references)) === form.standing ? chosen : null;
}

/** Of a reason as many as are decided while somebody waits for an answer: each is a statement of its own. */
async function choiceOf(
  { reads }: PagesPorts,
  { references, reason, after }: Pick<Form, 'references' | 'reason' | 'after'>,
): Promise<Chosen> {
  if (reason === null) return { references, next: null, all: references.length };
  const page = await reads.parked({ limit: REFERENCES_MAX, reason, ...(after === null ? {} : { after }) });
  return { references: page.payments.map(({ reference }) => reference), next: page.next, all: page.count };
}

/** What of a reason was not decided with these; null when nothing is left. */
async function restOf({ reads }: PagesPorts, { what, reason }: Form, { next }: Chosen): Promise<Rest | null> {
  if (reason === null || next === null) return null;
  const { count } = await reads.parked({ limit: 1, reason });
  return { what, reason, after: next, parked: count };
}

function payments(count: number): string {
  return `${formatCount(count)} ${count === 1 ? 'payment' : 'payments'}`;
}
