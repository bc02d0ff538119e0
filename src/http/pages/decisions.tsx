/** What forms send: each is an operation in the name of whoever sent it, and ends in a page that says what was done. */
import type { Context, Hono } from 'hono';
import type { ParkingReason } from '../../core/posting/posting.js';
import { isPlansDismissal } from '../../core/repair/repair-plan.js';
import type { DismissOutcome } from '../../db/postings/parked-store.js';
import { actorOf, type Environment, needAdmin } from '../access.js';
import { REASONS } from '../api/schemas.js';
import { refuse } from '../problem.js';
import { mirrorOf, type PagesPorts, render } from './frame.js';
import { Confirm, Decided, type Decision } from './parked.js';

const REFERENCES_MAX = 1_000;
const WHY_LENGTH_MAX = 500;

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
  app.post('/parked/confirm', async (c) => {
    needAdmin(c);
    const form = await readForm(c);
    const decision = await toDecision(ports, form);
    return render(c, ports, await frame('Confirm'), <Confirm decision={decision} problem={null} />);
  });
  app.post('/parked/retry', async (c) => {
    needAdmin(c);
    const { references, reason } = await readForm(c);
    const operations = await ports.operationsFor(actorOf(c, true));
    const { outcome, queueFault } = await operations.retryParked(reason === null ? { references } : { reason });
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
    const [why, by] = [form.why.trim(), form.by.trim()];
    if (why === '' || by === '' || isPlansDismissal(by)) {
      const decision = await toDecision(ports, { ...form, what: 'dismiss' });
      return render(
        c,
        ports,
        await frame('Confirm'),
        <Confirm decision={decision} problem="Say why, and who you are: both are kept with the decision." />,
      );
    }
    const operations = await ports.operationsFor({ ...actorOf(c, true), name: by.slice(0, 100) });
    const lines: string[] = [];
    await operations.dismissParked(
      { references: form.references, why: why.slice(0, WHY_LENGTH_MAX), by: by.slice(0, 100) },
      { onDecided: (reference, outcome) => void lines.push(`${reference} ${DISMISSED[outcome]}.`) },
    );
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
  readonly why: string;
  readonly by: string;
}

async function readForm(c: Context<Environment>): Promise<Form> {
  const form = await c.req.formData().catch(() => {
    throw refuse(415, 'http_media_type', 'The body has to be that of a form');
  });
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === 'string' ? value : '';
  };
  const references = [
    ...new Set(form.getAll('reference').filter((value): value is string => typeof value === 'string')),
  ];
  const reason = REASONS.find((one) => one === text('reason')) ?? null;
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
    what: text('what') === 'dismiss' ? 'dismiss' : 'retry',
    references,
    reason,
    why: text('why'),
    by: text('by'),
  };
}

async function toDecision({ reads }: PagesPorts, { what, references, reason }: Form): Promise<Decision> {
  if (reason === null) return { what, references, reason, count: references.length };
  const { count } = await reads.parked({ limit: 1, reason });
  return { what, references: [], reason, count };
}
