// Somebody else's code beside ours: posts a payment to a Blnk Core, or to its stand-in, in each form that Blnk has. It resolves
// once the form is complete, what Core does in its queue included, and throws when Core refuses a step.
// It asks Core itself, never the Cloud, and shares nothing with the code under test.

import { setTimeout as sleep } from 'node:timers/promises';

/** A payment as the mirror would post it. */
export interface ForeignPayment {
  readonly reference: string;
  readonly preciseAmount: bigint;
  readonly precision: number;
  readonly currency: string;
  readonly source: string;
  readonly destination: string;
  readonly effectiveDate: string;
  readonly description?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Where Core answers, and what it wants to see: `{ 'x-blnk-key': … }`. */
export interface CoreAddress {
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

type Recipe = (core: Session, payment: ForeignPayment) => Promise<unknown>;

const atOnce = { skip_queue: true };

const recipes = {
  equal: (core, payment) => core.post(payment),
  'other-amount': (core, payment) => core.post({ ...payment, preciseAmount: payment.preciseAmount + 1n }),
  'other-destination': (core, payment) => core.post({ ...payment, destination: '@somebody_else' }),
  queued: (core, payment) => core.postQueued(payment),
  'queued-rejected': async (core, payment) => {
    await core.post(payment, { skip_queue: false, allow_overdraft: false });
    await core.untilRow(`${payment.reference}_q`, 'REJECTED');
  },
  'split-by-destinations': (core, payment) => core.post(payment, byDestinations(payment)),
  'split-by-sources': (core, payment) => core.post(payment, bySources(payment)),
  'split-queued': async (core, payment) => {
    await core.post(payment, { ...byDestinations(payment), skip_queue: false });
    await core.untilRow(`${payment.reference}_1_q`, 'APPLIED');
    await core.untilRow(`${payment.reference}_2_q`, 'APPLIED');
  },
  'inflight-open': (core, payment) => core.post(payment, { inflight: true }),
  'inflight-committed': async (core, payment) => {
    const id = await core.post(payment, { inflight: true });
    await core.settle(id, { status: 'commit' });
    await core.untilChild(id, 'APPLIED');
  },
  'inflight-committed-at-once': async (core, payment) => {
    await core.settle(await core.post(payment, { inflight: true }), { status: 'commit', ...atOnce });
  },
  'inflight-committed-in-part': async (core, payment) => {
    const part = payment.preciseAmount / 2n;
    await core.settle(await core.post(payment, { inflight: true }), { status: 'commit', ...atOnce }, part);
  },
  'inflight-voided': async (core, payment) => {
    const id = await core.post(payment, { inflight: true });
    await core.settle(id, { status: 'void' });
    await core.untilChild(id, 'VOID');
  },
  refunded: async (core, payment) => core.refund(await core.post(payment), 201),
  'refunded-twice': async (core, payment) => {
    const id = await core.post(payment);
    await core.refund(id, 201);
    // Core refuses the second call and books the payment again all the same.
    await core.refund(id, 409);
  },
  'reversed-by-hand': async (core, payment) => {
    await core.post(payment);
    await core.post(reversed(payment));
  },
  'reversed-by-hand-queued': async (core, payment) => {
    await core.post(payment);
    await core.postQueued(reversed(payment));
  },
  scheduled: async (core, payment) => {
    await core.post(payment, { skip_queue: false, scheduled_for: '2099-01-01T00:00:00+00:00' });
    await core.untilRow(payment.reference, 'SCHEDULED');
  },
} as const satisfies Record<string, Recipe>;

export type ForeignForm = keyof typeof recipes;

/** Every form, in a fixed order. */
export const foreignForms = Object.keys(recipes) as readonly ForeignForm[];

/** Posts the payment in this form and waits until nothing more comes of it. */
export async function postAsSomebodyElse(form: ForeignForm, payment: ForeignPayment, core: CoreAddress): Promise<void> {
  await recipes[form](new Session(core), payment);
}

class Session {
  readonly #core: CoreAddress;

  constructor(core: CoreAddress) {
    this.#core = core;
  }

  /** Posts synchronously unless `more` says otherwise; resolves with the id of the answer. */
  async post(payment: ForeignPayment, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { source, destination, reference, currency, precision, effectiveDate, description, metadata } = payment;
    const fields = {
      ...{ source, destination, reference, currency, precision },
      description: description ?? 'Somebody else',
      effective_date: effectiveDate,
      allow_overdraft: true,
      skip_queue: true,
      meta_data: metadata ?? {},
      ...more,
    };
    const answer = await this.#send(['POST', '/transactions'], withAmount(fields, payment.preciseAmount), 201);
    return (answer as { transaction_id: string }).transaction_id;
  }

  async postQueued(payment: ForeignPayment): Promise<void> {
    await this.post(payment, { skip_queue: false });
    await this.untilRow(`${payment.reference}_q`, 'APPLIED');
  }

  /** Commits or voids what is set aside. */
  async settle(id: string, fields: Readonly<Record<string, unknown>>, amount?: bigint): Promise<void> {
    const body = amount === undefined ? JSON.stringify(fields) : withAmount(fields, amount);
    await this.#send(['PUT', `/transactions/inflight/${id}`], body, 200);
  }

  async refund(id: string, expected: number): Promise<void> {
    await this.#send(['POST', `/refund-transaction/${id}`], JSON.stringify(atOnce), expected);
  }

  untilRow(reference: string, status: string): Promise<void> {
    return this.#untilFound({ field: 'reference', operator: 'eq', value: reference }, status);
  }

  untilChild(id: string, status: string): Promise<void> {
    return this.#untilFound({ field: 'parent_transaction', operator: 'eq', value: id }, status);
  }

  async #untilFound(filter: Readonly<Record<string, string>>, status: string): Promise<void> {
    const filters = [filter, { field: 'status', operator: 'eq', value: status }];
    const deadline = Date.now() + 30_000;
    for (;;) {
      const rows = await this.#send(['POST', '/transactions/filter'], JSON.stringify({ filters }), 200);
      if ((rows as unknown[]).length > 0) {
        return;
      }
      if (Date.now() > deadline) {
        throw new Error(`Core has no ${status} row for ${JSON.stringify(filter)} after 30 s`);
      }
      await sleep(25);
    }
  }

  async #send([method, path]: readonly [string, string], body: string, expected: number): Promise<unknown> {
    const headers = { 'content-type': 'application/json', ...this.#core.headers };
    const response = await fetch(new URL(path, this.#core.baseUrl), { method, headers, body });
    const text = await response.text();
    if (response.status !== expected) {
      throw new Error(`${method} ${path}: expected ${expected}, Core answered ${response.status} ${text}`);
    }
    return JSON.parse(text);
  }
}

/** An integer of any size as Core wants it, which JSON.stringify cannot write. */
function withAmount(fields: Readonly<Record<string, unknown>>, amount: bigint): string {
  return `{"precise_amount":${amount},${JSON.stringify(fields).slice(1)}`;
}

function byDestinations({ destination }: ForeignPayment): Record<string, unknown> {
  const destinations = [
    { identifier: destination, distribution: '97%' },
    { identifier: '@fees', distribution: 'left' },
  ];
  return { destination: undefined, destinations };
}

function bySources({ source }: ForeignPayment): Record<string, unknown> {
  const sources = [
    { identifier: source, distribution: '60%' },
    { identifier: '@other_source', distribution: 'left' },
  ];
  return { source: undefined, sources };
}

function reversed(payment: ForeignPayment): ForeignPayment {
  const { reference, source, destination } = payment;
  return { ...payment, reference: `${reference}:undo`, source: destination, destination: source };
}
