/**
 * Balances of the mirror's own ledger on disk: what is wanted, what Blnk showed, and the map of what is used. A claim is a due time that
 * lies ahead, as for identities. A row of the map gets its balance once: two workers agree by that.
 */
import type postgres from 'postgres';
import type { BalanceStore, NamedBalance, PutOffBalance, WantedBalance } from '../../accounts/balance-ports.js';
import { type BalanceReason, GONE, REASONS_OF_MARKS } from '../../core/accounts/balance-reasons.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { ownBalancesOf } from '../../core/posting/source-shards.js';
import { lanesPending } from '../postings/due.js';
import { LANE } from '../schema/postings.js';
import { contestedNames, USED_FOR_ANOTHER } from './contested-store.js';
import { isOfMirror } from './ledger-store.js';

export type BalanceStoreMirror = Pick<Mirror, 'mirrorId' | 'source' | 'sourceShards'>;

const SEVERAL_USED: BalanceReason = 'several_used';
/** Longer than Blnk is believed to show a balance late. */
const GONE_AFTER = `interval '20 minutes'`;

/** Of a lane: what is posted next. */
const NEXT_OF_LANE = 500;

export function createBalanceStore(sql: postgres.Sql, mirror: BalanceStoreMirror): BalanceStore {
  const own = ownBalancesOf(mirror);
  const ofMirror = isOfMirror(sql, mirror.mirrorId);
  return {
    async wantPending({ all }) {
      const wanted = all ? sql`${pendingPairs(sql)}` : sql`${nextPairs(sql)}`;
      const added = await sql`
        insert into stripe_blnk_sync.account_balances (name, currency)
        select distinct name, currency from (${wanted}) as pair
        where name <> all(${own}::text[]) and ${ofMirror} order by name, currency
        on conflict (name, currency) do nothing`;
      return added.count;
    },
    async want(balances) {
      if (balances.length === 0) return;
      await sql`
        insert into stripe_blnk_sync.account_balances (name, currency)
        select distinct name, currency from ${namesGiven(sql, balances)} where name <> all(${own}::text[]) and ${ofMirror}
        order by name, currency on conflict (name, currency) do nothing`;
    },
    claim: (options) => claim(sql, ofMirror, options),
    async noteKnown(claimed, isKnown) {
      if (claimed.length === 0) return;
      await sql`
        update stripe_blnk_sync.account_balances balance set
          missing_since = ${isKnown ? sql`null` : sql`coalesce(missing_since, now())`},
          reason = ${isKnown ? sql`null` : sql`case when missing_since <= now() - ${sql.unsafe(GONE_AFTER)} then ${GONE} end`},
          due_at = ${isKnown ? sql`null` : sql`now() + interval '10 minutes'`}
        from ${leasesGiven(sql, claimed)} where ${isHeld(sql)}`;
    },
    async stillWanted(claimed) {
      const held = await sql<NamedBalance[]>`
        select balance.name, balance.currency from stripe_blnk_sync.account_balances balance, ${leasesGiven(sql, claimed)}
        where ${isHeld(sql)} and balance_id is null`;
      return amongst(claimed, held);
    },
    async noteAttempts(claimed) {
      if (claimed.length === 0) return [];
      const noted = await sql<NamedBalance[]>`
        update stripe_blnk_sync.account_balances balance set attempted_at = now(), attempts = attempts + 1,
          reason = case when reason in ${ofMarks(sql)} then null else reason end
        from ${leasesGiven(sql, claimed)} where ${isHeld(sql)} and balance_id is null and ${ofMirror}
        returning balance.name, balance.currency`;
      return amongst(claimed, noted);
    },
    putOff: (balances, dueInMs) => putOff(sql, balances, dueInMs),
    async noteSeen(balances) {
      if (balances.length === 0) return;
      const rows = balances.map(({ amount, ...balance }) => ({ ...balance, amount: inColumn(amount) }));
      await sql`
        insert into stripe_blnk_sync.account_balances_seen as known (balance_id, name, currency, created_at, amount, has_moved)
        select "balanceId", name, currency, "createdAt", amount, "hasMoved" from json_to_recordset(${JSON.stringify(rows)}::text::json)
          as seen ("balanceId" text, name text, currency text, "createdAt" timestamptz, amount bigint, "hasMoved" boolean)
        where name is not null and ${ofMirror} order by "balanceId"
        on conflict (balance_id) do update set amount = excluded.amount, seen_at = now(),
          has_moved = coalesce(known.has_moved, false) or excluded.has_moved,
          name = case when ${isKept(sql)} then known.name else excluded.name end,
          mark_now = case when ${isKept(sql)} then nullif(excluded.name, known.name) end,
          mark_lost_at = case when ${isKept(sql)} and excluded.name <> known.name then coalesce(known.mark_lost_at, now()) end`;
      // Known by its id, though its mark is gone: nothing else would have put it among these.
      await sql`
        update stripe_blnk_sync.account_balances_seen known set amount = seen.amount, seen_at = now(),
          mark_now = case when known.mark_now is not null and not ${isInUse(sql)} then '' end,
          mark_lost_at = coalesce(known.mark_lost_at, now())
        from json_to_recordset(${JSON.stringify(rows)}::text::json) as seen ("balanceId" text, name text, amount bigint)
        where known.balance_id = seen."balanceId" and seen.name is null`;
    },
    async seenOf(balances) {
      if (balances.length === 0) return [];
      const rows = await sql<{ id: string }[]>`
        select balance_id as id from stripe_blnk_sync.account_balances_seen seen
        where (seen.name, seen.currency) in (select given.name, given.currency from ${namesGiven(sql, balances)})
          or (seen.mark_now, seen.currency) in (select given.name, given.currency from ${namesGiven(sql, balances)})
        order by balance_id`;
      return rows.map(({ id }) => id);
    },
    fillMap: (of) => fillMap(sql, ofMirror, of),
  };
}

/** A wish that cannot be fulfilled is put off by the same statement: nobody may take it for one that is to be made. */
async function fillMap(
  sql: postgres.Sql,
  ofMirror: ReturnType<typeof isOfMirror>,
  of: readonly NamedBalance[] | null,
): Promise<NamedBalance[]> {
  const among =
    of === null
      ? sql``
      : sql`and (seen.name, seen.currency) in (select given.name, given.currency from ${namesGiven(sql, of)})`;
  const noted = await sql<Array<NamedBalance & { isMapped: boolean }>>`
    with contested as (
      select seen.name, seen.currency, error from ${contestedNames(sql)} as seen
      where exists (select 1 from stripe_blnk_sync.account_balances where balance_id is null and reason = ${USED_FOR_ANOTHER})
        and ${ofMirror} ${among}
    ), candidate as (
      select name, currency, balance_id, created_at, coalesce(has_moved, false) or amount is distinct from 0 as is_used
      from stripe_blnk_sync.account_balances_seen seen
      where mark_lost_at is null and ${ofMirror} ${among}
        and not exists (
          select 1 from stripe_blnk_sync.account_balances map
          where map.name = seen.name and map.currency = seen.currency and map.balance_id is not null)
    ), chosen as (
      select name, currency, (array_agg(balance_id order by is_used desc, created_at, balance_id))[1] as balance_id,
        count(*) filter (where is_used) > 1 as is_several,
        string_agg(balance_id, ', ' order by created_at, balance_id) filter (where is_used) as used
      from candidate group by name, currency
    ), decided as (
      select name, currency, balance_id, case when error is not null then ${USED_FOR_ANOTHER} when is_several then ${SEVERAL_USED} end as reason,
        coalesce(error, case when is_several then 'With money, and with the mark of this customer: ' || used end) as error
      from chosen full join contested using (name, currency)
    )
    insert into stripe_blnk_sync.account_balances as map (name, currency, balance_id, mapped_at, due_at, reason, last_error)
    select name, currency, case when reason is null then balance_id end, case when reason is null then now() end,
      case when reason is not null then now() + interval '10 minutes' end, reason, error
    from decided order by name, currency
    on conflict (name, currency) do update set balance_id = excluded.balance_id, mapped_at = excluded.mapped_at,
      due_at = excluded.due_at, reason = excluded.reason, last_error = excluded.last_error
    where map.balance_id is null
    returning map.name, map.currency, map.balance_id is not null as "isMapped"`;
  await releaseDecided(sql, ofMirror);
  return noted.filter(({ isMapped }) => isMapped).map(({ name, currency }) => ({ name, currency }));
}

/** Wishes that waited for a decision which is there: whose payments are pending is wanted again. */
async function releaseDecided(sql: postgres.Sql, ofMirror: ReturnType<typeof isOfMirror>): Promise<void> {
  const waiting = await sql`
    select 1 from stripe_blnk_sync.account_balances where balance_id is null and reason = ${USED_FOR_ANOTHER} limit 1`;
  // Nearly always: all that was seen would be read for none.
  if (waiting.length === 0) return;
  await sql`
    delete from stripe_blnk_sync.account_balances wish where balance_id is null and reason = ${USED_FOR_ANOTHER} and ${ofMirror}
      and (name, currency) not in (select contested.name, contested.currency from ${contestedNames(sql)} as contested)`;
}

/** Beyond what the column holds nothing is known: somebody else's token may have 18 decimals. */
function inColumn(amount: bigint | null): string | null {
  return amount === null || BigInt.asIntN(64, amount) !== amount ? null : amount.toString();
}

/** Whose name stays, whatever the mark says now: what is in use, and what was posted to for another than its mark says. */
const isKept = (sql: postgres.Sql) => sql`(known.mark_now is not null or ${isInUse(sql)})`;

const isInUse = (sql: postgres.Sql) =>
  sql`exists (select 1 from stripe_blnk_sync.account_balances map where map.balance_id = known.balance_id)`;

/** Pending postings whose customer's balance nobody wants: each posting has one of the mirror's own balances and one of these. */
function pendingPairs(sql: postgres.Sql) {
  return sql`
    select pair.name, posting.currency from stripe_blnk_sync.postings posting
      cross join lateral (values (posting.source), (posting.destination)) as pair (name)
    where posting.state = 'pending' and ${isUnwanted(sql)}`;
}

function nextPairs(sql: postgres.Sql) {
  return sql`
    with recursive ${lanesPending(sql)}
    select pair.name, posting.currency from waiting cross join lateral (
      select source, destination, currency from stripe_blnk_sync.postings
      where state = 'pending' and ${sql.unsafe(LANE)} = waiting.name order by due_at limit ${NEXT_OF_LANE}) posting
      cross join lateral (values (posting.source), (posting.destination)) as pair (name)
    where waiting.name is not null and ${isUnwanted(sql)}`;
}

const isUnwanted = (sql: postgres.Sql) => sql`not exists (
  select 1 from stripe_blnk_sync.account_balances map where map.name = pair.name and map.currency = posting.currency)`;

/** What was tried before comes with the others: it is looked for, and may keep nobody from its turn. */
async function claim(
  sql: postgres.Sql,
  ofMirror: ReturnType<typeof isOfMirror>,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<WantedBalance[]> {
  const rows = await sql<WantedBalance[]>`
    with chosen as (
      select name, currency from stripe_blnk_sync.account_balances where due_at <= now() and ${ofMirror}
      order by due_at limit ${limit} for update skip locked
    )
    update stripe_blnk_sync.account_balances balance set due_at = now() + ${leaseMs} * interval '1 millisecond'
    from chosen where balance.name = chosen.name and balance.currency = chosen.currency
    returning balance.name, balance.currency, to_json(balance.due_at) #>> '{}' as lease, balance_id as "balanceId", attempts,
      case when balance_id is null then reason end as reason,
      (extract(epoch from now() - attempted_at) * 1000)::float8 as "sinceAttemptMs"`;
  return [...rows];
}

async function putOff(
  sql: postgres.Sql,
  balances: readonly PutOffBalance[],
  dueInMs: (balance: PutOffBalance) => number,
): Promise<void> {
  if (balances.length === 0) return;
  const rows = balances.map((balance) => ({ ...balance, dueInMs: dueInMs(balance) }));
  // Whatever else was met: no balance was asked for, and what a person has to decide still stands.
  const isOfMarks = sql`balance.reason in ${ofMarks(sql)} and coalesce(given.reason, '') not in ${ofMarks(sql)}`;
  await sql`
    update stripe_blnk_sync.account_balances balance set due_at = now() + given."dueInMs" * interval '1 millisecond',
      attempted_at = case when given."isNotMade" then null else attempted_at end,
      attempts = case when given."isNotMade" then greatest(0, balance.attempts - 1) else balance.attempts end,
      reason = case when ${isOfMarks} then balance.reason else given.reason end,
      last_error = case when ${isOfMarks} then balance.last_error else given.error end
    from json_to_recordset(${JSON.stringify(rows)}::text::json) as given
      (name text, currency text, lease timestamptz, "dueInMs" float8, "isNotMade" boolean, reason text, error text)
    where ${isHeld(sql)} and balance_id is null`;
}

const ofMarks = (sql: postgres.Sql) => sql([...REASONS_OF_MARKS]);

const isHeld = (sql: postgres.Sql) =>
  sql`balance.name = given.name and balance.currency = given.currency and balance.due_at = given.lease::timestamptz`;

function namesGiven(sql: postgres.Sql, balances: readonly NamedBalance[]) {
  return sql`unnest(${balances.map(({ name }) => name)}::text[], ${balances.map(({ currency }) => currency)}::text[])
    as given (name, currency)`;
}

function leasesGiven(sql: postgres.Sql, claimed: readonly WantedBalance[]) {
  return sql`unnest(${claimed.map(({ name }) => name)}::text[], ${claimed.map(({ currency }) => currency)}::text[],
    ${claimed.map(({ lease }) => lease)}::text[]) as given (name, currency, lease)`;
}

function amongst(claimed: readonly WantedBalance[], held: readonly NamedBalance[]): WantedBalance[] {
  const names = new Set(held.map(({ name, currency }) => `${currency}:${name}`));
  return claimed.filter(({ name, currency }) => names.has(`${currency}:${name}`));
}
