/** Reads how days stand: what the newest proof of each came to, what changed since, how far proofs reach, and which days there are before the start. */
import { type SQL, sql } from 'drizzle-orm';
import { DAY_MS, dayWindow, utcDay } from '../../core/base/window.js';
import { type CertificateState, worstState } from '../../core/proof/certificate.js';
import { isSealed } from '../../core/proof/reopening.js';
import type { ProofFacts } from '../../core/verdict/facts.js';
import type { DayStanding } from '../../prove/ports.js';
import type { Drizzle, Transaction } from '../connection/open.js';
import { findMirror } from '../mirror/mirror-store.js';

/** What the newest proof of each day came to; one probe of an index for each day, and one look at all that was ever decided about. */
export async function readStandings(db: Drizzle | Transaction): Promise<DayStanding[]> {
  const rows = await db.execute<{
    day: string;
    proved_at: string;
    states: CertificateState[];
    stored_since: boolean;
    acceptance_since: boolean;
    decided_since: boolean;
    repaired_since: boolean;
    unseen_proofs: number;
  }>(sql`
    -- Materialized, because a plan may ask for a joined subquery once for each day.
    with decided as materialized (
      select (effective_at at time zone 'UTC')::date as day, max(decision.at) as at
      from stripe_blnk_sync.postings cross join lateral (values
        (dismissed_at), ((past_dismissals -> -1 ->> 'endedAt')::timestamptz), (case when dismissed_at is not null then posted_at end)
      ) decision (at)
      -- What a clock wrote that was ahead counts when its time has come: until then no proof would be later than it.
      where (dismissed_at is not null or past_dismissals is not null) and decision.at <= now() group by 1
    )
    select newest.day::text as day, newest.proved_at::text as proved_at, newest.states, coalesce((
      select max(posting.stored_at) from stripe_blnk_sync.postings posting
      where (posting.effective_at at time zone 'UTC')::date = newest.day
    ) > newest.proved_at, false) as stored_since, coalesce((
      select max(greatest(acceptance.accepted_at, acceptance.taken_back_at)) from stripe_blnk_sync.acceptances acceptance
      where acceptance.day = newest.day
    ) > newest.proved_at, false) as acceptance_since, coalesce(decided.at > newest.proved_at, false) as decided_since,
      coalesce(repaired.at > newest.proved_at, false) as repaired_since,
      case when not newest.is_unseen then 0 else (
        select count(distinct proof_id)::int from stripe_blnk_sync.certificates earlier
        where earlier.day = newest.day and earlier.proved_at > newest.proved_at - interval '7 days' and ${isUnseen('earlier')}
      ) end as unseen_proofs
    from (
      select certificate.day, min(certificate.proved_at) as proved_at, array_agg(certificate.state) as states,
        bool_or(${isUnseen('certificate')}) as is_unseen
      from (
        select distinct on (day) day, proof_id from stripe_blnk_sync.certificates order by day, proved_at desc, id desc
      ) proof
      join stripe_blnk_sync.certificates certificate on certificate.day = proof.day and certificate.proof_id = proof.proof_id
      group by certificate.day
    ) newest
    left join (
      select day, max(done_at) as at from stripe_blnk_sync.repair_items where state = 'done' group by day
    ) repaired on repaired.day = newest.day
    left join decided on decided.day = newest.day
    order by newest.day desc`);
  return rows.map((row) => ({
    ...{ day: row.day, provedAt: new Date(row.proved_at), states: row.states },
    ...{ storedSince: row.stored_since, acceptanceSince: row.acceptance_since },
    ...{ decidedSince: row.decided_since, repairedSince: row.repaired_since },
    unseenProofs: row.unseen_proofs,
  }));
}

/** Findings are looked into only of what is sealed but for something: what is worse is due again anyway. */
function isUnseen(name: string): SQL {
  const [state, findings] = [sql.raw(`${name}.state`), sql.raw(`${name}.findings`)];
  return sql`case when ${state} = 'sealed_with_exceptions' then ${findings} @> '[{"kind": "not_seen"}]' else false end`;
}

export async function readProofs(db: Drizzle): Promise<ProofFacts> {
  const standings = await readStandings(db);
  const first = await firstDay(db);
  // Days before the start have a certificate only where payments of theirs are mirrored: nothing is missing between them.
  const spanning = standings.filter(({ day }) => first === null || day >= first);
  const [from, to] = [spanning.at(-1)?.day ?? null, spanning.at(0)?.day ?? null];
  const spanned = from === null || to === null ? 0 : (Date.parse(to) - Date.parse(from)) / DAY_MS + 1;
  return {
    from,
    to,
    days: spanning.length,
    unproven: spanned - spanning.length,
    exceptions: standings
      .filter((standing) => !isChanged(standing) && worstState(standing.states) === 'sealed_with_exceptions')
      .map(({ day }) => day),
    accepted: await countAccepted(db),
    unsealed: standings.flatMap((standing) => {
      const { day } = standing;
      const state = worstState(standing.states);
      const changedSince = isChanged(standing);
      const reopened = isSealed(state) && changedSince;
      return isSealed(state) && !reopened ? [] : [{ day, state, reopened, changedSince }];
    }),
  };
}

/** The day of the mirror's start; null while nothing is mirrored. */
async function firstDay(db: Drizzle): Promise<string | null> {
  const mirror = await findMirror(db);
  return mirror === null ? null : utcDay(mirror.startsAt);
}

/**
 * UTC days before that of the start on which payments of ours were created, oldest first: they succeeded after the hand-over, so
 * they are in no earlier books.
 */
export async function readEarlierDays(db: Drizzle, startsAt: Date): Promise<string[]> {
  const rows = await db.execute<{ day: string }>(sql`
    select distinct (effective_at at time zone 'UTC')::date::text as day from stripe_blnk_sync.postings
    where effective_at < ${dayWindow(utcDay(startsAt)).from.toISOString()}::timestamptz order by day`);
  return rows.map(({ day }) => day);
}

/** Payments of Stripe of which the newest proofs show a difference that a person accepted. */
async function countAccepted(db: Drizzle): Promise<number> {
  const [row] = await db.execute<{ payments: number }>(sql`
    select count(distinct finding ->> 'paymentId')::int as payments
    from stripe_blnk_sync.day_certificates newest
    join stripe_blnk_sync.certificates certificate on certificate.id = newest.certificate_id
    cross join jsonb_array_elements(certificate.findings) finding
    where newest.day in (select day from stripe_blnk_sync.acceptances where taken_back_at is null)
      and finding ? 'accepted' and finding ->> 'stripe' is not null`);
  return row?.payments ?? 0;
}

/** What it rests on is not what it was: it is proven again at once. */
function isChanged({ storedSince, acceptanceSince, decidedSince, repairedSince }: DayStanding): boolean {
  return storedSince || acceptanceSince || decidedSince || repairedSince;
}
