// Every kind of payment that the stand-in knows, in one list: what the population mixes and what tests ask for by name.
// Nothing here knows the mirror's code; see kind.ts.

import type { Kind } from './kind.js';
import { CURRENCY_KINDS } from './kinds/currencies.js';
import { CUSTOMER_KINDS } from './kinds/customers.js';
import { LIFE_KINDS } from './kinds/lives.js';
import { TEXT_KINDS } from './kinds/texts.js';
import { UNPOSTABLE_KINDS } from './kinds/unpostable.js';

export const KINDS: readonly Kind[] = [
  ...CUSTOMER_KINDS,
  ...CURRENCY_KINDS,
  ...LIFE_KINDS,
  ...TEXT_KINDS,
  ...UNPOSTABLE_KINDS,
];

const BY_NAME = new Map(KINDS.map((kind) => [kind.name, kind]));

/** The kind of that name; throws for a name that no kind has. */
export function kindNamed(name: string): Kind {
  const kind = BY_NAME.get(name);
  if (kind === undefined) throw new Error(`no kind is named ${JSON.stringify(name)}`);
  return kind;
}
