/** Counts what keeps days from being sealed, without reading each finding. */
import { sql } from 'drizzle-orm';
import { FINDING_KINDS, type FindingKind } from '../../core/proof/certificate.js';
import type { Drizzle } from '../connection/open.js';

/** Of what keeps a day from being sealed. */
export interface FindingCount {
  readonly day: string;
  readonly kind: FindingKind;
  /** Payments, each once: one of which the currency is not known is on every certificate of its day. */
  readonly count: number;
}

/** What the newest proofs found on days of these that are open or broken, and nobody accepted. */
export async function countFindings(
  db: Drizzle,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<FindingCount[]> {
  const rows = await db.execute<{ day: string; kind: FindingKind; count: number }>(sql`
    select newest.day::text as day, finding ->> 'kind' as kind,
      count(distinct coalesce(finding ->> 'paymentId', newest.currency))::int as count
    from stripe_blnk_sync.day_certificates newest
    join stripe_blnk_sync.certificates certificate on certificate.id = newest.certificate_id
    cross join jsonb_array_elements(certificate.findings) finding
    where newest.day between ${from}::date and ${to}::date and newest.state in ('open', 'broken') and not finding ? 'accepted'
    group by 1, 2 order by 1, 2`);
  return rows.filter(({ kind }) => ['open', 'broken'].includes(FINDING_KINDS[kind].state)).map((row) => ({ ...row }));
}
