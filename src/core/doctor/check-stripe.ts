/** Whether the Stripe key is one for this work, and may read what the mirror needs. */
import { type Check, type Finding, faulty, fine, found, ofAnswer, skipped } from './finding.js';

export const stripeKeyCheck: Check = {
  part: 'stripe key',
  judge({ stripeKey }) {
    if (stripeKey === null) return [skipped('there is no key that could be looked at')];
    const { kind, livemode, newKeyLink } = stripeKey;
    const mode = livemode ? 'live' : 'test';
    if (kind === 'restricted') return [fine(`restricted (rk_${mode}_…), ${mode} mode`)];
    if (!livemode) return [fine('full secret key (sk_test_…), test mode')];
    return [
      found(
        'stripe_key_full',
        'STRIPE_API_KEY is a full secret key (sk_live_…) in live mode: whoever gets hold of it may move money. Reading is all that is needed',
        `Make a restricted key (rk_live_…) and give it as STRIPE_API_KEY: ${newKeyLink}`,
      ),
    ];
  },
};

export const stripeCheck: Check = {
  part: 'stripe',
  judge: ({ stripe }) =>
    ofAnswer(
      stripe,
      {
        who: 'Stripe',
        code: 'stripe_unavailable',
      },
      ({ accountId, missing }) => {
        const account = accountId ?? 'an account it may not name';
        if (missing.length === 0) return [fine(`reads payments, events, charges of ${account}`)];
        return missingFindings(missing);
      },
    ),
};

/** Without one of the two less is proven. Without both nothing that succeeds late is seen, and completeness stands still. */
function missingFindings(
  missing: ReadonlyArray<{ readonly permission: 'events' | 'charges'; readonly message: string }>,
): Finding[] {
  const isBoth = missing.length > 1;
  return missing.map(({ permission, message }) => ({
    ...faulty({ code: 'stripe_permission_missing', message }, isBoth ? 'fail' : 'warn'),
    code: isBoth ? 'stripe_events_and_charges_refused' : `stripe_${permission}_refused`,
    do: 'Give the new key as STRIPE_API_KEY',
  }));
}
