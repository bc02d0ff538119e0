/** What people did, as text. */
import { formatTime } from '../core/base/time-text.js';
import type { ActionRecord } from '../db/actions/action-store.js';
import { type Column, renderTable } from './table.js';
import { plainText, widthOf, wrapLine } from './text-width.js';

/** A table; where that has no room for all of it, sentences: who decided what, and why, is what an auditor asks for. */
export function actionTable(actions: readonly ActionRecord[], terminalColumns: number): string[] {
  const table = renderTable(COLUMNS, actions, 0);
  if (terminalColumns <= 0 || table.every((line) => widthOf(line) <= terminalColumns)) return table;
  return actions.flatMap((action) => wrapLine(sentenceOf(action, action.subject), terminalColumns));
}

/** Below what they are about. */
export function actionLines(actions: readonly ActionRecord[]): string[] {
  return actions.map((action) => sentenceOf(action, null));
}

function sentenceOf({ at, kind, actor, origin, why, result }: ActionRecord, subject: string | null): string {
  const about = subject === null ? '' : ` ${subject}`;
  const reason = why === null ? '' : ` "${why}"`;
  return plainText(`${formatTime(at)} (UTC)  ${kind}${about} by ${actor} (${origin})${reason}: ${result}`);
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
