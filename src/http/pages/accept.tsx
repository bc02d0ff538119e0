/** A person says that a difference is meant, or takes that back: what it is about first, then who and why. */
import { createHash } from 'node:crypto';
import type { Context, Hono } from 'hono';
import type { FC } from 'hono/jsx';
import { type DayFinding, FINDING_KINDS } from '../../core/proof/certificate.js';
import { actorOf, type Environment, needAdmin } from '../access.js';
import { ProblemError, refuse } from '../problem.js';
import { dayOf, queryOf } from './addresses.js';
import { mirrorOf, type PagesPorts, render } from './frame.js';
import { Id, Text } from './parts.js';
import { nameOf, readFields, textOf, Why, whyOf, YourName } from './signature.js';

interface Asked {
  readonly day: string;
  readonly payment: string;
  readonly takesBack: boolean;
}

export function addAccepting(app: Hono<Environment>, ports: PagesPorts): void {
  const findingsOf = async ({ day, payment }: Asked): Promise<readonly DayFinding[]> => {
    const found = await ports.reads.certificatesOfDay({ day });
    return (found?.certificates ?? [])
      .flatMap((certificate) => certificate.findings)
      .filter(({ paymentId }) => paymentId === payment);
  };
  const show = async (c: Context<Environment>, asked: Asked, problem: string | null) => {
    const findings = await findingsOf(asked);
    const about = {
      ...{ title: asked.takesBack ? 'Take back' : 'Accept', place: '/days', mirror: await mirrorOf(ports) },
      same: { command: null, api: null },
    };
    return render(c, ports, about, <Sign asked={asked} findings={findings} problem={problem} />);
  };
  for (const [path, takesBack] of [
    ['accept', false],
    ['take-back', true],
  ] as const) {
    app.get(`/days/:day/${path}`, (c) => {
      needAdmin(c);
      const { payment = '' } = queryOf(c, ['payment']);
      return show(c, { day: existing(c.req.param('day')), payment: payment.slice(0, 300), takesBack }, null);
    });
    app.post(`/days/:day/${path}`, async (c) => {
      needAdmin(c);
      const form = await readFields(c);
      const asked = { day: existing(c.req.param('day')), payment: textOf(form, 'payment').slice(0, 300), takesBack };
      const [by, why] = [nameOf(form), whyOf(form)];
      if (by === null || why === null) {
        return show(c, asked, 'Say why, and who you are: both are kept, and stand on the certificate.');
      }
      if (textOf(form, 'shown') !== digestOf(await findingsOf(asked))) {
        return show(
          c,
          asked,
          'A proof shows something else of it since you looked. Nothing was done; this is what it shows now.',
        );
      }
      const operations = await ports.operationsFor({ ...actorOf(c, true), name: by });
      const { payment, day } = asked;
      const { outcome } = await operations.acceptDifference({ payment, day, by, why, takeBack: takesBack });
      if (outcome.kind === 'refused' && outcome.code !== 'already_accepted') {
        throw new ProblemError({ status: 409, code: outcome.code, title: 'Refused', detail: outcome.problem });
      }
      return c.redirect(`/days/${day}`, 303);
    });
  }
}

/** Of what is signed: another one as soon as a proof shows something else, or somebody accepted some of it. */
function digestOf(findings: readonly DayFinding[]): string {
  return createHash('sha256').update(JSON.stringify(findings)).digest('base64url');
}

/** Throws ProblemError 404. */
function existing(text: string): string {
  const day = dayOf(text);
  if (day !== undefined) return day;
  throw refuse(404, 'http_not_found', `There is no day ${JSON.stringify(text.slice(0, 40))}; all of them are at /days`);
}

const Sign: FC<{
  readonly asked: Asked;
  readonly findings: readonly DayFinding[];
  readonly problem: string | null;
}> = ({ asked: { day, payment, takesBack }, findings, problem }) => (
  <>
    <h1>
      {takesBack ? 'Take back what was accepted of' : 'Accept the difference of'} <Id value={payment} />?
    </h1>
    {problem === null ? '' : <p class="answer bad">{problem}</p>}
    <p>
      {takesBack
        ? `${day} is judged afresh; what was accepted stays in its history.`
        : `Nothing is posted. ${day} is sealed with this as an exception, as long as it is the very same; another difference is not covered.`}
    </p>
    {findings.length === 0 ? (
      <p class="notice">The newest proof of {day} shows nothing of it.</p>
    ) : (
      <ul>
        {findings.map(({ kind, detail, accepted }) => (
          <li>
            <strong>{kind}</strong>: {FINDING_KINDS[kind].meaning}. <Text of={detail} />
            {accepted === undefined ? (
              ''
            ) : (
              <>
                {' '}
                Accepted by <Text of={accepted.by} />: <Text of={accepted.why} />
              </>
            )}
          </li>
        ))}
      </ul>
    )}
    <form method="post" action={`/days/${day}/${takesBack ? 'take-back' : 'accept'}`}>
      <input type="hidden" name="payment" value={payment} />
      <input type="hidden" name="shown" value={digestOf(findings)} />
      <Why />
      <YourName />
      <p class="actions">
        <button type="submit" class="first">
          {takesBack ? 'Take it back' : 'Accept it'}
        </button>
        <a href={`/days/${day}`}>Cancel</a>
      </p>
    </form>
  </>
);
