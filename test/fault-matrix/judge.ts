/** Executes the matrix of one API and holds the document against it; or writes the document, when that was asked for. */
import { inject } from 'vitest';
import { executeAll, type Task } from './execute.js';
import { documented, renderRow, renderTables, type TableSection, writeDocument } from './table.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Given by scripts/write-fault-matrix.ts. */
    readonly writeFaultMatrix?: boolean;
  }
}

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
  const { matrix, failures } = await executeAll(groups, (row, executed) => {
    try {
      const line = renderRow(executed, row, columns);
      return isWriting || lines.has(line);
    } catch {
      // A cell of it did not come to an end.
      return false;
    }
  });
  if (failures.length > 0) return { failures, executed: '', documented: '' };
  const executed = renderTables(matrix, { sections, columns });
  if (isWriting) writeDocument(name, executed);
  return { failures, executed, documented: documented(name) };
}
