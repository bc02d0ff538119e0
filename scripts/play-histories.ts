/**
 * Plays the suites of histories for longer than `npm test` does: `node --import tsx scripts/play-histories.ts 10 42` gives
 * each suite ten minutes, beginning at seed 42. The seed is printed with what failed; the same seed plays the same steps.
 */
import { startVitest } from 'vitest/node';

const [minutes, seed] = process.argv.slice(2).map(Number);
if (!(minutes !== undefined && minutes > 0)) {
  throw new Error('say for how many minutes each suite is to be played, and with which seed: 10 42');
}
const vitest = await startVitest('test', ['test/history/'], {
  run: true,
  watch: false,
  provide: { historyBudgetMs: minutes * 60_000, historySeed: seed ?? Date.now() % 1_000_000 },
});
const failed = vitest.state.getTestModules().some((module) => module.state() === 'failed');
await vitest.close();
process.exitCode = failed ? 1 : 0;
