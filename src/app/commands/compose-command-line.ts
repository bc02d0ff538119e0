/**
 * Composition: the whole command line, with the commands joined to the operations that they show. What they run is
 * imported when it runs, so that a wrong configuration is told before the packages of the vendors are loaded.
 */
import type { Command } from 'commander';
import { addAccountsCommand, checkAccounts } from '../../cli/accounts.js';
import { printLines, withOpened } from '../../cli/command.js';
import { buildCommandLine } from '../../cli/command-line.js';
import { addCompletionCommand } from '../../cli/completion.js';
import { addDoctorCommand, doctor } from '../../cli/doctor.js';
import { type DryRunOperation, dryRun } from '../../cli/dry-run.js';
import { addInitCommand, init } from '../../cli/init.js';
import { addLoginLinkCommand, type LoginLinkOperation, printLoginLink } from '../../cli/login-link.js';
import { addMirrorCommands, moveMirror } from '../../cli/mirror.js';
import { addProveCommand, prove } from '../../cli/prove.js';
import { addRebuildCommand, rebuild } from '../../cli/rebuild.js';
import { addRepairCommands, applyRepair, planRepair } from '../../cli/repair.js';
import { createStepsView } from '../../cli/steps-view.js';
import { addProcessCommands, type ProcessActions } from '../../cli/worker.js';
import type { WorkerConfig } from '../../config/config.js';
import { giveUpWith, orStopped } from '../../core/base/give-up.js';
import type { DoctorReport } from '../../core/doctor/finding.js';
import { unknownNameLines } from '../../core/settings/unknown-names.js';
import { packageVersion } from '../../package-root.js';
import { migrationLines } from '../../views/migration-text.js';
import type { ServeParts } from '../server/serve-http.js';
import type { SessionOptions } from '../sessions/session.js';
import type { SessionOperations } from '../sessions/session-operations.js';
import type { AppEnvironment } from './command-environment.js';
import type { InitPlace } from './init.js';

type Closing = Pick<SessionOperations, 'close'>;

export function composeCommandLine(environment: AppEnvironment): Command {
  const program = buildCommandLine(environment, (request) =>
    withOpened(environment, {
      open: () => openDryRun(environment),
      work: (opened) => dryRun(environment, opened, request),
      // Also what else fails before there is a report: nothing was read.
      codeOfFault: 2,
    }),
  );
  addProveCommand(program, (options) =>
    withOpened(environment, {
      open: () => openOperations(environment),
      work: (operations) => prove(environment, operations, options),
    }),
  );
  addRepairCommands(program, {
    plan: (options) =>
      withOpened(environment, {
        open: () => openOperations(environment),
        work: (operations) => planRepair(environment, operations, options),
      }),
    apply: (options) =>
      withOpened(environment, {
        open: () => openOperations(environment),
        work: (operations) => applyRepair(environment, operations, options),
      }),
  });
  addRebuildCommand(program, (options) =>
    withOpened(environment, {
      // A lost embedded home is created anew, as by a worker.
      open: () => openOperations(environment, { role: 'worker' }),
      work: (operations) => rebuild(environment, operations, options),
    }),
  );
  addProcessCommands(program, processActions(environment));
  addDoctorCommand(program, (options) => doctor(environment, { examine: () => examineAll(environment) }, options));
  addInitCommand(program, async (options) => {
    try {
      const { initParts } = await import('./init.js');
      await init(environment, initParts(await initPlace(environment)), options);
    } catch (error) {
      environment.output.fail(error);
      environment.exit(2);
    }
  });
  addMirrorCommands(program, (options) => {
    // What is asked is the new instance, whatever the variables still name.
    const variables = () => ({ ...environment.variables(), BLNK_INSTANCE_ID: options.instance });
    return withOpened(environment, {
      open: () => openOperations({ ...environment, variables }),
      work: (operations) => moveMirror(environment, operations, options),
    });
  });
  addAccountsCommand(program, (options) =>
    withOpened(environment, {
      open: () => openOperations(environment),
      work: (operations) => checkAccounts(environment, operations, options),
    }),
  );
  addLoginLinkCommand(program, (options) =>
    withOpened(environment, {
      open: () => openLinks(environment),
      work: (links) => printLoginLink(environment, links, options),
    }),
  );
  addCompletionCommand(program, environment);
  return program;
}

/** Throws ConfigError. Names that nothing reads are told first: one of them may be why another is not set. */
async function readWholeConfig({ output, variables, variableNames }: AppEnvironment): Promise<WorkerConfig> {
  const { NAMES_READ, readWorkerConfig } = await import('../../config/config.js');
  for (const line of unknownNameLines(variableNames(), NAMES_READ)) output.warn(line);
  return readWorkerConfig(variables());
}

async function openOperations(
  environment: AppEnvironment,
  options: Pick<SessionOptions, 'role'> = {},
): Promise<SessionOperations> {
  const config = await readWholeConfig(environment);
  const { openSessionOperations } = await import('../sessions/session-operations.js');
  return openSessionOperations(config, {
    ...(await sessionOptions(environment)),
    ...options,
    ...{ overrides: environment.overrides, userName: environment.userName },
  });
}

/** What is wrong with the configuration is a part of what is found. */
async function examineAll(environment: AppEnvironment): Promise<DoctorReport> {
  const [{ surveyVariables }, { examine }] = await Promise.all([
    import('../doctor/survey-variables.js'),
    import('../doctor/examine.js'),
  ]);
  const { signal, overrides } = environment;
  return orStopped(signal, () => examine({ ...surveyVariables(environment), signal, overrides }));
}

async function openDryRun(environment: AppEnvironment): Promise<DryRunOperation & Closing> {
  const config = await readWholeConfig(environment);
  const { openDryRunSession } = await import('../sessions/session.js');
  const operation = await import('../../operations/dry-run.js');
  const session = await openDryRunSession(config, await sessionOptions(environment));
  return {
    dryRun: (asked, listener) => operation.dryRun(session, asked, listener),
    close: () => session.close(),
  };
}

async function openLinks({ variables, log, signal }: AppEnvironment): Promise<LoginLinkOperation & Closing> {
  const { readHomeConfig } = await import('../../config/config.js');
  const config = readHomeConfig(variables());
  const { openLoginLinks } = await import('./login-links.js');
  return openLoginLinks(config, { log: await log('error'), signal });
}

async function initPlace(environment: AppEnvironment): Promise<InitPlace> {
  return {
    ...{ variables: environment.variables(), file: environment.environmentFile(), signal: environment.signal },
    ...{ log: await environment.log('silent'), write: environment.writeEnvironmentFile },
  };
}

/** A command's log goes beside its output: only what a person has to know. */
async function sessionOptions({ log, signal }: AppEnvironment): Promise<SessionOptions> {
  return { log: await log('error'), signal };
}

/** Pages work without keys; with a worker's they can ask both sides. */
async function keysOf({ variables }: AppEnvironment): Promise<ServeParts['keys']> {
  const [{ readWorkerConfig }, { ConfigError }] = await Promise.all([
    import('../../config/config.js'),
    import('../../config/environment.js'),
  ]);
  try {
    return readWorkerConfig(variables());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const whyNot = `This process can ask neither Stripe nor Blnk (${error.problems.join('; ')}); ask on a worker's pages, or by its command`;
    return { whyNot };
  }
}

function processActions(environment: AppEnvironment): ProcessActions {
  /** What these commands throw is always a reason why they could not start. */
  const orExitTwo = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      environment.output.fail(error);
      environment.exit(2);
    }
  };
  return {
    worker: ({ adopt }) =>
      orExitTwo(async () => {
        const config = await readWholeConfig(environment);
        const [{ runWorker }, { describeSettings }] = await Promise.all([
          import('../worker/run-worker.js'),
          import('../describe-settings.js'),
        ]);
        environment.exit(
          await runWorker(config, {
            ...{ log: await environment.log(config.logLevel), adopt, signal: environment.signal },
            userName: environment.userName,
            onTakesWork: environment.onMayPost,
            settings: () => describeSettings(environment.variables()),
          }),
        );
      }),

    serve: () =>
      orExitTwo(async () => {
        const { readHomeConfig } = await import('../../config/config.js');
        const config = readHomeConfig(environment.variables());
        const { runServer } = await import('../server/run-server.js');
        const { describeSettings } = await import('../describe-settings.js');
        await runServer(config, {
          ...{
            log: await environment.log(config.logLevel),
            signal: environment.signal,
            keys: await keysOf(environment),
          },
          settings: () => describeSettings(environment.variables()),
        });
      }),

    health: () =>
      orExitTwo(async () => {
        const { readHomeConfig } = await import('../../config/config.js');
        const { askHealth } = await import('../server/ask-health.js');
        const { isReady, text } = await askHealth(readHomeConfig(environment.variables()));
        environment.output.print(text.trimEnd());
        environment.exit(isReady ? 0 : 1);
      }),

    migrate: () =>
      orExitTwo(async () => {
        const { readHomeConfig } = await import('../../config/config.js');
        const config = readHomeConfig(environment.variables());
        const { openHome } = await import('../home.js');
        const log = await environment.log('warn');
        const giving = giveUpWith(environment.signal);
        const home = await orStopped(giving.signal, () =>
          openHome(config, { log, role: 'worker', migratesOnly: true, giveUp: giving.signal }),
        );
        giving.end();
        const view = createStepsView(environment.output);
        try {
          const report = await home
            .migrate({
              signal: environment.signal,
              onMigration: (name, progress) =>
                view.onStep({ doing: `applying ${name}`, unit: 'migrations', ...progress }),
            })
            .finally(() => view.stop());
          printLines(environment, migrationLines(report, packageVersion()));
        } finally {
          await home.close();
        }
      }),

    demo: (options) =>
      orExitTwo(async () => {
        const { runDemo } = await import('../demo/demo.js');
        environment.exit(await runDemo(environment, options));
      }),
  };
}
