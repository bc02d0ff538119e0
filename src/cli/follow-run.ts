/**
 * Follows one run until it has nothing more to do. It only watches: the run belongs to the workers and goes on when
 * nobody looks, so leaving early is never an error of the run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../core/base/errors.js';
import { formatDuration } from '../core/base/time-text.js';
import type { RunStatus } from '../core/coverage/sync-run.js';
import { toJson } from '../views/json.js';
import { runLines } from '../views/run-text.js';
import { plainText } from '../views/text-width.js';
import type { CommandContext, CommandEnvironment } from './ports.js';
import { createProgressView, type ProgressView } from './progress.js';
import { noSuchRun } from './run.js';

/** Between two looks at the database. */
const LOOK_EVERY_MS = 300;
/** A worker that is free has begun by then; later it is said that one is waited for. */
const TOLD_WAITING_AFTER_MS = 1_000;
/** Between two looks at a run's parts, which count more than its progress does. */
const LOOK_AT_PARTS_EVERY_MS = 2_000;

export interface FollowOptions {
  /** The run's id, as soon as there is one. */
  readonly find: () => Promise<string | null>;
  readonly timeoutMs: number;
  readonly json: boolean;
}

/** Shows progress, prints the run when it has settled, and sets the exit code: 0 only for `succeeded`. */
export async function followRun(
  environment: CommandEnvironment,
  context: CommandContext,
  options: FollowOptions,
): Promise<void> {
  const view = createProgressView(environment.output);
  const end = await waitForEnd(environment, { context, options, view }).finally(() => view.stop());
  switch (end.kind) {
    case 'interrupted':
      environment.output.fail(notFollowed(`${describeRun(end.runId)} goes on without this command`));
      environment.exit(1);
      return;
    case 'timed_out':
      environment.output.fail(
        notFollowed(
          `Not done after ${formatDuration(options.timeoutMs)}. ${describeRun(end.runId)} goes on without this command`,
        ),
      );
      environment.exit(1);
      return;
    case 'ended':
      await printRun(environment, context, { runId: end.runId, json: options.json });
      environment.exit(end.status === 'succeeded' ? 0 : 1);
      return;
    default:
      end satisfies never;
  }
}

type FollowEnd =
  | { readonly kind: 'ended'; readonly runId: string; readonly status: RunStatus }
  | { readonly kind: 'timed_out' | 'interrupted'; readonly runId: string | null };

interface Watching {
  readonly context: CommandContext;
  readonly options: FollowOptions;
  readonly view: ProgressView;
}

async function waitForEnd({ signal }: CommandEnvironment, { context, options, view }: Watching): Promise<FollowEnd> {
  const tellFailedPart = failedPartTeller(context, view);
  const begunAt = performance.now();
  const deadline = begunAt + options.timeoutMs;
  let runId: string | null = null;
  for (;;) {
    runId ??= await options.find();
    const progress = runId === null ? null : await context.reads.progress(runId);
    if (runId !== null && progress !== null) {
      view.update(progress);
      const { status } = progress;
      if (status === 'collecting') await tellFailedPart(runId);
      if (status !== 'collecting' && status !== 'posting') return { kind: 'ended', runId, status };
    }
    if (runId === null && performance.now() - begunAt > TOLD_WAITING_AFTER_MS) view.waiting();
    if (signal.aborted) return { kind: 'interrupted', runId };
    const restMs = deadline - performance.now();
    if (restMs <= 0) return { kind: 'timed_out', runId };
    await pause(Math.min(LOOK_EVERY_MS, restMs), signal);
  }
}

/**
 * A run of parts goes on collecting although all its parts fail, because they are tried again. Tells the newest failure,
 * each once, so that nobody waits without knowing for what.
 */
function failedPartTeller({ reads }: CommandContext, view: ProgressView): (runId: string) => Promise<void> {
  let toldId: string | null = null;
  let nextLookAt = 0;
  return async (runId) => {
    if (performance.now() < nextLookAt) return;
    nextLookAt = performance.now() + LOOK_AT_PARTS_EVERY_MS;
    const answer = await reads.run(runId);
    // Parts stand newest first.
    const failed = answer.kind === 'found' ? answer.parts.find((part) => part.status === 'failed') : undefined;
    if (failed === undefined || failed.id === toldId) return;
    toldId = failed.id;
    const code = failed.errorCode === null ? '' : `${failed.errorCode}: `;
    view.warn(`A part failed, and is tried again: ${code}${plainText(failed.error ?? 'it was cut off')}`);
  };
}

/** Ends early when the signal is aborted. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch (error) {
    // The sleep was cut short by the signal; the caller looks at it next.
    if (!signal.aborted) throw error;
  }
}

async function printRun(
  environment: CommandEnvironment,
  context: CommandContext,
  { runId, json }: { readonly runId: string; readonly json: boolean },
): Promise<void> {
  const answer = await context.reads.run(runId);
  if (answer.kind !== 'found') throw noSuchRun(runId);
  const { run, parts } = answer;
  const lines = json ? [toJson({ run, parts })] : runLines(run, parts, environment.output.columns);
  for (const line of lines) environment.output.print(line);
}

function describeRun(runId: string | null): string {
  return runId === null ? 'The request stays on the queue and' : `Run ${runId}`;
}

function notFollowed(problem: string): SyncError {
  return new SyncError(problem, { kind: 'transient', code: 'not_followed' });
}
