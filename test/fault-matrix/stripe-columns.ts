/** The request kinds that are sent to Stripe, each by what is done while it fails. */
import type { Target } from './wire-faults.js';

export interface StripeColumn extends Target {
  readonly title: string;
  readonly during: 'tail' | 'backfill' | 'sweep' | 'proof' | 'start' | 'key change';
  /** A list, one object, or the account. */
  readonly asks: 'list' | 'intent' | 'account';
  matches(asked: { readonly path: string }): boolean;
}

const isList = (name: string) => (asked: { readonly path: string }) => asked.path.split('?')[0] === `/v1/${name}`;
const isIntent = ({ path }: { readonly path: string }) => path.startsWith('/v1/payment_intents/');

export const STRIPE_COLUMNS: readonly StripeColumn[] = [
  { title: 'events, tail', during: 'tail', asks: 'list', success: 200, matches: isList('events') },
  { title: 'intent of an event', during: 'tail', asks: 'intent', success: 200, matches: isIntent },
  { title: 'intents, backfill', during: 'backfill', asks: 'list', success: 200, matches: isList('payment_intents') },
  { title: 'charges, sweep', during: 'sweep', asks: 'list', success: 200, matches: isList('charges') },
  { title: 'intent of a charge', during: 'sweep', asks: 'intent', success: 200, matches: isIntent },
  { title: 'intents, proof', during: 'proof', asks: 'list', success: 200, matches: isList('payment_intents') },
  { title: 'account, start', during: 'start', asks: 'account', success: 200, matches: isList('account') },
  {
    title: 'intents `limit=1`, start',
    during: 'start',
    asks: 'list',
    success: 200,
    matches: isList('payment_intents'),
  },
  { title: 'account, new key', during: 'key change', asks: 'account', success: 200, matches: isList('account') },
];
