/** What a proof found of a day in one currency, and which of it a person may accept. */
import type { FC } from 'hono/jsx';
import { formatCount } from '../../core/base/time-text.js';
import { judgeAcceptable } from '../../core/proof/acceptance.js';
import { type DayFinding, FINDING_KINDS } from '../../core/proof/certificate.js';
import type { FullCertificate } from '../../db/reads/certificates.js';
import { Payment, Table, Text } from './parts.js';

export interface FindingsShown {
  readonly certificate: FullCertificate;
  /** The day whose differences may be accepted here; null: none may. */
  readonly signs: string | null;
  /** Which of the payments have a page. */
  readonly stored: ReadonlySet<string>;
}

/** Of a certificate; the rest is in the CSV. */
const FINDINGS_SHOWN = 200;

/** The payments that the page of these certificates names. */
export function paymentsNamed(certificates: readonly FullCertificate[]): string[] {
  const ids = certificates.flatMap(({ findings }) =>
    findings.slice(0, FINDINGS_SHOWN).map(({ paymentId }) => paymentId),
  );
  return [...new Set(ids.filter((id) => id !== null))];
}

export const Findings: FC<FindingsShown> = ({
  certificate: { findings, findingsCount, day, currency },
  signs,
  stored,
}) => {
  const shown = findings.slice(0, FINDINGS_SHOWN);
  return (
    <>
      <Table
        caption={`${formatCount(findingsCount)} ${findingsCount === 1 ? 'finding' : 'findings'}${findings.length < findingsCount ? `, the first ${formatCount(findings.length)} are kept` : ''}`}
        columns={[
          { title: 'Finding', cell: ({ kind, accepted }) => `${kind}${accepted === undefined ? '' : ' (accepted)'}` },
          {
            title: 'Payment',
            cell: ({ paymentId }) => (paymentId === null ? '' : <Payment id={paymentId} stored={stored} />),
          },
          { title: 'What', cell: ({ detail }) => <Text of={detail} /> },
          { title: 'Means', cell: ({ kind }) => FINDING_KINDS[kind].meaning },
          ...(signs === null || !shown.some(isForDecision)
            ? []
            : [{ title: 'Decide', cell: (finding: DayFinding) => <Decide day={day} finding={finding} /> }]),
        ]}
        rows={shown}
        empty=""
      />
      {findings.length <= FINDINGS_SHOWN ? (
        ''
      ) : (
        <p>
          The first {FINDINGS_SHOWN} of {currency ?? day}; <a href={`/days/${day}/findings.csv`}>all of them as CSV</a>
        </p>
      )}
    </>
  );
};

/** Leads to a page that repeats what is signed. */
const Decide: FC<{ readonly day: string; readonly finding: DayFinding }> = ({ day, finding }) => {
  const { paymentId, accepted } = finding;
  if (paymentId === null) return null;
  const query = `payment=${encodeURIComponent(paymentId)}`;
  if (accepted !== undefined) return <a href={`/days/${day}/take-back?${query}`}>Take back…</a>;
  return isForDecision(finding) ? <a href={`/days/${day}/accept?${query}`}>Accept…</a> : null;
};

/** Whether there is something to accept or take back. */
function isForDecision(finding: DayFinding): boolean {
  if (finding.paymentId === null) return false;
  return finding.accepted !== undefined || judgeAcceptable([finding]).kind === 'acceptable';
}
