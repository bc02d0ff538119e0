/**
 * The programs that tests start, made once before all test files (`globalSetup` of vitest.config.ts): all tests start hundreds
 * of processes.
 */
import type { TestProject } from 'vitest/node';
import { compilePrograms } from './compile-programs.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the compiled programs: `src/main.js` and so on. */
    readonly programs: string;
  }
}

/** All that tests start: `startChild` and `compiled` find nothing else. */
const PROGRAMS = [
  'src/main.ts',
  'src/app/demo/worker-process.ts',
  'sandbox/blnk/cli.ts',
  'sandbox/stripe/cli.ts',
  'test/support/clock/child.ts',
  'test/support/crash/child.ts',
  'test/support/embedded-session.ts',
  'test/support/process/worker.ts',
  'test/support/transaction/child.ts',
];

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { folder, remove } = await compilePrograms(PROGRAMS);
  project.provide('programs', folder);
  return remove;
}
