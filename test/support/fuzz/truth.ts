/**
 * What a damaged PaymentIntent truly says, read from its text to the last digit and without any of the code under test.
 * `undefined` means that it does not say it.
 */
import { type Json, memberOf, textOf, wholeNumberOf } from './json.js';

export interface IntentTruth {
  readonly id: string | undefined;
  readonly status: string | undefined;
  readonly amountReceived: bigint | undefined;
  readonly currency: string | undefined;
  /** Unix seconds. */
  readonly created: number | undefined;
  readonly livemode: boolean | undefined;
  /** Null: a guest. */
  readonly customerId: string | null | undefined;
}

/** The last second of the year 9999. */
const CREATED_MAX = 253_402_300_799n;

export function truthOf(intent: Json | undefined): IntentTruth {
  const amount = shortNumberOf(memberOf(intent, 'amount_received'));
  const created = shortNumberOf(memberOf(intent, 'created'));
  const livemode = memberOf(intent, 'livemode');
  return {
    id: matching(textOf(memberOf(intent, 'id')), /^pi_[A-Za-z0-9_]{1,200}$/),
    status: matching(textOf(memberOf(intent, 'status')), /./s),
    amountReceived: amount !== undefined && (amount < 0n ? -amount : amount) < 2n ** 53n ? amount : undefined,
    currency: matching(textOf(memberOf(intent, 'currency')), /^[!-~]{1,16}$/),
    created: created !== undefined && created > 0n && created <= CREATED_MAX ? Number(created) : undefined,
    livemode: livemode?.kind === 'leaf' ? BOOLEANS.get(livemode.text) : undefined,
    customerId: customerOf(intent),
  };
}

/** Whether all is said that a posting needs. */
export function isWhole(truth: IntentTruth): boolean {
  return Object.values(truth).every((value) => value !== undefined);
}

/** Numbers of Stripe's have 12 digits at most; one of more than 15 says nothing, whatever it comes to. */
function shortNumberOf(tree: Json | undefined): bigint | undefined {
  const digits = tree?.kind === 'leaf' ? tree.text.replace(/[eE].*$/, '').replace(/\D/g, '').length : 0;
  return digits <= 15 ? wholeNumberOf(tree) : undefined;
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

function customerOf(intent: Json | undefined): string | null | undefined {
  const [customer, account] = [memberOf(intent, 'customer'), memberOf(intent, 'customer_account')];
  // Every intent says whose it is, and be it null; without that nobody has said that it is a guest's.
  if (customer === undefined && isNull(account)) return undefined;
  return isNull(customer) ? (isNull(account) ? null : idIn(account)) : idIn(customer);
}

function isNull(tree: Json | undefined): boolean {
  return tree === undefined || (tree.kind === 'leaf' && tree.text === 'null');
}

function idIn(tree: Json | undefined): string | undefined {
  return matching(textOf(tree) ?? textOf(memberOf(tree, 'id')), /./s);
}

function matching(text: string | undefined, pattern: RegExp): string | undefined {
  return text !== undefined && pattern.test(text) ? text : undefined;
}
