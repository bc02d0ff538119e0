/**
 * What is held of a day until it is compared, one item for each payment, row, posting or line; and how it is written as text,
 * where it does not stay in the memory of the process. Amounts are text there, times milliseconds since 1970.
 */
import type { LedgerRecord } from '../ledger/row.js';
import type { UnreadableOfDay } from './compare-day.js';
import type { DayPosting, ExpectedPayment, SideLine } from './day-payment.js';
import type { OtherPayment } from './judge-unlisted.js';

/**
 * `row`: as the ledger shows it, under its reference. `placed`: a row that is not plain, under its payment. `alias`: the payment
 * that such a row names by itself. `wanted`: a payment that rows name and Stripe does not list on the day; `other`: what
 * Stripe says of it. `line`: of the ledger's hash, under another id than its payment's.
 */
export interface StagedBodies {
  readonly payment: ExpectedPayment;
  readonly unreadable: UnreadableOfDay;
  readonly row: LedgerRecord;
  readonly placed: LedgerRecord;
  readonly posting: DayPosting;
  readonly other: OtherPayment;
  readonly line: SideLine;
  readonly alias: null;
  readonly wanted: null;
}

export type StagedKind = keyof StagedBodies;

/** Bits of `marks`: what is asked of items without reading them. */
export const MARKS = {
  /** A row that is applied. */
  applied: 1,
  /** A row of what its reference names, whatever else the day holds. */
  plain: 2,
  /** A row that is applied and ours to judge, where nobody lists its payment. */
  claimed: 4,
  /** A row whose commits, voids and refunds were asked for; it stays. */
  followed: 8,
  /** A payment that the mirror claims by its start. */
  afterStart: 16,
  /** A posting that says that it is in the ledger. */
  posted: 32,
  /** An alias by our metadata, not by the reference. */
  byMetadata: 64,
} as const;

/** Bits of `todo`: of few items, so that they are found without reading the others. */
export const TO_DO = {
  /** A row to be placed. */
  place: 1,
  /** A row whose commits, voids and refunds are to be asked for. */
  follow: 2,
  /** Made in the course of a proof from everything else, and made anew by the next attempt: one bit for each kind. */
  placed: 4,
  wanted: 8,
  other: 16,
  line: 32,
} as const;

interface ItemOf<Kind extends StagedKind> {
  readonly kind: Kind;
  /** Of the piece; see `line-key.ts`. */
  readonly key: string;
  /** Tells items of one kind and key apart: one that is put again takes the place of the earlier one. */
  readonly id: string;
  /** The payment, or what takes its place, by which items of one key are matched. */
  readonly name: string;
  readonly marks: number;
  readonly todo: number;
  /** Of a row, by which its children are found; null of everything else. */
  readonly transactionId: string | null;
  readonly body: StagedBodies[Kind];
  /** Its place in the order in which items came, where it is to stand beside an earlier one; left out, it comes last. */
  readonly sequence?: number;
}

export type StagedItem = { [Kind in StagedKind]: ItemOf<Kind> }[StagedKind];

/** An item with its place in the order in which items came; one that is put again keeps it. */
export type StoredItem = StagedItem & { readonly sequence: number };

export function writeBody({ kind, body }: StagedItem): string {
  switch (kind) {
    case 'payment':
      return JSON.stringify(paymentText(body));
    case 'other': {
      if (body.kind !== 'created_on' || body.held === undefined) return JSON.stringify(body);
      const { payment, own } = body.held;
      return JSON.stringify({ ...body, held: [paymentText(payment), own.map(postingText)] });
    }
    case 'row':
    case 'placed': {
      const { transactionId, reference, status, amount, currency, source, destination } = body;
      const { effectiveDate, mirrorId, rejectionReason, parentId, outcome, paymentId, day, createdAt } = body;
      if (outcome !== undefined) throw new RangeError(`${reference} was read as current: such rows are not held`);
      return JSON.stringify([
        ...[transactionId, reference, status, amount?.toString() ?? null, currency, source, destination],
        ...[effectiveDate?.getTime() ?? null, mirrorId, rejectionReason, paymentId, day, createdAt?.getTime() ?? null],
        // Left out and null are told apart: what is compared is what was read.
        ...(parentId === undefined ? [] : [parentId]),
      ]);
    }
    case 'posting':
      return JSON.stringify(postingText(body));
    case 'line': {
      const { id, amount, currency, effectiveDate } = body;
      return JSON.stringify([id, amount?.toString() ?? null, currency, effectiveDate?.getTime() ?? null]);
    }
    default:
      return JSON.stringify(body);
  }
}

/** What `writeBody` wrote of an item of this kind. */
export function readBody(kind: StagedKind, text: string): StagedItem['body'] {
  const held = JSON.parse(text);
  switch (kind) {
    case 'payment':
      return readPayment(held);
    case 'other': {
      if (!Array.isArray(held.held)) return held;
      const [payment, own] = held.held;
      return { ...held, held: { payment: readPayment(payment), own: own.map(readPosting) } };
    }
    case 'row':
    case 'placed': {
      const [transactionId, reference, status, amount, currency, source, destination] = held;
      const [, , , , , , , effectiveDate, mirrorId, rejectionReason, paymentId, day, createdAt, parentId] = held;
      return {
        ...{ transactionId, reference, status, amount: toAmount(amount), currency, source, destination },
        ...{ effectiveDate: toTime(effectiveDate), mirrorId, rejectionReason, paymentId, day },
        createdAt: toTime(createdAt),
        ...(parentId === undefined ? {} : { parentId }),
      };
    }
    case 'posting':
      return readPosting(held);
    case 'line': {
      const [id, amount, currency, effectiveDate] = held;
      return { id, amount: toAmount(amount), currency, effectiveDate: toTime(effectiveDate) };
    }
    default:
      return held;
  }
}

function paymentText({ id, amount, currency, created, balances, refused }: ExpectedPayment): PaymentText {
  return [
    ...([id, String(amount), currency, created.getTime()] as const),
    ...([balances?.source ?? null, balances?.destination ?? null, refused] as const),
  ];
}

type PaymentText = readonly [
  id: string,
  amount: string,
  currency: string,
  created: number,
  source: string | null,
  destination: string | null,
  refused: string | null,
];

function readPayment([id, amount, currency, created, source, destination, refused]: PaymentText): ExpectedPayment {
  const balances = source === null || destination === null ? null : { source, destination };
  return { id, amount: BigInt(amount), currency, created: new Date(created), balances, refused };
}

function postingText(posting: DayPosting) {
  const { reference, paymentId, role, state, reason, dismissed, amount, currency, source, destination } = posting;
  return [
    ...([reference, paymentId, role, state, reason, dismissed, amount?.toString() ?? null, currency] as const),
    ...([source, destination, posting.effectiveDate.getTime()] as const),
  ] as const;
}

function readPosting(text: ReturnType<typeof postingText>): DayPosting {
  const [reference, paymentId, role, state, reason, dismissed, amount, currency, source, destination, effective] = text;
  return {
    ...{ reference, paymentId, role, state, reason, dismissed, amount: toAmount(amount), currency },
    ...{ source, destination, effectiveDate: new Date(effective) },
  };
}

function toAmount(text: string | null): bigint | null {
  return text === null ? null : BigInt(text);
}

function toTime(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
