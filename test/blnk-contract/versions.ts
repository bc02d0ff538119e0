// Which recorded cases of the routes that the mirror uses come out otherwise on Cores of other versions, tried on real ones. What is
// not listed is equal. The stand-in that plays a version is held to the same lists, but for what it does not play.

import type { CoreVersion } from '../../sandbox/blnk/core-version.js';
import { type ContractCase, readContractCases } from './case-file.js';

const USED = [
  /^POST \/transactions$/,
  /^POST \/transactions\/bulk$/,
  /^POST \/(?:transactions|balances)\/filter$/,
  /^GET \/balances\/[^/]+\/at$/,
];

/** The cases that speak to a Core directly, and ask nothing but what the mirror asks. */
export function readUsedCases(): ContractCase[] {
  return readContractCases().filter(
    ({ only, steps }) =>
      only !== 'proxy' &&
      steps.every(({ request }) => USED.some((route) => route.test(`${request.method} ${request.path}`))),
  );
}

/** Before 0.15.0 refusals have no codes, and are 400; the rest is said in sandbox/blnk/core-version.ts. */
const BEFORE_CODES =
  '02-01 02-02 02-05 02-06 02-07 02-08 02-09 02-10 02-11 02-12 02-13 02-14 02-17 03-08 03-09 03-10 03-12 03-17 05-07 05-08 06-08 ' +
  '06-09 06-10 06-17 08-02 09-04 09-09 10-05 10-06 10-09 10-10 10-11 10-15 10-16 11-14 13-02 13-06 13-07 15-03';

/** By case id. 0.15.4 was not at hand: what others published of it. */
export const DIFFERENT: Readonly<Partial<Record<CoreVersion, ReadonlySet<string>>>> = {
  '0.13.4': new Set(BEFORE_CODES.split(' ')),
  '0.15.2': new Set(),
  '0.15.3': new Set(),
  '0.15.4': new Set(['10-05', '10-06', '13-06', '15-03']),
};

/** An older Core drops the zone of an effective date. The mirror writes UTC. */
export const NOT_PLAYED: Readonly<Partial<Record<CoreVersion, ReadonlySet<string>>>> = {
  '0.13.4': new Set(['02-17']),
};
