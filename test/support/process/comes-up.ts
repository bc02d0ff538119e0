/** What must come of processes that are killed on their way: the next start comes up by itself, soon, and says no vendor's words. */
import { expect, it, onTestFinished } from 'vitest';
import { type Killing, killAtMoments, startEmptyVendors } from './first-start.js';

/** As a person waits who has just seen a start die; where all is slow, twice as long as a start takes that nothing came before. */
const NEXT_START_MAX_MS = 15_000;
const SLOWER_MAX = 2;
const MOMENT_MS = 60_000;
/** What PostgreSQL, its drivers and the queue say when two do the same at once. */
const VENDORS_WORDS =
  /tuple concurrently|deadlock|already exists|duplicate key|does not exist|CONNECTION_|PostgresError|relation "|violates/i;

export function itComesUpAfterKills(killing: Killing, moments: number): void {
  it(
    `${killing.name} that is killed at any of ${moments} moments lets the next one come up`,
    async () => {
      const vendors = await startEmptyVendors();
      onTestFinished(() => vendors.close());
      const { aloneMs, steps, next } = await killAtMoments(killing, vendors.variables, moments);
      const slowestMs = Math.max(...next.map(({ tookMs }) => tookMs));
      process.stdout.write(
        `${killing.name}: ${Math.round(aloneMs)} ms alone, ${steps} steps; killed at ${next.map(({ step, wasThrough }) => (wasThrough ? `${step} (through)` : step)).join(', ')}; slowest next start ${Math.round(slowestMs)} ms\n`,
      );
      expect(next.filter(({ wasThrough }) => !wasThrough).length, 'killed on their way').toBeGreaterThan(moments / 2);
      expect(next.flatMap(({ step, fault }) => (fault === null ? [] : [`step ${step}: ${fault}`]))).toEqual([]);
      expect(next.flatMap(({ said }) => said).filter((line) => VENDORS_WORDS.test(line))).toEqual([]);
      expect(slowestMs, 'until the next start mirrors').toBeLessThan(Math.max(NEXT_START_MAX_MS, SLOWER_MAX * aloneMs));
    },
    moments * MOMENT_MS,
  );
}
