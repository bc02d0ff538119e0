/** Whether Blnk is reached, its key may post and look up, and a Core is one that can be worked with. */
import type { BlnkFacts } from './facts.js';
import { type Check, type Finding, fine, ofAnswer } from './finding.js';

export const blnkCheck: Check = {
  part: 'blnk',
  judge: ({ blnk }) =>
    ofAnswer(
      blnk,
      {
        who: 'Blnk',
        code: 'blnk_unavailable',
      },
      (facts) => {
        const lacking = lackingFindings(facts);
        return lacking.length > 0 ? lacking : [fine(`posts, looks up, balances; ${nameOf(facts)}`)];
      },
    ),
};

function nameOf({ style, at, refusesEmptyBulks }: BlnkFacts): string {
  if (style === 'cloud') return `Cloud, ${at}`;
  return `Core ${refusesEmptyBulks ? '0.15+' : '0.13.4+'}, ${at}`;
}

function lackingFindings({ mayReadBalances, style }: BlnkFacts): Finding[] {
  if (mayReadBalances === null) {
    return [
      {
        ...{ state: 'warn', code: 'blnk_answer_unreadable', do: 'Run it again; a worker asks at its start and hourly' },
        text: 'Posting and look-ups are allowed; Blnk gave no clear answer on whether the key may read balances',
      },
    ];
  }
  if (mayReadBalances) return [];
  const scope = style === 'cloud' ? 'proxy:read' : 'balances:read';
  return [
    {
      ...{ state: 'warn', code: 'blnk_balances_refused' },
      text: `The key in BLNK_API_KEY may not read balances (${scope}): proofs cannot see rows that belong to no payment, and each day is sealed with that exception at best`,
      do: `Make a key that has ${scope} as well, and give it as BLNK_API_KEY`,
    },
  ];
}
