/** What is parked. */
import type { Hono } from 'hono';
import type { ParkedPage } from '../../db/reads/parked.js';
import { type Environment, needAccess } from '../access.js';
import { REASONS } from '../api/schemas.js';
import { given } from '../given.js';
import { commandOf, csvOf, firstOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mayAct, type PagesPorts, ROWS, render } from './frame.js';
import { Parked } from './parked.js';

const NONE: ParkedPage = { payments: [], next: null, count: 0 };

export function addParked(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/parked', async (c) => {
    const asked = queryOf(c, ['reason', 'dismissed', 'after']);
    const reason = oneOf(REASONS, asked.reason);
    const isWithDismissed = asked.dismissed === 'true';
    const unknown = reason === undefined ? asked.reason : undefined;
    const query = { limit: ROWS, includeDismissed: isWithDismissed, ...given({ reason, after: asked.after }) };
    const [status, page] = await Promise.all([
      ports.reads.status(),
      // What no payment can be parked for is not answered with all of them.
      unknown === undefined ? ports.reads.parked(query) : NONE,
    ]);
    const about = {
      ...{ title: 'Parked', place: '/parked', mirror: status.mirror, isLive: asked.after === undefined },
      same:
        unknown === undefined
          ? {
              command: commandOf(['parked', 'list', ...(isWithDismissed ? ['--dismissed'] : [])], given({ reason })),
              // Parked and dismissed are two states, and a request asks for one of them.
              api: isWithDismissed ? null : pathOf('/payments', { state: 'parked', ...given({ reason }) }),
              csv: csvOf('/parked', asked),
            }
          : { command: null, api: null },
    };
    return render(
      c,
      ports,
      about,
      <Parked
        {...{
          page,
          asked,
          unknown,
          reasons: status.parked,
          now: ports.now(),
          mayAct: mayAct(needAccess(c)),
        }}
        older={olderOf('/parked', asked, page.next)}
        first={firstOf('/parked', asked)}
      />,
    );
  });
}
