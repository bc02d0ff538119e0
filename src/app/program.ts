/**
 * Composition: the whole command line, with the commands that run processes joined to what they run. What they run is
 * imported when it runs, so that a wrong configuration is told before the packages of the vendors are loaded.
 */
import type { Command } from 'commander';
import { buildProgram } from '../cli/program.js';
import { addProveCommand } from '../cli/prove.js';
import { addRebuildCommand } from '../cli/rebuild.js';
import { addRepairCommands } from '../cli/repair.js';
import { addProcessCommands, type ProcessActions } from '../cli/worker.js';
import { readWorkerConfig } from '../config.js';
import { describeFault } from '../core/errors.js';
import type { AppEnvironment } from './command-environment.js';
import type { Workbench } from './workbench.js';

export function createProgram(environment: AppEnvironment): Command {
  const program = buildProgram(environment, async (request) => {
    const { runDryRun } = await import('./dry-running.js');
    await runDryRun(environment, request);
  });
  addProcessCommands(program, processActions(environment));
  // A lost embedded home is created anew, as by a worker.
  addRebuildCommand(program, (options) =>
    atWorkbench(
      environment,
      async (bench) => {
        const { runRebuild } = await import('./rebuilding.js');
        await runRebuild(environment, bench, options);
      },
      'worker',
    ),
  );
  addRepairCommands(program, {
    plan: (options) =>
      atWorkbench(environment, async (bench) => {
        const { runRepairPlan } = await import('./repairing.js');
        await runRepairPlan(environment, bench, options);
      }),
    apply: (options) =>
      atWorkbench(environment, async (bench) => {
        const { runRepairApply } = await import('./repairing.js');
        await runRepairApply(environment, bench, options);
      }),
  });
  addProveCommand(program, (options) =>
    atWorkbench(environment, async (bench) => {
      const { runProve } = await import('./prove-command.js');
      await runProve(environment, bench, options);
    }),
  );
  return program;
}

/**
 * For commands that ask Stripe and Blnk themselves. Exit 2 when the workbench could not be opened, 1 when the work
 * failed; else the work sets its own exit code.
 */
export async function atWorkbench(
  environment: AppEnvironment,
  work: (bench: Workbench) => Promise<void>,
  role: 'worker' | 'command' = 'command',
): Promise<void> {
  const tell = (error: unknown, code: 1 | 2): void => {
    environment.output.warn(describeFault(error));
    environment.exit(code);
  };
  let bench: Workbench;
  try {
    const config = readWorkerConfig(environment.variables());
    const { openWorkbench } = await import('./workbench.js');
    // A command's log goes beside its output: only what a person has to know.
    bench = await openWorkbench(config, { log: environment.log('error'), signal: environment.signal, role });
  } catch (error) {
    return tell(error, 2);
  }
  await work(bench).catch((error: unknown) => tell(error, 1));
  await bench.close().catch((error: unknown) => {
    environment.output.warn(`The connections did not close cleanly: ${describeFault(error)}`);
  });
}

function processActions(environment: AppEnvironment): ProcessActions {
  /** What these commands throw is always a reason why they could not start. */
  const orExitTwo = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      environment.output.warn(describeFault(error));
      environment.exit(2);
    }
  };
  return {
    worker: ({ adopt }) =>
      orExitTwo(async () => {
        const config = readWorkerConfig(environment.variables());
        const { runWorker } = await import('./run-worker.js');
        environment.exit(
          await runWorker(config, { log: environment.log(config.logLevel), adopt, signal: environment.signal }),
        );
      }),

    migrate: () =>
      orExitTwo(async () => {
        const { runMigrate } = await import('./migrating.js');
        await runMigrate(environment);
      }),

    demo: (options) =>
      orExitTwo(async () => {
        const { runDemo } = await import('./demo.js');
        environment.exit(await runDemo(environment, options));
      }),
  };
}
