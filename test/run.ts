/**
 * `npm test`, `npm test -- test/core/money.test.ts`: runs vitest and closes with the line `N passed, N failed`, alone on its
 * line, for people and programs that read only the end. What is tested on which servers is said by support/services.ts.
 */
import { parseCLI, startVitest, type TestCase, type Vitest } from 'vitest/node';

interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly TestCase[];
}

process.exitCode = await runTests(process.argv.slice(2));

async function runTests(args: readonly string[]): Promise<number> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args]);
  const vitest = await startVitest('test', filter, { ...options, run: true, watch: false });
  const totals = count(vitest);
  await vitest.close();
  // With -t almost everything is left out on purpose.
  for (const test of options.testNamePattern === undefined ? totals.skipped : []) {
    process.stdout.write(`skipped: ${test.module.relativeModuleId} > ${test.fullName}${reason(test)}\n`);
  }
  const skipped = totals.skipped.length > 0 ? `, ${totals.skipped.length} skipped` : '';
  process.stdout.write(`${totals.passed} passed, ${totals.failed} failed${skipped}\n`);
  return totals.failed > 0 || totals.passed === 0 ? 1 : 0;
}

/** A file or suite that broke outside its tests, and an error that no test caught, counts as one failure each. */
function count(vitest: Vitest): Totals {
  const modules = vitest.state.getTestModules();
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const suites = modules.flatMap((module) => [...module.children.allSuites()]);
  const inState = (state: 'passed' | 'failed' | 'skipped') => tests.filter((test) => test.result().state === state);
  const unfinished = tests.filter((test) => test.result().state === 'pending' && test.options.mode === 'run');
  const broken = [...modules, ...suites].filter((place) => place.errors().length > 0);
  const failed =
    inState('failed').length + unfinished.length + broken.length + vitest.state.getUnhandledErrors().length;
  return { passed: inState('passed').length, failed, skipped: inState('skipped') };
}

function reason(test: TestCase): string {
  const result = test.result();
  return result.state === 'skipped' && result.note !== undefined ? `: ${result.note}` : '';
}
