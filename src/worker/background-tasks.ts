/**
 * What a worker does again and again beside its jobs, as a list. Each task stands alone: one that fails or hangs keeps no
 * other from its turn, and is never begun on top of itself. What its last turn came to is kept for whoever reads it.
 */
import type { Clock } from '../core/base/clock.js';
import { describeError } from '../core/base/errors.js';

export interface BackgroundTask {
  /** Stable: shown in the log. */
  readonly name: string;
  readonly everyMs: number;
  /** One turn. What it throws is told by whoever runs it. */
  run(): Promise<TaskResult>;
}

/** `failed`: told by the task itself. */
export type TaskResult =
  | { readonly kind: 'done'; readonly counts?: Readonly<Record<string, number>> }
  | { readonly kind: 'failed'; readonly error: string };

export const DONE: TaskResult = { kind: 'done' };

/** The last turn of a task that has ended. */
export interface TaskTurn {
  /** When it began, by this machine's clock. */
  readonly at: Date;
  readonly tookMs: number;
  readonly result: TaskResult;
}

export interface RunningTasks {
  /** By the name of the task; without those whose first turn has not ended. */
  lastTurns(): ReadonlyMap<string, TaskTurn>;
  /** Begins no further turn, and waits for those under way. */
  stop(): Promise<void>;
}

export interface TaskPorts {
  readonly clock: Clock;
  machineNow(): Date;
  onError(name: string, error: unknown): void;
}

/** Each task has its first turn after its interval. */
export function startTasks(ports: TaskPorts, tasks: readonly BackgroundTask[]): RunningTasks {
  const turns = new Map<string, TaskTurn>();
  const takeTurn = async ({ name, run }: BackgroundTask): Promise<void> => {
    const [at, beganAtMs] = [ports.machineNow(), ports.clock.monotonicMs()];
    let result: TaskResult;
    try {
      result = await run();
    } catch (error) {
      result = { kind: 'failed', error: describeError(error) };
      ports.onError(name, error);
    }
    turns.set(name, { at, tookMs: Math.round(ports.clock.monotonicMs() - beganAtMs), result });
  };
  const underWay = new Map<string, Promise<void>>();
  const begin = (task: BackgroundTask): void => {
    if (underWay.has(task.name)) return;
    const turn = takeTurn(task).finally(() => underWay.delete(task.name));
    underWay.set(task.name, turn);
  };
  const cancels = tasks.map((task) => ports.clock.every(task.everyMs, () => begin(task)));
  return {
    lastTurns: () => turns,
    async stop() {
      for (const cancel of cancels) cancel();
      await Promise.all(underWay.values());
    },
  };
}
