/**
 * How test files run: a few at a time, in processes that take one file after the other. Loading the packages and our own
 * sources afresh for each file would take longer than most of them; so no file leaves anything behind in its process.
 * Most of them wait for servers and child processes, so one process more than there are processors keeps them busy; more
 * of them load everything once more each, and make each other's deadlines fail.
 */
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // What takes too long for each change: `npm run test:full`.
    exclude: process.env.TEST_TIER === 'full' ? [] : ['test/**/*.full.test.ts'],
    globalSetup: ['test/support/services.ts', 'test/support/programs.ts'],
    pool: 'forks',
    isolate: false,
    sequence: { sequencer: SlowestFirst },
    maxWorkers: availableParallelism() + 1,
    // None takes so long on a machine that does nothing else; beside other work a start alone may take 20 s.
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
});
