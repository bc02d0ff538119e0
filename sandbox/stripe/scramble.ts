// Ids: a number is turned into a Stripe-like id by a keyed permutation, and back without a table, so that a million ids cost
// no memory and say nothing about order. Not cryptography.

import { hash32 } from '../fractions.js';

/** Ids of one kind of object: `encode` a number below 2^53, `decode` an id that this codec made. */
export class IdCodec {
  constructor(
    private readonly prefix: string,
    private readonly seed: number,
  ) {}

  encode(n: number): string {
    let left = Math.floor(n / LOW) >>> 0;
    let right = (n % LOW) >>> 0;
    for (let round = 0; round < ROUNDS; round++) {
      const next = (left ^ hash32(this.seed + round, right)) >>> 0;
      left = right;
      right = next;
    }
    // The last eleven characters only fill the id up to the length of Stripe's; `decode` checks them too.
    const last = hash32(this.seed + 12, left);
    const tail =
      sixLetters(hash32(this.seed + 11, left ^ right)) + pair(last) + pair(last >>> 12) + letter(last >>> 24);
    return this.prefix + sixLetters(left) + sixLetters(right) + tail;
  }

  decode(id: string): number | undefined {
    if (!id.startsWith(this.prefix) || id.length !== this.prefix.length + 23) return undefined;
    let left = value(id, this.prefix.length, 6);
    let right = value(id, this.prefix.length + 6, 6);
    if (left === undefined || right === undefined) return undefined;
    for (let round = ROUNDS - 1; round >= 0; round--) {
      const previous: number = (right ^ hash32(this.seed + round, left)) >>> 0;
      right = left;
      left = previous;
    }
    const n = left * LOW + right;
    return Number.isSafeInteger(n) && right < LOW && this.encode(n) === id ? n : undefined;
  }
}

const LOW = 2 ** 26;
const ROUNDS = 4;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CODES = new Map([...ALPHABET].map((letter, code) => [letter.charCodeAt(0), code]));

// Two letters at a time: ids are most of what a page costs.
const PAIRS = [...ALPHABET].flatMap((first) => [...ALPHABET].map((second) => second + first));

function letter(n: number): string {
  return ALPHABET.charAt(n % 62);
}

function pair(n: number): string {
  return PAIRS[n % PAIRS.length] ?? '';
}

/** 62^6 exceeds 2^32. The lowest digit comes first. */
function sixLetters(n: number): string {
  return pair(n) + pair(Math.floor(n / 3844)) + pair(Math.floor(n / 14_776_336));
}

function value(id: string, start: number, length: number): number | undefined {
  let n = 0;
  for (let i = start + length - 1; i >= start; i--) {
    const code = CODES.get(id.charCodeAt(i));
    if (code === undefined) return undefined;
    n = n * 62 + code;
  }
  return n > 0xffffffff ? undefined : n;
}
