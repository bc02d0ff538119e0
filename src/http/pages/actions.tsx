/** What people did: who asked for what, why, and what came of it. */
import type { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { ACTION_KINDS } from '../../core/base/action.js';
import type { ActionPage, ActionRecord } from '../../db/actions/action-store.js';
import type { Environment } from '../access.js';
import { given } from '../given.js';
import { commandOf, csvOf, firstOf, olderOf, oneOf, pathOf, queryOf } from './addresses.js';
import { mirrorOf, type PagesPorts, ROWS, render } from './frame.js';
import { Choice, Id, Live, Older, Payment, Table, Text, Time } from './parts.js';

export function addActions(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/actions', async (c) => {
    const { about: subject, kind: asked, after } = queryOf(c, ['about', 'kind', 'after']);
    const kind = oneOf(ACTION_KINDS, asked);
    const position = /^\d{1,18}$/.test(after ?? '') ? after : undefined;
    const page = await ports.reads.actions({ limit: ROWS, ...given({ subject, kind, after: position }) });
    const stored = await ports.reads.storedOf(page.actions.flatMap(({ subject: of }) => of ?? []));
    const about = {
      ...{ title: 'Actions', place: '/actions', mirror: await mirrorOf(ports), isLive: after === undefined },
      same: {
        command: commandOf(['actions'], given({ about: subject, kind })),
        api: pathOf('/actions', given({ subject, kind })),
        csv: csvOf('/actions', given({ about: subject, kind })),
      },
    };
    const filters = given({ about: subject, kind });
    const [older, first] = [olderOf('/actions', filters, page.next), firstOf('/actions', filters)];
    return render(
      c,
      ports,
      about,
      <Actions
        {...{ page, stored, about: subject ?? null, kind, isFirst: after === undefined, now: ports.now() }}
        {...{ older, first }}
      />,
    );
  });
}

const Actions: FC<{
  readonly page: ActionPage;
  /** Which of the subjects are payments with a page. */
  readonly stored: ReadonlySet<string>;
  readonly about: string | null;
  readonly kind: string | undefined;
  readonly isFirst: boolean;
  readonly now: Date;
  readonly older: string | null;
  readonly first: string;
}> = ({ page, stored, about, kind, isFirst, now, older, first }) => (
  <>
    <h1>
      What people did
      {about === null ? (
        ''
      ) : (
        <>
          {' '}
          to <Id value={about} />
        </>
      )}
    </h1>
    <form method="get" class="filters">
      <Choice name="kind" label="What" options={ACTION_KINDS} chosen={kind} />
      <label>
        About
        <input name="about" value={about ?? ''} placeholder="payment, run, day or plan" />
      </label>
      <button type="submit">Filter</button>
      <a href="/actions">Clear</a>
    </form>
    <Live id="list">
      <Table
        columns={[
          { title: 'When', cell: ({ at }) => <Time at={at} now={now} /> },
          { title: 'What', cell: ({ kind }) => kind.replaceAll('_', ' ') },
          { title: 'About', cell: (action) => <Subject action={action} stored={stored} /> },
          { title: 'Who', cell: ({ actor, origin }) => <Text of={`${actor}, ${origin}`} /> },
          { title: 'Why', cell: ({ why }) => (why === null ? '' : <Text of={why} />) },
          { title: 'Result', cell: ({ result }) => <Text of={result} /> },
        ]}
        rows={page.actions}
        empty={
          about === null && kind === undefined
            ? 'Nobody asked for anything yet: what workers do by themselves stands with the runs.'
            : 'Nobody did that.'
        }
      />
    </Live>
    <Older href={older} isFirst={isFirst} first={first} />
  </>
);

const Subject: FC<{ readonly action: ActionRecord; readonly stored: ReadonlySet<string> }> = ({
  action: { kind, subject },
  stored,
}) => {
  if (subject === null) return null;
  if (kind === 'backfill') return <Id value={subject} short={13} href={`/runs/${subject}`} />;
  if (kind === 'repair_plan' || kind === 'repair_apply')
    return <Id value={subject} short={13} href={`/repairs/${subject}`} />;
  if (/^\d{4}-\d\d-\d\d$/.test(subject)) return <a href={`/days/${subject}`}>{subject}</a>;
  return <Payment id={subject} stored={stored} />;
};
