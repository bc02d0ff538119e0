/** Balance names are remembered for all chunks that are in flight at the same time. */
import { expect, it } from 'vitest';
import { createBalanceNames } from '../src/post/balance-names.js';

it('a name that is asked again for one chunk is not missing for another one meanwhile', async () => {
  let answer: (ids: Map<string, string>) => void = () => {};
  const names = createBalanceNames({ findBalances: () => new Promise((resolve) => (answer = resolve)) });
  const idOf = names.resolver('USD');
  const learned = names.learn('USD', ['@stripe']);
  answer(new Map([['@stripe', 'bln_1']]));
  await learned;
  const again = names.learnAgain('USD', ['@stripe']);
  expect(idOf('@stripe')).toBe('bln_1');
  answer(new Map([['@stripe', 'bln_2']]));
  await again;
  expect(idOf('@stripe')).toBe('bln_2');
  const gone = names.learnAgain('USD', ['@stripe']);
  answer(new Map());
  await gone;
  expect(idOf('@stripe')).toBeUndefined();
});
