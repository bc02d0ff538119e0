/** Payments: the list with its search, and one of them. */
import type { Context, Hono } from 'hono';
import type { PaymentSides } from '../../db/reads/parked.js';
import type { ComparedPayment } from '../../operations/compare-payment.js';
import { type Environment, needAccess, needAdmin } from '../access.js';
import { PAYMENT_STATES } from '../api/schemas.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { commandOf, csvOf, currencyOf, dayOf, firstOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mayAct, mirrorOf, type PagesPorts, ROWS, render } from './frame.js';
import { Payment, Payments } from './payments.js';

export function addPayments(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/payments', async (c) => {
    const asked = queryOf(c, ['q', 'state', 'currency', 'from', 'to', 'after']);
    const state = oneOf(PAYMENT_STATES, asked.state);
    const currency = currencyOf(asked.currency);
    const [from, to] = [dayOf(asked.from), dayOf(asked.to)];
    const filters = given({ state, currency, from, to });
    const search = asked.q?.slice(0, 300);
    const page = await ports.reads.payments({ limit: ROWS, ...filters, ...given({ search, after: asked.after }) });
    const [only] = page.payments;
    // A whole id leads straight to its payment.
    if (
      search !== undefined &&
      page.payments.length === 1 &&
      only !== undefined &&
      page.next === null &&
      !/^(?:cus_|@)/.test(search)
    ) {
      return c.redirect(`/payments/${encodeURIComponent(only.reference)}`);
    }
    const about = {
      ...{ title: 'Payments', place: '/payments', mirror: await mirrorOf(ports), isLive: asked.after === undefined },
      same: {
        command: commandOf(search === undefined ? ['payments'] : ['payments', search], filters),
        api: pathOf('/payments', { ...filters, ...given({ q: search }) }),
        csv: csvOf('/payments', asked),
      },
    };
    return render(
      c,
      ports,
      about,
      <Payments
        page={page}
        asked={asked}
        older={olderOf('/payments', asked, page.next)}
        first={firstOf('/payments', asked)}
      />,
    );
  });
  app.get('/payments/:reference', (c) => show(c, ports, c.req.param('reference'), null));
  // What was compared is shown once: whoever loads the page again, or follows it, gets the payment.
  app.get('/payments/:reference/compare', (c) =>
    c.redirect(`/payments/${encodeURIComponent(c.req.param('reference'))}`, 303),
  );
  app.post('/payments/:reference/compare', async (c) => {
    needAdmin(c);
    const reference = c.req.param('reference');
    return show(c, ports, reference, await ports.sides.compare(reference));
  });
}

async function show(
  c: Context<Environment>,
  ports: PagesPorts,
  reference: string,
  compared: ComparedPayment | null,
): Promise<Response> {
  const payment = await ports.reads.show(reference);
  if (payment === null)
    throw refuse(
      404,
      'http_not_found',
      `No payment has the reference ${JSON.stringify(reference.slice(0, 100))}; search for it at /payments`,
    );
  const path = `/payments/${encodeURIComponent(payment.reference)}`;
  const isLive = payment.state === 'pending' && compared === null;
  const about = {
    ...{ title: payment.reference, place: '/payments', mirror: await mirrorOf(ports), isLive },
    same: {
      // What nobody has to decide is not looked for among what is parked.
      command: commandOf(
        payment.state === 'posted' ? ['payments', payment.reference] : ['parked', 'show', payment.reference],
      ),
      api: path,
    },
  };
  const { ledgerRowUrl } = ports.config;
  return render(
    c,
    ports,
    about,
    <Payment
      {...{ payment, compared, now: ports.now(), mayAct: mayAct(needAccess(c)) }}
      {...{ whyNotCompared: ports.sides.whyNot, ledgerUrl: ledgerUrlOf(ledgerRowUrl, payment) }}
    />,
  );
}

/** Null where nothing is said of where the ledger's rows are, or there is none yet. */
function ledgerUrlOf(
  template: string | null,
  { transactionId, reference }: Pick<PaymentSides, 'transactionId' | 'reference'>,
): string | null {
  if (template === null || transactionId === null) return null;
  return template
    .replaceAll('{transaction_id}', encodeURIComponent(transactionId))
    .replaceAll('{reference}', encodeURIComponent(reference));
}
