/** Days over the API: sums, what was proven, and what may be asked for and decided about them. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { DAY_MS, utcDay } from '../../core/base/window.js';
import { CERTIFICATE_STATES } from '../../core/proof/certificate.js';
import type { FullCertificate } from '../../db/reads/certificates.js';
import { certificateCsv } from '../../views/certificate-csv.js';
import { actorOf, type Environment, needAdmin } from '../access.js';
import { given } from '../given.js';
import type { HttpPorts } from '../ports.js';
import { ProblemError, refuse } from '../problem.js';
import { personName, why } from './changing.js';
import { fromCursor, toCursor } from './cursor.js';
import { type Api, route, wantsCsv } from './define.js';
import * as proofs from './proof-schemas.js';
import * as schema from './schemas.js';

type DaysPorts = Pick<HttpPorts, 'reads' | 'now' | 'operationsFor'>;

export function addDays(api: Api, ports: DaysPorts): void {
  addTotals(api, ports);
  addCertificates(api, ports);
  addProving(api, ports);
  addAccepting(api, ports);
}

/** As many days of all currencies as a chart shows. */
const DAYS_MAX = 400;
const DAYS_DEFAULT = 90;

const range = { from: schema.day.optional(), to: schema.day.optional() };

function addTotals(api: Api, { reads, now }: Pick<DaysPorts, 'reads' | 'now'>): void {
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/totals/daily',
        summary: `Sums of each UTC day and currency, at most ${DAYS_MAX} days`,
      },
      query: z.object({
        ...range,
        currency: schema.currencyFilter.optional(),
      }),
      answer: z.looseObject({ data: z.array(schema.DayTotal) }),
    },
    async ({ query: { from, to, currency } }) => {
      const last = to ?? utcDay(now());
      const first = from ?? utcDay(new Date(Date.parse(last) - (DAYS_DEFAULT - 1) * DAY_MS));
      const days = (Date.parse(last) - Date.parse(first)) / DAY_MS + 1;
      if (days < 1 || days > DAYS_MAX) {
        const detail = `from ${first} to ${last} are ${days} days; allowed are 1 to ${DAYS_MAX}`;
        throw refuse(422, 'http_request_invalid', detail);
      }
      return { data: await reads.dayTotals({ from: first, to: last, ...given({ currency }) }) };
    },
  );
}

function addCertificates(api: Api, { reads }: Pick<DaysPorts, 'reads'>): void {
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/days',
        summary: 'The newest certificate of each day and currency, the newest day first',
      },
      query: z.object({ ...schema.paging, ...range, state: z.enum(CERTIFICATE_STATES).optional() }),
      answer: schema.page(proofs.Certificate),
    },
    async ({ query: { limit, cursor, ...filters } }) => {
      const found = await reads.certificatePage({
        ...{ limit, ...given(filters) },
        ...(cursor === undefined ? {} : { after: fromCursor('days', cursor) }),
      });
      return { data: found.certificates, next_cursor: toCursor('days', found.next) };
    },
  );
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/days/{day}',
        summary: 'What was proven of a day, with every finding and earlier proofs',
      },
      params: z.object({ day: schema.day }),
      answer: proofs.DayCertificates,
    },
    async ({ params: { day } }) => {
      const found = await reads.certificatesOfDay({ day });
      if (found === null) throw neverProven(day);
      return found;
    },
  );
  route(
    api,
    {
      ...{
        method: 'get',
        path: '/days/{day}/certificates/{currency}',
        summary: 'One certificate; with .csv behind the currency, or by Accept, as a line of CSV',
      },
      params: z.object({ day: schema.day, currency: schema.currency }),
      answer: proofs.FullCertificate,
      csv: true,
    },
    async ({ params: { day, currency }, c }) => {
      const code = currency.replace(/\.csv$/, '');
      const found = await reads.certificatesOfDay({ day, currency: code });
      const certificate = found?.certificates[0];
      if (certificate === undefined) throw neverProven(`${day} in ${code}`);
      return currency.endsWith('.csv') || wantsCsv(c) ? asCsv(c, certificate) : certificate;
    },
  );
}

function asCsv(c: Context<Environment>, certificate: FullCertificate): Response {
  const currency = (certificate.currency ?? 'none').replaceAll(/[^\w-]/g, '_');
  const name = `certificate-${certificate.day}-${currency}.csv`;
  return c.body(`${certificateCsv([certificate]).join('\r\n')}\r\n`, 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}"`,
  });
}

function neverProven(what: string) {
  return refuse(404, 'http_not_found', `The day ${what} was never proven`);
}

function addProving(api: Api, ports: Pick<DaysPorts, 'operationsFor'>): void {
  route(
    api,
    {
      ...{
        method: 'post',
        path: '/days/prove',
        summary: 'Ask the workers to prove days; a day that waits already is not asked for twice',
        status: 202,
      },
      body: z.strictObject({ from: schema.day, to: schema.day }),
      answer: z.looseObject({
        ...{ requested_at: z.iso.datetime(), days: z.array(schema.day), requested: z.array(schema.day) },
        ...{ queue_told: schema.queueTold, follow: z.string() },
      }),
    },
    async ({ body: { from, to }, c }) => {
      needAdmin(c);
      const operations = await ports.operationsFor(actorOf(c, false));
      const { queueFault, ...requested } = await operations.requestProofs({ from, to });
      return { ...requested, queueTold: queueFault === null, follow: `/api/v1/days?from=${from}&to=${to}` };
    },
  );
}

const Difference = z.strictObject({
  payment: z
    .string()
    .min(1)
    .max(300)
    .openapi({ description: 'As the findings have it: a PaymentIntent, or the reference of a row of the ledger' }),
  ...{ why, by: personName.optional() },
});

function addAccepting(api: Api, ports: Pick<DaysPorts, 'operationsFor'>): void {
  for (const takeBack of [false, true]) {
    route(
      api,
      {
        ...{
          method: 'post',
          path: takeBack ? '/days/{day}/take-back' : '/days/{day}/accept',
          summary: takeBack
            ? 'Take back what was accepted of a payment: the day is judged afresh'
            : 'Accept a difference as the newest proof shows it: the day is sealed with it as an exception',
        },
        params: z.object({ day: schema.day }),
        body: Difference,
        answer: z.looseObject({
          outcome: z.enum(['accepted', 'already_accepted', 'taken_back']),
          acceptances: z.array(proofs.Acceptance).openapi({ description: 'Those that it made or ended' }),
          queue_told: schema.queueTold,
        }),
      },
      async ({ params: { day }, body: { payment, why: reason, by }, c }) => {
        needAdmin(c);
        const actor = actorOf(c, false);
        const signed = { ...actor, name: by ?? actor.name };
        const operations = await ports.operationsFor(signed);
        const asked = { payment, day, why: reason, by: signed.name, takeBack };
        const { outcome, queueFault } = await operations.acceptDifference(asked);
        if (outcome.kind !== 'refused') {
          const changed = outcome.kind === 'accepted' ? [outcome.acceptance] : outcome.acceptances;
          return { outcome: outcome.kind, acceptances: changed, queueTold: queueFault === null };
        }
        const { code, problem } = outcome;
        if (code === 'already_accepted') return { outcome: code, acceptances: [], queueTold: true };
        throw new ProblemError({ status: 409, code, title: 'Refused', detail: problem });
      },
    );
  }
}
