/**
 * Executes the fault matrix and writes what came out into docs/reliability.md: `node --import tsx
 * scripts/write-fault-matrix.ts`. To be read before it is committed: the tests only hold the document to what is executed.
 */
import { startVitest } from 'vitest/node';

const vitest = await startVitest('test', ['test/fault-matrix-'], {
  run: true,
  watch: false,
  provide: { writeFaultMatrix: true },
});
const failed = vitest.state.getTestModules().some((module) => module.state() === 'failed');
await vitest.close();
process.exitCode = failed ? 1 : 0;
