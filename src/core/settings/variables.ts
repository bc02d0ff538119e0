/**
 * Every variable: what it is for, what happens without it, and an example that is allowed. `.env.example`, the tables of
 * docs/configuration.md and the page of settings are made from this; what a value may be is checked in `config.ts`, and a test
 * holds both to the same names and defaults. Pure.
 */
import { BLNK_VARIABLES } from './blnk-variables.js';
import type { VariableSection } from './variable-definition.js';

export const VARIABLE_SECTIONS: readonly VariableSection[] = [
  {
    title: 'Stripe',
    variables: [
      {
        name: 'STRIPE_API_KEY',
        summary:
          'Secret or restricted key that may read PaymentIntents, Events and Charges; its mode decides between live and test',
        fallback: 'none, needed',
        example: 'rk_test_51Abc',
        details:
          'secret or restricted key: [what it may do](installing.md#what-it-needs). `sk_live_`/`rk_live_` mirror live payments, `sk_test_`/`rk_test_` test payments',
      },
      {
        name: 'STRIPE_API_BASE',
        summary: 'Where the Stripe API is, for tests against a stand-in',
        fallback: 'https://api.stripe.com',
        example: 'http://127.0.0.1:12111',
        details: 'address of the API, for tests against a stand-in; https, as for `BLNK_API_BASE`',
      },
      {
        name: 'STRIPE_SHARE',
        summary:
          "Share of Stripe's rate limits that is used here, above 0 to 1; the rest is left to your other software. auto: use what is free, and yield to other software",
        fallback: '0.4',
        example: '0.25',
        details:
          "share of [Stripe's limits](https://docs.stripe.com/rate-limits) that this mirror uses, above 0 to 1. The rest is left to your other software. `auto`: four fifths of what is allowed a second while nothing is refused; as soon as Stripe refuses a request, half of what was accepted is left to others, and a little more is tried once a minute. Of the read allocation `auto` uses 0.4. All workers on one database share it",
      },
      {
        name: 'STRIPE_RATE_LIMIT',
        summary: 'Requests a second to one endpoint that Stripe allows this account; only where Stripe has raised it',
        fallback: '25',
        example: '100',
        details: 'requests a second to one endpoint that Stripe allows this account. Only where Stripe has raised it',
      },
    ],
  },
  BLNK_VARIABLES,
  {
    title: 'Database and queue',
    remark: 'nothing set runs both on a private PostgreSQL in DATA_DIR',
    variables: [
      {
        name: 'DATABASE_URL',
        summary: 'PostgreSQL 14 or newer for tables and queue',
        fallback: 'none, the private one',
        example: 'postgres://sync:secret@db.internal:5432/sync',
        details:
          'PostgreSQL 14 or newer; its form is described below. Create its tables with `npm run cli -- migrate`, and again after every update',
        fallbackDetails: 'none: a private PostgreSQL in `DATA_DIR`',
      },
      {
        name: 'DATABASE_SCHEMA',
        summary:
          "PostgreSQL's schema of our tables, so that a database can be shared and several mirrors can be in one",
        fallback: 'stripe_blnk_sync',
        example: 'mirror_eu',
        details:
          "PostgreSQL's schema of our tables, made by `migrate`. Give each mirror in one database another one; the names of its queues then end in `.` and that schema. Not a schema of somebody else, nor `public`",
      },
      {
        name: 'REDIS_URL',
        summary: 'Redis for the queue; only together with DATABASE_URL',
        fallback: 'none, the queue is in PostgreSQL',
        example: 'redis://queue.internal:6379',
        details:
          'Redis for the queue; only together with `DATABASE_URL`. It must not evict keys (`maxmemory-policy noeviction`)',
        fallbackDetails: 'none: the queue is in the database',
      },
      {
        name: 'QUEUE_PREFIX',
        summary: "BullMQ's key prefix on Redis, so that several mirrors can share one",
        fallback: 'bull',
        example: 'stripe-eu',
        details:
          "BullMQ's key prefix, so that several mirrors can share one Redis. In a Redis Cluster it needs braces: `{bull}`. Has no effect without `REDIS_URL`",
      },
      {
        name: 'DATA_DIR',
        summary: 'Folder of the private PostgreSQL',
        fallback: './.data',
        example: '/var/lib/stripe-blnk-sync',
        details: 'folder of the private PostgreSQL; one folder for one machine',
      },
    ],
  },
  {
    title: 'Work',
    variables: [
      {
        name: 'SYNC_START',
        summary: 'How far back the first start goes: a duration, a date or all; frozen at the first start',
        fallback: '30d',
        example: '2026-01-31',
        details:
          'how far back the first start goes: a duration, a date (`2026-01-31`), a time, or `all`. Frozen as an absolute time at the first start; a worker that is given another one later says so, and `backfill --from` moves it back',
      },
      {
        name: 'SYNC_EVERY',
        summary: 'Time between two scheduled runs, at least 1s, at most 1d',
        fallback: '60s',
        example: '5m',
        details: 'shortest time between two scheduled runs, at least 1s and at most 1d. Restart a worker to change it',
      },
      {
        name: 'SYNC_LAG',
        summary:
          'How long to wait for events that Stripe shows late before a time counts as completely read, at least 60s, at most 1d',
        fallback: '600s',
        example: '15m',
        details:
          'how long a time must have passed before it counts as completely read, at least 60s and at most 1d: Stripe shows events late',
      },
      {
        name: 'KEEP_EMPTY_RUNS',
        summary: 'How long scheduled runs that stored nothing are kept',
        fallback: '7d',
        example: '24h',
        details: 'how long scheduled runs that stored nothing are kept',
      },
      {
        name: 'SHUTDOWN_GRACE',
        summary: 'How long a stopping worker waits for the posts in flight; whatever kills it has to wait longer',
        fallback: '75s',
        example: '45s',
        details:
          'how long a stopping worker waits for posts in flight; whatever stops it has to wait longer; at most 1h',
      },
      {
        name: 'LOG_LEVEL',
        summary: 'Least important lines to log: fatal, error, warn, info, debug, trace or silent',
        fallback: 'info',
        example: 'debug',
        details:
          '`fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. Lines are JSON, or text on a terminal; [events](events.md) has them all. `NO_COLOR` and `TERM=dumb` leave out its colours and those of commands; `FORCE_COLOR` has them in any case, also where no terminal is (`FORCE_COLOR=0`: never)',
      },
    ],
  },
  {
    title: 'Pages, API and metrics',
    variables: [
      {
        name: 'HTTP_HOST',
        summary:
          "Address that the worker's HTTP server listens on; another one than this machine's own needs ADMIN_TOKEN",
        fallback: '127.0.0.1',
        example: '0.0.0.0',
        details: "address that is listened on. Any other than this machine's own needs `ADMIN_TOKEN`",
      },
      {
        name: 'HTTP_PORT',
        summary: 'Its port, or off',
        fallback: '3000',
        example: '8080',
        details:
          "port of the worker's [HTTP server](http.md), or `off`. A second worker on one machine goes on without when it is taken",
      },
      {
        name: 'PUBLIC_URL',
        summary: 'Under which address people reach it, when a proxy stands before it; needs ADMIN_TOKEN',
        fallback: 'none',
        example: 'https://sync.example.com',
        details:
          'address under which people reach it through a proxy, without a path: `https://sync.example.com`. Needs `ADMIN_TOKEN`. With https the session cookie is sent over https alone',
      },
      {
        name: 'TRUST_PROXY',
        summary: 'on: X-Forwarded-For and X-Forwarded-Proto of the proxy in front are trusted',
        fallback: 'off',
        example: 'on',
        details:
          '`on`: `X-Forwarded-For` and `X-Forwarded-Proto` of the proxy in front are trusted. Only where nobody reaches the port but the proxy',
      },
      {
        name: 'ADMIN_TOKEN',
        summary: 'Whoever has it may read and change everything, 20 characters or more',
        fallback: 'none, this machine needs no token',
        example: '6d1f0c1e5b7a49c2a3f0d9e8b7c6a5f4',
        details:
          'whoever shows it may read and change everything. 20 characters or more, e.g. from `openssl rand -hex 32`',
        fallbackDetails: 'none: whoever asks from this machine may do everything',
      },
      {
        name: 'VIEWER_TOKEN',
        summary: "Whoever has it may read everything, customers' ids included, and change nothing; with ADMIN_TOKEN",
        fallback: 'none',
        example: '0a9b8c7d6e5f40312233445566778899',
        details:
          "whoever shows it may read everything, customers' ids included, and change nothing. Needs `ADMIN_TOKEN`",
      },
      {
        name: 'STRIPE_WEBHOOK_SECRET',
        summary:
          'Signing secret of a Stripe webhook endpoint at /webhooks/stripe, several with commas between: payments are fetched at once instead of at the next run',
        fallback: 'none',
        example: 'whsec_abc',
        details:
          'signing secret of a [webhook endpoint](http.md#webhook) of Stripe; several with commas between while one is exchanged',
        fallbackDetails: 'none: there is no webhook',
      },
      {
        name: 'BLNK_DASHBOARD_URL_TEMPLATE',
        summary:
          'Where a transaction of the ledger is looked at: payments link to it. Has {transaction_id} or {reference} in it',
        fallback: 'none',
        fallbackDetails: 'none: payments have no link to the ledger',
        example: 'https://ledger.example.com/transactions/{transaction_id}',
        details: 'where a transaction of the ledger is looked at, with `{transaction_id}` or `{reference}` in it',
      },
    ],
  },
];
