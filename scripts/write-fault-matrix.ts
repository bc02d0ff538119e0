/**
 * Executes the fault matrix and writes what came out into docs/engineering/fault-matrix.md: `node --import tsx
 * scripts/write-fault-matrix.ts`. To be read before it is committed. With `--check` it writes nothing, and fails when the
 * document says otherwise; `npm test` does that with each sixth row.
 */
import { startVitest } from 'vitest/node';

const vitest = await startVitest('test', ['test/fault-matrix/'], {
  run: true,
  watch: false,
  provide: process.argv.includes('--check') ? { wholeFaultMatrix: true } : { writeFaultMatrix: true },
});
const failed = vitest.state.getTestModules().some((module) => module.state() === 'failed');
await vitest.close();
process.exitCode = failed ? 1 : 0;
