// Ids in Core's form, prefix plus UUID. Transaction ids are computed from a running number both ways, so that a million of
// them need no index and no memory; other ids are random.

import { randomUUID } from 'node:crypto';

type IdPrefix = 'bln' | 'ldg' | 'idt' | 'bulk';

/** A new random id. */
export function newEntityId(prefix: IdPrefix): string {
  return `${prefix}_${randomUUID()}`;
}

/** Turns running numbers (below 2^32) into transaction ids and back; `seed` makes each sandbox's ids its own. */
export class TransactionIds {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
  }

  format(number: number): string {
    const first = hex32(scramble((number ^ this.#seed) >>> 0));
    const second = hex32(scramble((number + 0x9e3779b9) >>> 0));
    const third = hex32(scramble((number ^ 0x85ebca6b ^ this.#seed) >>> 0));
    const fourth = hex32(scramble((number + 0xc2b2ae35) >>> 0));
    return `txn_${first}-${second.slice(0, 4)}-4${second.slice(5)}-a${third.slice(1, 4)}-${third.slice(4)}${fourth}`;
  }

  /** The number behind an id, or undefined when this sandbox never made such an id. */
  parse(id: string): number | undefined {
    if (!/^txn_[0-9a-f]{8}-/.test(id)) {
      return undefined;
    }
    const number = (unscramble(Number.parseInt(id.slice(4, 12), 16)) ^ this.#seed) >>> 0;
    return this.format(number) === id ? number : undefined;
  }
}

// A well mixed bijection on 32 bits (xor-shifts and odd multipliers) and its inverse.
function scramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function unscramble(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x43021123);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ (mixed >>> 30), 0x1d69e2a5);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
