/** Executes the matrix of one API and holds the document against it; or writes the document, when that was asked for. */
import { inject } from 'vitest';
import { executeAll, type Task } from './execute.js';
import { documented, renderRow, renderTables, type TableSection, writeDocument } from './table.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Given by scripts/write-fault-matrix.ts. */
    readonly writeFaultMatrix?: boolean;
    /** Given by the same script with `--check`. */
    readonly wholeFaultMatrix?: boolean;
  }
}

/** Of the rows `npm test` executes each twelfth one; all of them take minutes, and are executed by the script. */
const ROW_STEP = 12;

export interface ApiMatrix {
  /** As the comments in the document name it. */
  readonly name: string;
  readonly sections: readonly TableSection[];
  readonly columns: readonly string[];
  readonly groups: ReadonlyArray<{ readonly tasks: readonly Task[]; readonly lanes: number }>;
}

/** @returns what failed, and both texts, which must be equal */
export async function judgeMatrix({ name, sections, columns, groups }: ApiMatrix) {
  const isWriting = inject('writeFaultMatrix') === true;
  const lines = new Set(documented(name).split('\n'));
  const rows = sections.flatMap((section) => section.rows);
  const isWhole = isWriting || inject('wholeFaultMatrix') === true;
  const wanted = new Set(rows.filter((_, at) => isWhole || at % ROW_STEP === 0));
  const chosen = groups.map(({ tasks, lanes }) => ({ lanes, tasks: tasks.filter(({ row }) => wanted.has(row)) }));
  const { matrix, failures } = await executeAll(chosen, (row, executed) => {
    try {
      const line = renderRow(executed, row, columns);
      return isWriting || lines.has(line);
    } catch {
      // A cell of it did not come to an end.
      return false;
    }
  });
  if (failures.length > 0) return { failures, executed: '', documented: '' };
  if (!isWhole) {
    const executedRows = [...wanted].map((row) => renderRow(matrix, row, columns));
    const documentedRows = executedRows.map(
      (line) => [...lines].find((one) => one === line) ?? `not in the document: ${line}`,
    );
    return { failures, executed: executedRows.join('\n'), documented: documentedRows.join('\n') };
  }
  const executed = renderTables(matrix, { sections, columns });
  if (isWriting) writeDocument(name, executed);
  return { failures, executed, documented: documented(name) };
}
