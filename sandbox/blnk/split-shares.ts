// What each part of a split gets, computed as Core computes it: amounts first, then percentages, `left` last, and what rounding
// left over on the largest share. It decides nothing about rows.

import type { Distribution } from './post-request.js';

/** Decimals as whole numbers of 10^-20. */
const scale = 10n ** 20n;

interface Shares {
  amounts: Map<string, bigint>;
  percentages: Map<string, bigint>;
  remaining: bigint;
}

/** Minor units by identifier, or Core's words on why the amount cannot be split. */
export function shareOut(
  total: bigint,
  distributions: readonly Distribution[],
  precision: number,
): Map<string, bigint> | string {
  if (total === 1n) {
    return new Map(distributions.map(({ identifier }, index) => [identifier, index === 0 ? 1n : 0n]));
  }
  const shares: Shares = { amounts: new Map(), percentages: new Map(), remaining: total * scale };
  const problem =
    takeAmounts(shares, distributions, precision) ?? takePercentages(shares, distributions, total * scale);
  if (problem !== undefined) {
    return problem;
  }
  const result = new Map([...shares.amounts, ...shares.percentages].map(([name, share]) => [name, share / scale]));
  for (const share of shares.percentages.values()) {
    shares.remaining -= share;
  }
  const left = distributions.find(isLeft);
  if (left !== undefined && result.has(left.identifier)) {
    return "multiple identifiers with 'left' distribution";
  }
  if (left !== undefined) {
    result.set(left.identifier, shares.remaining / scale);
  }
  addToLargest(result, total - sumOf(result));
  return result;
}

function takeAmounts(shares: Shares, distributions: readonly Distribution[], precision: number): string | undefined {
  for (const given of distributions) {
    if (isLeft(given) || given.distribution.endsWith('%')) {
      continue;
    }
    const amount = readAmount(given, precision);
    if (typeof amount === 'string') {
      return amount;
    }
    if (amount > shares.remaining) {
      return 'fixed amount exceeds remaining transaction amount';
    }
    if (amount !== 0n) {
      shares.amounts.set(given.identifier, amount);
      shares.remaining -= amount;
    }
  }
  return undefined;
}

function readAmount({ distribution, preciseDistribution }: Distribution, precision: number): bigint | string {
  if (preciseDistribution !== '') {
    return /^[+-]?\d+$/.test(preciseDistribution)
      ? BigInt(preciseDistribution) * scale
      : 'invalid precise_distribution format: must be an integer value in minor units';
  }
  const amount = distribution === '' ? 0n : readDecimal(distribution);
  return amount === undefined ? 'invalid fixed amount format' : amount * BigInt(precision);
}

function takePercentages(shares: Shares, distributions: readonly Distribution[], total: bigint): string | undefined {
  let sum = 0n;
  for (const given of distributions.filter((one) => !isLeft(one) && one.distribution.endsWith('%'))) {
    const percentage = readDecimal(given.distribution.slice(0, -1));
    if (percentage === undefined) {
      return 'invalid percentage format';
    }
    sum += percentage;
    const share = (total * percentage) / (100n * scale);
    shares.percentages.set(given.identifier, share > 0n && share < scale ? 0n : share);
  }
  if (sum > 100n * scale) {
    return 'total distributions exceed 100% or total amount';
  }
  if (shares.percentages.size > 0) {
    addToLargest(shares.percentages, (total * sum) / (100n * scale) - sumOf(shares.percentages));
  }
  return undefined;
}

function isLeft({ distribution, preciseDistribution }: Distribution): boolean {
  return distribution === 'left' || preciseDistribution === 'left';
}

function readDecimal(text: string): bigint | undefined {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match ?? [];
  if (match === null || whole + fraction === '') {
    return undefined;
  }
  const digits = 20 - fraction.length + Number(exponent);
  const magnitude = BigInt(whole + fraction);
  const scaled = digits >= 0 ? magnitude * 10n ** BigInt(digits) : magnitude / 10n ** BigInt(-digits);
  return sign === '-' ? -scaled : scaled;
}

function addToLargest(shares: Map<string, bigint>, rest: bigint): void {
  const [largest] = [...shares]
    .filter(([, share]) => share > 0n)
    .sort(([, left], [, right]) => (left < right ? 1 : -1));
  if (largest !== undefined && rest !== 0n) {
    shares.set(largest[0], largest[1] + rest);
  }
}

function sumOf(shares: ReadonlyMap<string, bigint>): bigint {
  return [...shares.values()].reduce((sum, share) => sum + share, 0n);
}
