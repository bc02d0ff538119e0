/** Composition: the ports between stages, vendors and stores with a span around what takes time. Stages know nothing of it. */
import type { PaymentFeeds } from '../collect/ports.js';
import { addToSpan, inSpan } from '../observability/spans.js';
import type { JobHandlers } from '../queue/job-queue.js';
import type { Ports } from './decorated-ports.js';

/** The same port, or one around it. */
export function tracedPort<Name extends keyof Ports>(name: Name, port: Ports[Name]): Ports[Name] {
  const trace: ((port: Ports[Name]) => Ports[Name]) | undefined = TRACED[name];
  return trace?.(port) ?? port;
}

export function tracedJobs(handlers: JobHandlers): JobHandlers {
  return {
    isDue: handlers.isDue,
    sync: (trigger) => inSpan({ name: 'sync', attributes: { trigger } }, () => handlers.sync(trigger)),
    part: (part) =>
      inSpan({ name: 'backfill part', attributes: { backfill: part.backfillId } }, () => handlers.part(part)),
    lane: (lane, mayGoOn) =>
      inSpan({ name: 'post lane', attributes: { currency: lane.currency } }, () => handlers.lane(lane, mayGoOn)),
    proofs: () => inSpan({ name: 'prove days' }, () => handlers.proofs()),
  };
}

const TRACED: { readonly [Name in keyof Ports]?: (port: Ports[Name]) => Ports[Name] } = {
  feeds: tracedFeeds,
  collectStore: (store) => ({
    ...store,
    async openRun(run) {
      const opened = await store.openRun(run);
      addToSpan({ run: opened.id, feed: opened.feed });
      return opened;
    },
    storePage: (run, page) =>
      inSpan(
        { name: 'store page', attributes: { run: run.id, feed: run.feed } },
        () => store.storePage(run, page),
        ({ stored, knownBefore }) => ({ stored, known_before: knownBefore }),
      ),
  }),
  ledger: (ledger) => ({
    ...ledger,
    post: (body, assertMaySend) =>
      inSpan(
        { name: 'post chunk', attributes: { postings: 1 } },
        () => ledger.post(body, assertMaySend),
        ({ kind }) => ({ answer: kind }),
      ),
    postBulk: (bodies, assertMaySend) =>
      inSpan(
        { name: 'post chunk', attributes: { postings: bodies.length } },
        () => ledger.postBulk(bodies, assertMaySend),
        ({ kind }) => ({ answer: kind }),
      ),
    findByReference: (references) =>
      inSpan(
        { name: 'look up', attributes: { references: references.length } },
        () => ledger.findByReference(references),
        (rows) => ({ rows: rows.length }),
      ),
  }),
  prover: (prover) => ({
    ...prover,
    proveDay: (request) =>
      inSpan(
        { name: 'prove day', attributes: { day: request.day } },
        () => prover.proveDay(request),
        ({ certificates, stripeRequests, ledgerRequests }) => ({
          ...{ currencies: certificates.length, stripe_requests: stripeRequests, ledger_requests: ledgerRequests },
        }),
      ),
  }),
};

function tracedFeeds(feeds: PaymentFeeds): PaymentFeeds {
  const page = <Page extends { readonly hasMore: boolean }>(feed: string, read: () => Promise<Page>): Promise<Page> =>
    inSpan({ name: 'read page', attributes: { feed } }, read, ({ hasMore }) => ({ has_more: hasMore }));
  return {
    ...feeds,
    succeededEvents: (request) => page('events', () => feeds.succeededEvents(request)),
    paymentIntents: (request) => page('payment_intents', () => feeds.paymentIntents(request)),
    newerIntents: (request) => page('payment_intents', () => feeds.newerIntents(request)),
    charges: (request) => page('charges', () => feeds.charges(request)),
  };
}
