/** The frame of each page: where one is, what is mirrored, and the command and request that give the same answer. */
import type { FC, PropsWithChildren } from 'hono/jsx';
import { commandLine } from '../../core/base/own-command.js';
import type { Mirror } from '../../core/posting/mirror.js';
import type { Access } from '../access.js';

export interface Frame {
  readonly title: string;
  /** As in the navigation; null for pages that stand in none. */
  readonly place: string | null;
  readonly mirror: Mirror | null;
  readonly access: Access;
  readonly version: string;
  /** Without the program's name; the path under /api/v1; all rows as CSV. Null: there is none that does the same. */
  readonly same: {
    /** One that only reads, as the page does: whoever copies it changes nothing. */
    readonly command: string | null;
    readonly api: string | null;
    readonly csv?: string;
    /** What changes something, for those who may. */
    readonly act?: { readonly what: string; readonly command: string };
  };
  readonly origin: string;
  readonly isLive?: boolean;
}

const PLACES = [
  ['/', 'Overview'],
  ['/runs', 'Runs'],
  ['/payments', 'Payments'],
  ['/parked', 'Parked'],
  ['/days', 'Days'],
  ['/repairs', 'Repairs'],
  ['/actions', 'Actions'],
  ['/settings', 'Settings'],
] as const;

export const Page: FC<PropsWithChildren<Frame>> = ({
  title,
  place,
  mirror,
  access,
  version,
  same,
  origin,
  isLive = false,
  children,
}) => (
  <Shell title={title}>
    <a class="skip" href="#content">
      To the content
    </a>
    <header class="top">
      <div class="inner">
        <a class="name" href="/">
          Stripe → Blnk
        </a>
        <nav aria-label="Pages">
          {PLACES.map(([path, name]) => (
            <a href={path} aria-current={place === path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <span class="where">
          {mirror === null ? 'nothing mirrored yet' : <MirrorName mirror={mirror} />}
          {access.by === 'session' ? <LogOut /> : ''}
        </span>
      </div>
    </header>
    <main id="content">
      {children}
      <Same {...{ same, origin, access, isLive }} />
    </main>
    <footer>
      stripe-blnk-sync {version} · all times UTC
      <span class="screen">
        {' · '}
        <a href="/runbook">runbook</a> · <a href="/api/openapi.json">API</a>
      </span>
    </footer>
    <script src="/assets/live.js" type="module" />
  </Shell>
);

/** What gives the same answer elsewhere. */
const Same: FC<Pick<Frame, 'same' | 'origin' | 'access' | 'isLive'>> = ({ same, origin, access, isLive = false }) => (
  <div class="same">
    {same.command === null ? (
      ''
    ) : (
      <p>
        The same as <code>{commandLine(same.command)}</code> <Copy text={commandLine(same.command)} />
      </p>
    )}
    {same.act === undefined || access.role !== 'admin' ? (
      ''
    ) : (
      <p>
        {same.act.what}: <code>{commandLine(same.act.command)}</code> <Copy text={commandLine(same.act.command)} />
      </p>
    )}
    {same.api === null ? (
      ''
    ) : (
      <p>
        For programs: <code>{curlOf(origin, same.api, access)}</code> <Copy text={curlOf(origin, same.api, access)} />
      </p>
    )}
    {same.csv === undefined ? (
      ''
    ) : (
      <p>
        For spreadsheets: <a href={same.csv}>all of it as CSV</a>
      </p>
    )}
    {isLive ? (
      <p>
        This page follows what happens.{' '}
        <button type="button" data-pause hidden aria-pressed="false">
          Pause
        </button>
      </p>
    ) : (
      ''
    )}
  </div>
);

export const Shell: FC<PropsWithChildren<{ readonly title: string; readonly refreshAfterS?: number }>> = ({
  title,
  refreshAfterS,
  children,
}) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{title} – Stripe → Blnk</title>
      {refreshAfterS === undefined ? '' : <meta http-equiv="refresh" content={String(refreshAfterS)} />}
      <link rel="icon" href="/assets/icon.svg" />
      <link rel="stylesheet" href="/assets/style.css" />
    </head>
    <body>{children}</body>
  </html>
);

const MirrorName: FC<{ readonly mirror: Mirror }> = ({ mirror }) => (
  <>
    {mirror.stripeAccount ?? 'Stripe'}{' '}
    <span class={mirror.livemode ? 'mode live' : 'mode'}>{mirror.livemode ? 'LIVE' : 'TEST'}</span> →{' '}
    {mirror.blnkInstance}
  </>
);

const LogOut: FC = () => (
  <form method="post" action="/logout" class="inline">
    <button type="submit">Log out</button>
  </form>
);

/** Stands behind what it copies. */
const Copy: FC<{ readonly text: string }> = ({ text }) => (
  <button type="button" data-copy={text} hidden>
    Copy
  </button>
);

function curlOf(origin: string, path: string, { by, role }: Access): string {
  const variable = role === 'admin' ? 'ADMIN_TOKEN' : 'VIEWER_TOKEN';
  const token = by === 'machine' ? '' : ` -H "Authorization: Bearer $${variable}"`;
  return `curl -s${token} '${origin}/api/v1${path}'`;
}
