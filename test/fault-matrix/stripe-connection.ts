/** How the matrix asks Stripe: with the tries of production, whose pauses are counted and not waited for. */
import type { Context } from '../../src/app/context.js';
import { atStripe, openContext, STRIPES_TIME } from '../support/context.js';
import { LAG, type Stage } from '../support/stages/collect.js';

/** Where a row is not about time, a busy machine must not meet the limit. */
const UNHURRIED_MS = 20_000;

export function connectStripe(
  { database, sandbox }: Pick<Stage, 'database' | 'sandbox'>,
  {
    limitMs = UNHURRIED_MS,
    ...at
  }: { readonly url: string; readonly limitMs?: number | undefined; readonly readKey?: () => Promise<string> },
): Context {
  let sleptMs = 0;
  return openContext(database, {
    config: { ...atStripe(sandbox, at), syncLagMs: LAG },
    overrides: {
      clock: {
        monotonicMs: () => sleptMs,
        sleep: async (ms) => {
          sleptMs += ms;
        },
        every: () => () => {},
      },
      // The longest of what chance may choose.
      random: () => 0.999_999,
      stripe: { ...STRIPES_TIME, requestTimeoutMs: limitMs, answerBytesMax: 200_000 },
    },
  });
}
