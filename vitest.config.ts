/**
 * How test files run: each in a process of its own, a few at a time. Most of them wait for servers and child processes,
 * so one more than there are processors is still quick; many more would only make each other's deadlines fail.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/services.ts', 'test/support/programs.ts'],
    pool: 'forks',
    maxWorkers: availableParallelism() + 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A shared CI machine may stand still for seconds; what is wrong fails twice. Elsewhere a test that wavers is seen.
    retry: process.env.CI === 'true' ? 1 : 0,
  },
});
