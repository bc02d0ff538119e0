/** Balance names are remembered for all chunks that are in flight at the same time. */
import { expect, it } from 'vitest';
import { createBalanceNames } from '../../src/core/ledger/balance-names.js';

it('a name that is asked again for one chunk is not missing for another one meanwhile', async () => {
  let answer: (ids: Map<string, string>) => void = () => {};
  const names = createBalanceNames({ findBalances: () => new Promise((resolve) => (answer = resolve)) });
  const idOf = names.resolver('USD');
  const learned = names.resolve('USD', ['@stripe']);
  answer(new Map([['@stripe', 'bln_1']]));
  await learned;
  const again = names.refresh('USD', ['@stripe']);
  expect(idOf('@stripe')).toBe('bln_1');
  answer(new Map([['@stripe', 'bln_2']]));
  await again;
  expect(idOf('@stripe')).toBe('bln_2');
  const gone = names.refresh('USD', ['@stripe']);
  answer(new Map());
  await gone;
  expect(idOf('@stripe')).toBeUndefined();
});

it('forgets the oldest names when it is full, and never those that it was just asked for', async () => {
  const asked: string[][] = [];
  const names = createBalanceNames(
    {
      findBalances: async ({ indicators }) => {
        asked.push([...indicators]);
        return new Map(indicators.map((name) => [name, `bln_${name.slice(1)}`]));
      },
    },
    4,
  );
  const idOf = names.resolver('USD');
  await names.resolve('USD', ['@stripe', '@a', '@b']);
  await names.resolve('USD', ['@stripe', '@c', '@d']);
  expect(['@stripe', '@c', '@d'].map(idOf)).toEqual(['bln_stripe', 'bln_c', 'bln_d']);
  expect(idOf('@a')).toBeUndefined();
  expect(asked).toEqual([
    ['@stripe', '@a', '@b'],
    ['@c', '@d'],
  ]);
});
