/** What people did, what is configured, logging in, and pages of faults. */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import type { ActionPage, ActionRecord } from '../../db/actions/action-store.js';
import type { StatusRecord } from '../../db/reads/status.js';
import type { SettingRecord } from '../ports.js';
import type { Problem } from '../problem.js';
import { Shell } from './layout.js';
import { Facts, Id, Live, Older, Table, Text, Time } from './parts.js';

export const Actions: FC<{
  readonly page: ActionPage;
  readonly about: string | null;
  readonly isFirst: boolean;
  readonly now: Date;
  readonly older: string | null;
}> = ({ page, about, isFirst, now, older }) => (
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
    <Live id="list">
      <Table
        columns={[
          { title: 'When', cell: ({ at }) => <Time at={at} now={now} /> },
          { title: 'What', cell: ({ kind }) => kind.replaceAll('_', ' ') },
          { title: 'About', cell: (action) => <Subject action={action} /> },
          { title: 'Who', cell: ({ actor, origin }) => <Text of={`${actor}, ${origin}`} /> },
          { title: 'Why', cell: ({ why }) => (why === null ? '' : <Text of={why} />) },
          { title: 'Result', cell: ({ result }) => <Text of={result} /> },
        ]}
        rows={page.actions}
        empty="Nobody asked for anything yet: what workers do by themselves stands with the runs."
      />
    </Live>
    <Older href={older} isFirst={isFirst} first="/actions" />
  </>
);

const Subject: FC<{ readonly action: ActionRecord }> = ({ action: { kind, subject } }) => {
  if (subject === null) return null;
  if (kind === 'backfill') return <Id value={subject} short={13} href={`/runs/${subject}`} />;
  if (/^pi_/.test(subject)) return <Id value={subject} href={`/payments/${encodeURIComponent(subject)}`} />;
  if (/^\d{4}-\d\d-\d\d$/.test(subject)) return <a href={`/days/${subject}`}>{subject}</a>;
  return <Id value={subject} />;
};

export const Settings: FC<{ readonly settings: readonly SettingRecord[]; readonly status: StatusRecord }> = ({
  settings,
  status,
}) => (
  <>
    <h1>Settings</h1>
    <Facts
      of={[
        ['Stripe account', status.mirror?.stripeAccount ?? 'not known'],
        ['Mode', status.mirror === null ? 'not known' : status.mirror.livemode ? 'live' : 'test'],
        ['Blnk instance', status.mirror?.blnkInstance ?? 'not known'],
        ['Mirrors from', status.mirror === null ? 'not known' : <Time at={status.mirror.startsAt} />],
        ['Events', permission(status.mirror?.eventsRefusedSince)],
        ['Charges', permission(status.mirror?.chargesRefusedSince)],
        ['Sync every', `${formatCount(Math.round(status.intervalMs / 1_000))} s, in force`],
      ]}
    />
    <h2>Workers</h2>
    <Table
      columns={[
        { title: 'Host', cell: ({ host, pid }) => `${host} (${pid})` },
        { title: 'Version', cell: ({ version }) => version },
        { title: 'Seen', cell: ({ seenAt }) => <Time at={seenAt} now={status.now} /> },
      ]}
      rows={status.workers}
      empty="No worker is running."
    />
    <h2>Variables of this process</h2>
    <Table
      columns={[
        { title: 'Variable', cell: ({ variable }) => <code>{variable}</code> },
        { title: 'Value', cell: ({ value, note }) => <Text of={note ?? value ?? '–'} /> },
        { title: 'From', cell: ({ from }) => from },
      ]}
      rows={settings}
      caption="Secrets are never shown"
      empty="This process was told nothing of its variables."
    />
  </>
);

function permission(refusedSince: Date | null | undefined) {
  if (refusedSince === undefined) return 'not known';
  if (refusedSince === null) return '✓ may be read';
  return (
    <>
      ✕ refused since <Time at={refusedSince} />
    </>
  );
}

export const Login: FC<{ readonly next: string; readonly problem: string | null }> = ({ next, problem }) => (
  <Shell title="Log in">
    <main id="content">
      <h1>Log in</h1>
      <p>Pages of this mirror need a token: ADMIN_TOKEN may change things, VIEWER_TOKEN may read.</p>
      {problem === null ? '' : <p class="answer bad">{problem}</p>}
      <form method="post" action="/login">
        <input type="hidden" name="next" value={next} />
        {/* For password managers, which keep a token by a name. */}
        <input type="text" name="username" value="stripe-blnk-sync" autocomplete="username" hidden readonly />
        <p>
          <label>
            Token
            <br />
            <input type="password" name="token" required autocomplete="current-password" size={40} />
          </label>
        </p>
        <button type="submit" class="first">
          Log in
        </button>
      </form>
    </main>
  </Shell>
);

/** What a link for one log-in opens. Only the button logs in. */
export const LoginByLink: FC<{ readonly secret: string }> = ({ secret }) => (
  <Shell title="Log in">
    <main id="content">
      <h1>Log in</h1>
      <p>This link logs in one browser, once. The session lasts 12 hours.</p>
      <form method="post" action="/login/link">
        <input type="hidden" name="secret" value={secret} />
        <button type="submit" class="first">
          Log in
        </button>
      </form>
    </main>
  </Shell>
);

/** A page that says what happened and where to go; of a database that is away one that comes back by itself. */
export const Fault: FC<{ readonly problem: Problem; readonly requestId: string }> = ({ problem, requestId }) => (
  <Shell title={problem.title} {...(problem.status === 503 ? { refreshAfterS: problem.retryAfterS ?? 5 } : {})}>
    <main id="content">
      <h1>{problem.title}</h1>
      <p class="answer attention">
        <Text of={problem.detail} />
      </p>
      <p>
        {problem.status === 503 ? 'This page tries again by itself. Payments go on without it. ' : ''}
        <a href={`/runbook#${problem.code}`}>{problem.code} in the runbook</a> · <a href="/">Overview</a>
      </p>
      <p class="quiet">Request {requestId}</p>
    </main>
  </Shell>
);

/** Once, for whoever follows a link from elsewhere: the browser sends the session with a request of the site's own. */
export const Again: FC<{ readonly path: string }> = ({ path }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Stripe → Blnk</title>
      <meta http-equiv="refresh" content={`0; url=${path}`} />
    </head>
    <body>
      <p>
        <a href={path}>Go on</a>
      </p>
    </body>
  </html>
);
