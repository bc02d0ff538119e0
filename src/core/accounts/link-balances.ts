/**
 * What is still to be done with the balances of one customer, and what becomes of the customer then. Pure: what was posted to and
 * what Blnk showed in, steps out.
 */
import { isMarked, type Mark } from './identity.js';

/** A balance of a customer as Blnk shows it. */
export interface FoundBalance {
  readonly balanceId: string;
  readonly currency: string;
  /** Of the identity that it is linked to; null: none. */
  readonly identityId: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

export interface BalanceStep {
  readonly balanceId: string;
  readonly currency: string;
  /** Nobody has linked it yet. */
  readonly link: boolean;
  /** It does not carry our mark, or another one of ours. */
  readonly mark: boolean;
}

export interface BalanceSteps {
  readonly steps: readonly BalanceStep[];
  /** Currencies that were posted to and that Blnk does not show a balance of: a replica lags, or it is gone. */
  readonly missing: readonly string[];
  /** Linked to an identity that is not ours: never changed. */
  readonly foreign: readonly FoundBalance[];
}

/**
 * @param currencies in which the customer was posted to
 * @param own.ids of all identities that this mirror may have made of the customer: a balance that is linked to one of them is linked
 */
export function balanceSteps(
  currencies: readonly string[],
  balances: readonly FoundBalance[],
  own: { readonly ids: readonly string[]; readonly mark: Mark },
): BalanceSteps {
  const wanted = balances.filter(({ currency }) => currencies.includes(currency));
  const foreign = wanted.filter((balance) => balance.identityId !== null && !own.ids.includes(balance.identityId));
  return {
    steps: wanted
      .filter((balance) => !foreign.includes(balance))
      .map(({ balanceId, currency, identityId: linkedTo, metadata }) => ({
        ...{ balanceId, currency, link: linkedTo === null, mark: !isMarked(metadata, own.mark) },
      })),
    missing: currencies.filter((currency) => !wanted.some((balance) => balance.currency === currency)),
    foreign,
  };
}

/** Why an identity can get no further until a person acts. */
export const IDENTITY_REASONS = {
  linked_elsewhere: 'a balance of the customer is linked to another identity, which is left as it is',
  refused_by_blnk: 'Blnk refuses the identity, or a change of it, for good',
} as const;

export type IdentityReason = keyof typeof IDENTITY_REASONS;

/** What one turn made of a customer's identity. */
export type IdentityOutcome =
  | { readonly kind: 'done' }
  /** Tried again by itself. */
  | { readonly kind: 'later'; readonly error: string }
  /** Looked at again once a day: whoever mended it needs to tell nobody. */
  | { readonly kind: 'parked'; readonly reason: IdentityReason; readonly detail: string };

export function outcomeOf({ missing, foreign }: BalanceSteps): IdentityOutcome {
  const [other] = foreign;
  if (other !== undefined) {
    const detail = `${other.balanceId} (${other.currency}) is linked to ${other.identityId}`;
    return { kind: 'parked', reason: 'linked_elsewhere', detail };
  }
  if (missing.length > 0) return { kind: 'later', error: `Blnk shows no balance in ${missing.join(', ')} yet` };
  return { kind: 'done' };
}
