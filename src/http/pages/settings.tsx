/** What is configured, and how near the limits are. Of a secret no more than its kind and where it comes from. */
import type { Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { commandLine } from '../../core/base/own-command.js';
import { formatCount, formatDuration, parseDuration } from '../../core/base/time-text.js';
import { describeQueueFault } from '../../core/queue/queue-fault.js';
import type { DatabaseRecord } from '../../db/reads/database.js';
import type { StatusRecord } from '../../db/reads/status.js';
import type { Environment } from '../access.js';
import type { PartHealth, SettingRecord } from '../ports.js';
import { type PagesPorts, render } from './frame.js';
import { Facts, Id, Live, Table, Text, Time } from './parts.js';

export function addSettings(app: Hono<Environment>, ports: PagesPorts): void {
  app.get('/settings', async (c) => {
    const [status, database, health] = await Promise.all([
      ports.reads.status(),
      ports.reads.database(),
      ports.health(),
    ]);
    const about = {
      ...{ title: 'Settings', place: '/settings', mirror: status.mirror, isLive: true },
      same: { command: null, api: '/settings' },
    };
    const whyNot = ports.sides.whyNot;
    return render(c, ports, about, <Settings {...{ settings: ports.settings(), status, database, health, whyNot }} />);
  });
}

interface SettingsShown {
  readonly settings: readonly SettingRecord[];
  readonly status: StatusRecord;
  readonly database: DatabaseRecord;
  readonly health: readonly PartHealth[];
  readonly whyNot: string | null;
}

const Settings: FC<SettingsShown> = ({ settings, status, database, health, whyNot }) => (
  <>
    <h1>Settings, and how near the limits are</h1>
    <Live id="limits">
      <Limits status={status} settings={settings} />
    </Live>
    <h2>What the keys may do</h2>
    <Facts
      of={[
        ['Stripe: events', permission(status.mirror?.eventsRefusedSince)],
        ['Stripe: charges', permission(status.mirror?.chargesRefusedSince)],
        ['Blnk: balances as of a moment', permission(status.mirror?.balancesRefusedSince)],
        ['From these pages', whyNot === null ? '✓ both sides can be asked: compare, plan and apply' : whyNot],
      ]}
    />
    <h2>Workers</h2>
    <Live id="workers">
      <Table
        columns={[
          { title: 'Host', cell: ({ host, pid }) => `${host} (${pid})` },
          { title: 'Version', cell: ({ version }) => version },
          { title: 'Started', cell: ({ startedAt }) => <Time at={startedAt} now={status.now} /> },
          { title: 'Seen', cell: ({ seenAt }) => <Time at={seenAt} now={status.now} /> },
          { title: 'Queue', cell: ({ queue }) => <Text of={queue === null ? null : queue.place} /> },
          {
            // A worker looks for what keeps jobs from coming; what a restart of the server would lose, doctor asks.
            title: 'What it sees wrong with its queue',
            cell: ({ queueFaults }) =>
              queueFaults.map(describeQueueFault).join('; ') || `nothing; more is asked by ${commandLine('doctor')}`,
          },
        ]}
        rows={status.workers}
        empty="No worker is running: nothing new is read or posted. Start one."
      />
    </Live>
    <h2>Database and queue</h2>
    <Facts
      of={[
        ['PostgreSQL', `${database.version}, ${bytesText(database.bytes)}`],
        ['Migrations', `${formatCount(database.migrations)} applied, the newest ${database.newestMigration ?? 'none'}`],
        ['Applied', <Time at={database.migratedAt} now={status.now} />],
        ...health.map(({ name, isReady, why, tookMs }): [string, string] => [
          name === 'database' ? 'Answers' : name === 'queue' ? 'Queue' : name,
          isReady ? `✓ in ${Math.max(1, Math.round(tookMs))} ms` : `✕ ${why ?? 'no answer'}`,
        ]),
      ]}
    />
    <h2>Fixed for this mirror</h2>
    <Frozen status={status} />
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

/** Reads of Stripe against the allocation, and the interval that follows from it. */
const Limits: FC<Pick<SettingsShown, 'status' | 'settings'>> = ({ status, settings }) => {
  const { stripeReads: used, stripeReadsAllowed: allowed, stripeReadsForecast: forecast, intervalMs } = status;
  const everyMs = parseDuration(settings.find(({ variable }) => variable === 'SYNC_EVERY')?.value ?? '') ?? intervalMs;
  const share = allowed === null ? null : Math.round((100 * used) / allowed);
  return (
    <>
      <p>
        {allowed === null ? (
          `${formatCount(used)} reads of Stripe in 30 days; in test mode they are not counted against an allocation.`
        ) : (
          <>
            <label for="reads">
              {formatCount(used)} of {formatCount(allowed)} reads of Stripe in 30 days ({share} %)
            </label>{' '}
            <meter id="reads" min={0} max={allowed} high={allowed * 0.8} value={Math.min(used, allowed)} />
          </>
        )}
      </p>
      <Facts
        of={[
          ['At the pace of the last day', `${formatCount(forecast)} in 30 days`],
          ['Sync every', `${formatDuration(intervalMs)}, in force`],
          [
            'Because',
            intervalMs > everyMs
              ? `SYNC_EVERY is ${formatDuration(everyMs)}, and more often would use up this mirror's share of the reads`
              : 'SYNC_EVERY says so, and the reads suffice for it',
          ],
          ['Reads up to', `${formatDuration(status.lagMs)} before now, because Stripe shows events late`],
          ...LIMITS.map((name): [string, string] => [
            name,
            settings.find(({ variable }) => variable === name)?.value ?? '–',
          ]),
        ]}
      />
    </>
  );
};

const LIMITS = ['STRIPE_SHARE', 'STRIPE_RATE_LIMIT'];

const Frozen: FC<Pick<SettingsShown, 'status'>> = ({ status: { mirror, ledger, now } }) =>
  mirror === null ? (
    <p class="notice">Nothing is mirrored yet: it is fixed by the first start of a worker.</p>
  ) : (
    <Facts
      of={[
        ['Stripe account', mirror.stripeAccount ?? 'not known: the key may not read it'],
        ['Mode', mirror.livemode ? 'live' : 'test'],
        ['Blnk instance', mirror.blnkInstance],
        [
          'The ledger',
          ledger === null || ledger.state === 'unchecked'
            ? 'not looked at yet'
            : ledger.state === 'same'
              ? '✓ is the one that was posted to'
              : `✕ ${ledger.state}`,
        ],
        [
          'Payments come from',
          mirror.sourceShards === 1 ? mirror.source : `${mirror.source}, spread over ${mirror.sourceShards} balances`,
        ],
        ['Payments of guests go to', mirror.guestDestination],
        ['Mirrors payments from', <Time at={mirror.startsAt} now={now} />],
        ['First posting', <Time at={mirror.firstPostAt} now={now} />],
        ['Mirror', <Id value={mirror.mirrorId} />],
        ['Mapping', `version ${mirror.mappingVersion}`],
      ]}
    />
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

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${UNITS[power]}`;
}
