// Numbers that look random and are not: the same seed gives the same ones on every machine. Not cryptography.

/** A 32-bit hash of two numbers under a seed. */
export function hash32(seed: number, n: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(n | 0, 0xc2b2ae35) ^ Math.imul((n / 0x100000000) | 0, 7);
  h = Math.imul(h ^ (h >>> 16), 0x21f0aaad);
  h = Math.imul(h ^ (h >>> 15), 0x735a2d97);
  return (h ^ (h >>> 15)) >>> 0;
}

/** A fraction in [0, 1) from the same hash. */
export function fraction(seed: number, n: number): number {
  return hash32(seed, n) / 0x100000000;
}

/** A seeded source of fractions for decisions that depend on the order of requests. */
export function fractionSource(seed: number): () => number {
  let n = 0;
  return () => fraction(seed, n++);
}
