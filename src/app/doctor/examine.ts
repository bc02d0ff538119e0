/**
 * Composition: everything that `doctor` looks at, asked side by side, each within its time, and judged by the core. Changes
 * nothing anywhere, and comes to its end whatever is wrong.
 */
import type { ConfigSurvey } from '../../config/survey.js';
import { findingsOf } from '../../core/doctor/checks.js';
import type { Answer, DoctorFacts, Fault, MirrorFacts, QueueFacts, VariableFacts } from '../../core/doctor/facts.js';
import type { DoctorReport } from '../../core/doctor/finding.js';
import { identityOf } from '../../operations/session.js';
import { examineRedis } from '../../queue/examine-redis.js';
import { newKeyLink } from '../../stripe/permissions.js';
import { ledgerNotEmpty, refuseOtherMirror, refuseUnfinishedRebuild } from '../../worker/claim-mirror.js';
import type { Overrides } from '../overrides.js';
import { askBlnk, type BlnkSeen } from './ask-blnk.js';
import { askStripe } from './ask-stripe.js';
import { askWithin, faultOf, type Limits, unasked } from './ask-within.js';
import { type HomeSeen, lookAtDisk, lookAtHome } from './look-at-home.js';
import { lookAtPort } from './look-at-port.js';

export interface ExamineOptions {
  readonly survey: ConfigSurvey;
  readonly variables: Answer<VariableFacts>;
  readonly signal: AbortSignal;
  readonly overrides?: Overrides | undefined;
  /** For each that is asked; 5 seconds when left out. */
  readonly limitMs?: number;
}

const LIMIT_MS = 5_000;

/** Throws SyncError `stopped` when nobody waits any more. */
export async function examine({
  survey,
  variables,
  signal,
  overrides = {},
  limitMs = LIMIT_MS,
}: ExamineOptions): Promise<DoctorReport> {
  const limits: Limits = { limitMs, signal };
  const machineNow = overrides.machineNow ?? (() => new Date());
  const [stripe, blnk, home, redis, disk, port] = await Promise.all([
    askStripe(survey.stripe, { ...limits, machineNow }),
    askBlnk(survey, limits),
    lookAtHome(survey, { ...limits, machineNow }),
    lookAtQueue(survey, limits),
    lookAtDisk(survey.database, { ...limits, freeBytes: overrides.freeBytes }),
    lookAtPort(survey.http, limits),
  ]);
  const { database } = home;
  const accountId = stripe.answer.kind === 'given' ? stripe.answer.facts.accountId : null;
  const facts: DoctorFacts = {
    ...{ variables, stripe: stripe.answer, blnk, disk, port, work: survey.work },
    stripeKey: keyFacts(survey),
    clocks: {
      machineNow: machineNow(),
      stripeAheadMs: stripe.aheadMs,
      databaseAheadMs: database.kind === 'given' ? database.facts.aheadMs : null,
    },
    embedded: home.embedded,
    database: database.kind === 'given' ? { kind: 'given', facts: database.facts.facts } : database,
    mirror: mirrorFacts(survey, { home, blnk, accountId }),
    queue: redis ?? queueInDatabase(home),
    webhook: webhookFacts(survey),
  };
  return {
    ...{ findings: findingsOf(facts), stripeReads: stripe.reads },
    isStripeAnswering: isAnswering(stripe.answer),
  };
}

function isAnswering(answer: DoctorFacts['stripe']): boolean {
  return answer.kind === 'given' || (answer.kind === 'fault' && answer.fault.code !== 'stripe_unavailable');
}

function keyFacts({ stripe: config }: ConfigSurvey): DoctorFacts['stripeKey'] {
  if (config === null) return null;
  const { livemode, isFullKey } = config;
  return { kind: isFullKey ? 'secret' : 'restricted', livemode, newKeyLink: newKeyLink({ livemode }) };
}

/** Null: it is in the database. */
async function lookAtQueue({ queue }: ConfigSurvey, limits: Limits): Promise<Answer<QueueFacts> | null> {
  if (queue === null) return unasked('not asked: REDIS_URL or QUEUE_PREFIX is not usable');
  const { redisUrl: url, queuePrefix: prefix } = queue;
  if (url === null) return null;
  return askWithin(limits, async (signal) => ({ kind: 'redis', ...(await examineRedis({ url, prefix, signal })) }));
}

function queueInDatabase({ embedded, database }: HomeSeen): Answer<QueueFacts> {
  const isKnown = database.kind === 'given' || embedded?.kind === 'given';
  if (!isKnown) return unasked('in the database, which is not known yet');
  const isPooled = database.kind === 'given' && database.facts.facts.connections.given === null;
  return { kind: 'given', facts: { kind: 'database', isPooled } };
}

interface Seen {
  readonly home: HomeSeen;
  readonly blnk: Answer<BlnkSeen>;
  readonly accountId: string | null;
}

function mirrorFacts(survey: ConfigSurvey, { home: { held }, blnk, accountId }: Seen): Answer<MirrorFacts> {
  if (held === null) return unasked('not known');
  const holdsOurs = blnk.kind === 'given' ? blnk.facts.holdsOurs : null;
  const { mirror } = held;
  const fault = faultThrown(() => {
    if (mirror === null) {
      if (holdsOurs === true) throw ledgerNotEmpty();
      return;
    }
    refuseUnfinishedRebuild(mirror);
    const { stripe, blnk: ledger, work } = survey;
    if (stripe === null || ledger === null || work === null) return;
    const wanted = identityOf({ config: { ...work, stripe, blnk: ledger } });
    // Before the first posting a worker begins anew with another configuration, but not for another account.
    const asked = mirror.firstPostAt === null ? mirror : wanted;
    refuseOtherMirror(mirror, asked, { accountId });
  });
  return { kind: 'given', facts: { ...held, fault, isLedgerSeen: holdsOurs !== null } };
}

function faultThrown(refuse: () => void): Fault | null {
  try {
    refuse();
    return null;
  } catch (error) {
    return faultOf(error);
  }
}

function webhookFacts({ http: config }: ConfigSurvey): DoctorFacts['webhook'] {
  if (config === null) return null;
  return { secrets: config.webhookSecrets, isServed: config.http !== null };
}
