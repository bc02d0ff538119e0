/** What is parked. */
import type { Hono } from 'hono';
import { type Environment, needAccess } from '../access.js';
import { REASONS } from '../api/schemas.js';
import { given } from '../given.js';
import { commandOf, csvOf, firstOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mayAct, type PagesPorts, ROWS, render } from './frame.js';
import { Parked } from './parked.js';

export function addParked(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/parked', async (c) => {
    const asked = queryOf(c, ['reason', 'dismissed', 'after']);
    const reason = oneOf(REASONS, asked.reason);
    const isWithDismissed = asked.dismissed === 'true';
    const [status, page] = await Promise.all([
      ports.reads.status(),
      ports.reads.parked({
        limit: ROWS,
        includeDismissed: isWithDismissed,
        ...given({ reason, after: asked.after }),
      }),
    ]);
    const about = {
      ...{ title: 'Parked', place: '/parked', mirror: status.mirror, isLive: asked.after === undefined },
      same: {
        command: commandOf(['parked', 'list', ...(isWithDismissed ? ['--dismissed'] : [])], given({ reason })),
        // Parked and dismissed are two states, and a request asks for one of them.
        api: isWithDismissed ? null : pathOf('/payments', { state: 'parked', ...given({ reason }) }),
        csv: csvOf('/parked', asked),
      },
    };
    return render(
      c,
      ports,
      about,
      <Parked
        {...{
          page,
          asked: { ...asked, ...given({ reason }) },
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
