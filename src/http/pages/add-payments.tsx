/** Payments: the list with its search, and one of them. */
import type { Hono } from 'hono';
import { type Environment, needAccess } from '../access.js';
import { PAYMENT_STATES } from '../api/schemas.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { commandOf, dayOf, firstOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mayAct, mirrorOf, type PagesPorts, ROWS, render } from './frame.js';
import { Payment, Payments } from './payments.js';

export function addPayments(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/payments', async (c) => {
    const asked = queryOf(c, ['q', 'state', 'currency', 'from', 'to', 'after']);
    const state = oneOf(PAYMENT_STATES, asked.state);
    const currency = /^[A-Za-z]{3}$/.test(asked.currency ?? '') ? asked.currency?.toUpperCase() : undefined;
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
  app.get('/payments/:reference', async (c) => {
    const reference = c.req.param('reference');
    const payment = await ports.reads.show(reference);
    if (payment === null)
      throw refuse(
        404,
        'http_not_found',
        `No payment has the reference ${JSON.stringify(reference.slice(0, 100))}; search for it at /payments`,
      );
    const about = {
      ...{
        title: payment.reference,
        place: '/payments',
        mirror: await mirrorOf(ports),
        isLive: payment.state === 'pending',
      },
      same: {
        command: commandOf(['parked', 'show', payment.reference]),
        api: `/payments/${encodeURIComponent(payment.reference)}`,
      },
    };
    return render(c, ports, about, <Payment payment={payment} now={ports.now()} mayAct={mayAct(needAccess(c))} />);
  });
}
