/** What people did, as text. */
import { formatTime } from '../core/base/time-text.js';
import type { ActionRecord } from '../db/actions/action-store.js';
import { type Column, renderTable } from './table.js';
import { plainText } from './text-width.js';

export function actionTable(actions: readonly ActionRecord[], terminalColumns: number): string[] {
  return renderTable(COLUMNS, actions, terminalColumns);
}

/** Below what they are about. */
export function actionLines(actions: readonly ActionRecord[]): string[] {
  return actions.map(({ at, kind, actor, origin, why, result }) => {
    const reason = why === null ? '' : ` "${why}"`;
    return plainText(`${formatTime(at)} (UTC)  ${kind} by ${actor} (${origin})${reason}: ${result}`);
  });
}

const COLUMNS: ReadonlyArray<Column<ActionRecord>> = [
  { title: 'when (UTC)', value: ({ at }) => formatTime(at), rank: 1 },
  { title: 'what', value: ({ kind }) => kind, rank: 0 },
  { title: 'about', value: ({ subject }) => subject ?? '', rank: 2 },
  { title: 'who', value: ({ actor }) => actor, rank: 1 },
  { title: 'from', value: ({ origin }) => origin, rank: 5 },
  { title: 'result', value: ({ result }) => result, rank: 3 },
  { title: 'why', value: ({ why }) => why ?? '', rank: 4 },
];
