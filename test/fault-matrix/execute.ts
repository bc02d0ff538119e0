/** Executes cells side by side, and once more what came out otherwise than expected: a machine may stand still. */
import { setTimeout as sleep } from 'node:timers/promises';
import { withinTime } from '../../src/core/base/within-time.js';
import type { Cell, Matrix } from './cell.js';

/** What has to be executed for one cell of the table. */
export interface Task {
  readonly row: string;
  readonly column: string;
  /** Set apart those that a table cell joins: the styles of Blnk. */
  readonly variant: string;
  execute(): Promise<Cell>;
}

/** A cell that takes longer hangs: the limits handed to adapters add up to a few seconds. */
const CELL_MAX_MS = 60_000;

/** @returns the cells that came to an end, and why the others did not */
async function executeOnce(tasks: readonly Task[], lanes: number) {
  const cells = new Map<Task, Cell>();
  const failures = new Map<Task, string>();
  const queue = tasks.values();
  const work = async (): Promise<void> => {
    for (const task of queue) {
      try {
        cells.set(task, await within(task.execute()));
      } catch (error) {
        failures.set(task, error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  return { cells, failures };
}

/**
 * Executes all tasks, so many at the same time, and those again that failed or whose row is not as `expected` says: on a
 * machine that stands still a healthy request runs out of time as well. What is wrong is wrong twice.
 */
export async function executeAll(
  groups: ReadonlyArray<{ readonly tasks: readonly Task[]; readonly lanes: number }>,
  isExpected: (row: string, matrix: Matrix) => boolean,
): Promise<{ readonly matrix: Matrix; readonly failures: readonly string[] }> {
  const cells = new Map<Task, Cell>();
  let failures: readonly string[] = [];
  const run = async (isWanted: (task: Task) => boolean): Promise<void> => {
    const runs = await Promise.all(groups.map(({ tasks, lanes }) => executeOnce(tasks.filter(isWanted), lanes)));
    for (const one of runs) for (const [task, cell] of one.cells) cells.set(task, cell);
    failures = runs.flatMap((one) => [...one.failures].map(([task, why]) => `${nameOf(task)}: ${why}`));
  };
  await run(() => true);
  const first = toMatrix(cells);
  const again = ({ row }: Task) => !isExpected(row, first);
  const rows = new Set(groups.flatMap(({ tasks }) => tasks.filter(again).map(({ row }) => row)));
  if (rows.size > 0) await run(({ row }) => rows.has(row));
  return { matrix: toMatrix(cells), failures };
}

function nameOf({ row, column, variant }: Task): string {
  return [row, column, variant].filter((word) => word !== '').join(' · ');
}

/** Joins the variants of each cell: one text when all say the same. */
function toMatrix(cells: ReadonlyMap<Task, Cell>): Matrix {
  const joined = new Map<string, Map<string, Array<Cell & { readonly variant: string }>>>();
  for (const [{ row, column, variant }, cell] of cells) {
    const columns = joined.get(row) ?? new Map<string, Array<Cell & { readonly variant: string }>>();
    columns.set(column, [...(columns.get(column) ?? []), { ...cell, variant }]);
    joined.set(row, columns);
  }
  return new Map(
    [...joined].map(([row, columns]) => [row, new Map([...columns].map(([column, all]) => [column, join(all)]))]),
  );
}

function join(all: ReadonlyArray<Cell & { readonly variant: string }>): Cell {
  const texts = new Set(all.map(({ text }) => text));
  const sorted = [...all].sort((one, other) => (one.variant < other.variant ? -1 : 1));
  const text = texts.size === 1 ? [...texts].join() : sorted.map((one) => `${one.variant}: ${one.text}`).join('; ');
  return { text, codes: [...new Set(sorted.flatMap(({ codes }) => codes))].sort() };
}

async function within(cell: Promise<Cell>): Promise<Cell> {
  return withinTime(cell, {
    sleep: (over) => sleep(CELL_MAX_MS, undefined, { signal: over }),
    whenLate() {
      throw new Error(`it took longer than ${CELL_MAX_MS} ms`);
    },
  });
}
