/**
 * Tries bad data for longer than `npm test` does: `node --import tsx scripts/play-bad-data.ts 20 42` draws twenty times as
 * many damages as `npm test`, with seed 42. What fails is printed with its seed; the same seed draws the same.
 */
import { startVitest } from 'vitest/node';

const [times, seed] = process.argv.slice(2).map(Number);
if (!(times !== undefined && Number.isInteger(times) && times > 0)) {
  throw new Error('say how many times as much as npm test is to be tried, and with which seed: 20 42');
}
const vitest = await startVitest('test', ['test/fuzz/'], {
  run: true,
  watch: false,
  provide: { fuzzTimes: times, fuzzSeed: seed ?? Date.now() % 1_000_000 },
});
const failed = vitest.state.getTestModules().some((module) => module.state() === 'failed');
await vitest.close();
process.exitCode = failed ? 1 : 0;
