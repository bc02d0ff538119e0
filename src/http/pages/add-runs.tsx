/** What ran: the list, and one run. */
import type { Hono } from 'hono';
import { FEEDS, TRIGGERS } from '../../core/coverage/sync-run.js';
import type { Environment } from '../access.js';
import { RUN_STATUSES } from '../api/schemas.js';
import { given } from '../given.js';
import { refuse } from '../problem.js';
import { commandOf, csvOf, dayOf, firstOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mirrorOf, type PagesPorts, ROWS, render } from './frame.js';
import { Run, Runs } from './runs.js';

export function addRuns(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/runs', async (c) => {
    const asked = queryOf(c, ['feed', 'status', 'trigger', 'from', 'to', 'empty', 'after']);
    const [feed, status, trigger] = [
      oneOf(FEEDS, asked.feed),
      oneOf(RUN_STATUSES, asked.status),
      oneOf(TRIGGERS, asked.trigger),
    ];
    const filters = given({ feed, status, trigger, from: dayOf(asked.from), to: dayOf(asked.to) });
    const requestedAt = timeOf(queryOf(c, ['asked']).asked);
    const servedBy =
      requestedAt === null ? null : await ports.reads.firstRunAfter({ feed: 'events', startedAfter: requestedAt });
    const isEmptyShown = asked.empty === 'true';
    const page = await ports.reads.runs({
      ...{ limit: ROWS, includeEmpty: isEmptyShown },
      ...{ ...filters, ...given({ after: asked.after }) },
    });
    // The command knows neither who asked for a run nor days.
    const isByCommand = trigger === undefined && filters.from === undefined && filters.to === undefined;
    const words = isEmptyShown ? ['runs', '--all'] : ['runs'];
    const about = {
      ...{ title: 'Runs', place: '/runs', mirror: await mirrorOf(ports), isLive: asked.after === undefined },
      same: {
        command: isByCommand ? commandOf(words, given({ feed, status })) : null,
        api: pathOf('/runs', isEmptyShown ? { ...filters, empty: 'true' } : filters),
        csv: csvOf('/runs', asked),
      },
    };
    return render(
      c,
      ports,
      about,
      <Runs
        page={page}
        asked={asked}
        sync={requestedAt === null ? null : { requestedAt, servedBy }}
        now={ports.now()}
        older={olderOf('/runs', asked, page.next)}
        first={firstOf('/runs', asked)}
      />,
    );
  });
  app.get('/runs/:id', async (c) => {
    const { after } = queryOf(c, ['after']);
    const id = c.req.param('id');
    const answer = await ports.reads.run(id);
    if (answer.kind !== 'found')
      throw refuse(
        404,
        'http_not_found',
        `No single run has an id that is or begins with ${JSON.stringify(id.slice(0, 60))}`,
      );
    const { run, parts } = answer;
    const payments = await ports.reads.runBatch(run.id, { limit: ROWS, ...given({ after }) });
    const older = payments.next === null ? null : `/runs/${run.id}?after=${encodeURIComponent(payments.next)}`;
    const about = {
      ...{ title: `Run ${run.id.slice(0, 13)}`, place: '/runs', mirror: await mirrorOf(ports), isLive: true },
      same: { command: `run ${run.id}`, api: `/runs/${run.id}` },
    };
    return render(
      c,
      ports,
      about,
      <Run {...{ run, parts, payments, older }} now={ports.now()} isFirst={after === undefined} />,
    );
  });
}

/** When a sync was asked for, as the page that asked wrote it. */
function timeOf(text: string | undefined): Date | null {
  if (text === undefined || !/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return null;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time;
}
