/**
 * Why a text cannot be the API key that a variable requires: what it looks like instead, and what is allowed. Only the
 * kind of a key is ever named, by its public prefix; no message repeats the text.
 */

/** Where keys of Stripe are made and shown. */
export const KEYS_PAGE = 'https://dashboard.stripe.com/apikeys';

/** What people paste by mistake, by its prefix (https://docs.stripe.com/keys). */
const OTHER_STRIPE_TEXTS: ReadonlyArray<readonly [prefix: RegExp, what: string]> = [
  [/^pk_/, 'a publishable key (pk_…), which may read nothing'],
  [/^whsec_/, 'the signing secret of a webhook (whsec_…)'],
  [/^(ek|uk|tok|cus|acct|pi)_/, 'the id or short-lived key of an object, not a key of the account'],
];

const STRIPE_ALLOWED = 'allowed is a key that begins with sk_live_, sk_test_, rk_live_ or rk_test_';

/** @returns what is wrong and what is allowed; null when it may be a key of Stripe */
export function stripeKeyProblem(text: string): string | null {
  const other = OTHER_STRIPE_TEXTS.find(([prefix]) => prefix.test(text))?.[1];
  if (other !== undefined) return `it is ${other}; ${STRIPE_ALLOWED}`;
  if (!/^["'`]?(sk|rk)_(live|test)_/.test(text)) return STRIPE_ALLOWED;
  return spellingProblem(text, 'sk_… or rk_…');
}

/** @returns what is wrong and what is allowed; null when it may be a key of Blnk */
export function blnkKeyProblem(text: string): string | null {
  if (/^["'`]?(sk|rk|pk)_(live|test)_|^["'`]?whsec_/.test(text)) {
    return 'it is a key of Stripe; allowed is a key of Blnk (Cloud: an API key with proxy:write and data:read)';
  }
  return spellingProblem(text, 'the key alone');
}

/** A header of HTTP carries visible ASCII characters; quotes and spaces come from files and shells. */
function spellingProblem(text: string, allowed: string): string | null {
  if (/^["'`]|["'`]$/.test(text)) return `it has quotation marks around it; allowed is ${allowed}`;
  if (/\s/.test(text)) return `it holds a space or a line break; allowed is ${allowed}, on one line`;
  if (!/^[\x21-\x7e]+$/.test(text)) return 'it holds characters that no key has; allowed are letters, digits and signs';
  return null;
}
