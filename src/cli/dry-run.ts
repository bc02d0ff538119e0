/** `sync --dry-run` and `backfill --dry-run`: what they would do, as far as it could be read. */
import type { DryRunAsked, DryRunResult } from '../operations/dry-run.js';
import type { ReadingListener } from '../operations/reading-progress.js';
import { dryRunLines } from '../views/dry-run-text.js';
import { toJson } from '../views/json.js';
import { printLines } from './command.js';
import type { CommandEnvironment, DryRunRequest } from './ports.js';
import { createReadingView } from './reading-progress.js';

/** The operation that the commands show. */
export interface DryRunOperation {
  dryRun(asked: DryRunAsked, listener: ReadingListener): Promise<DryRunResult>;
}

/** Sets the exit code: 1 when it could not be read to the end, or when a worker would refuse to start. */
export async function dryRun(
  environment: CommandEnvironment,
  operation: DryRunOperation,
  { json, ...asked }: DryRunRequest,
): Promise<void> {
  const { output, exit } = environment;
  const view = createReadingView(output);
  const { report, fault } = await operation.dryRun(asked, view).finally(() => view.stop());
  if (fault !== null) output.fail(fault);
  printLines(environment, json ? [toJson(report)] : dryRunLines(report, output.columns));
  if (!report.complete || report.ledgerInUse) exit(1);
}
