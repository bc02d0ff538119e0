/** What `init` asks, one variable each, in the order in which they are asked: what was answered decides what is asked next. */

/** What one answer, or several together, are tried against. */
export type CheckName = 'stripe' | 'blnk' | 'database' | 'queue';

type Answers = Readonly<Record<string, string>>;

export interface Question {
  readonly variable: string;
  readonly text: string;
  /** Not shown while it is entered, nor ever after. */
  readonly isSecret?: boolean;
  /** Taken where nothing is entered; null: it has to be given, `none`: it is left out. */
  readonly fallback: string | 'none' | null;
  /** Where it is not asked, what is given stays as it is. */
  isAsked?(answers: Answers): boolean;
  /** What is asked of the other side as soon as the answer is there. */
  readonly check?: CheckName;
}

const isCore = ({ BLNK_API_STYLE }: Answers) => BLNK_API_STYLE === 'core';
const hasDatabase = ({ DATABASE_URL }: Answers) => DATABASE_URL !== undefined;
const serves = ({ HTTP_PORT }: Answers) => HTTP_PORT !== 'off';

export const QUESTIONS: readonly Question[] = [
  {
    variable: 'STRIPE_API_KEY',
    text: 'Stripe key that may read PaymentIntents, Events and Charges (rk_… or sk_…; test or live decides what is mirrored)',
    ...{ isSecret: true, fallback: null, check: 'stripe' },
  },
  { variable: 'BLNK_API_STYLE', text: 'Which Blnk: cloud, or core for a self-hosted one', fallback: 'cloud' },
  {
    variable: 'ALLOW_HTTP_HOSTS',
    text: 'Hosts beside this machine that may be spoken to over http, with commas between',
    ...{ fallback: 'none', isAsked: isCore },
  },
  {
    variable: 'BLNK_API_BASE',
    text: 'Where the Blnk API is: of a Core e.g. http://127.0.0.1:5001; none is where the Cloud is',
    ...{ fallback: null, isAsked: (answers) => isCore(answers) || answers.BLNK_API_BASE !== undefined },
  },
  {
    variable: 'BLNK_INSTANCE_ID',
    text: 'Id of the Blnk Cloud instance (inst_…)',
    ...{ fallback: null, isAsked: (answers) => !isCore(answers) },
  },
  {
    variable: 'BLNK_API_KEY',
    text: 'Blnk key (Cloud: with proxy:write, data:read and proxy:read; Core: its master key)',
    ...{ isSecret: true, fallback: null, check: 'blnk' },
  },
  {
    variable: 'DATABASE_URL',
    text: 'PostgreSQL, as postgres://user:password@host/database; none runs a private one here',
    ...{ isSecret: true, fallback: 'none', check: 'database' },
  },
  {
    variable: 'DATA_DIR',
    text: 'Folder of the private PostgreSQL',
    ...{ fallback: './.data', isAsked: (answers) => !hasDatabase(answers) },
  },
  {
    variable: 'REDIS_URL',
    text: 'Redis for the queue, as redis://host:6379; none keeps the queue in PostgreSQL',
    ...{
      isSecret: true,
      fallback: 'none',
      isAsked: (answers) => hasDatabase(answers) || answers.REDIS_URL !== undefined,
      check: 'queue',
    },
  },
  {
    variable: 'SYNC_START',
    text: 'How far back to begin: a duration (30d), a date (2026-01-31) or all; frozen at the first start',
    fallback: '30d',
  },
  { variable: 'SYNC_EVERY', text: 'How often to look for payments', fallback: '60s' },
  { variable: 'HTTP_PORT', text: 'Port of pages, API and metrics, or off', fallback: '3000' },
  {
    variable: 'HTTP_HOST',
    text: 'Address they listen on; another one than this machine gets a token',
    ...{ fallback: '127.0.0.1', isAsked: serves },
  },
];
