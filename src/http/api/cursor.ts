/** Where a list goes on: opaque to clients, and of one list only, so that a page is never continued in another list. */
import { refuse } from '../problem.js';

export function toCursor(list: string, position: string | null): string | null {
  return position === null ? null : Buffer.from(`${list} ${position}`).toString('base64url');
}

/** Throws ProblemError 400. */
export function fromCursor(list: string, cursor: string): string {
  const text = /^[\w-]{1,600}$/.test(cursor) ? Buffer.from(cursor, 'base64url').toString('utf8') : '';
  const [of, position] = [text.slice(0, text.indexOf(' ')), text.slice(text.indexOf(' ') + 1)];
  if (of === list && position !== '') return position;
  const what = of === '' ? 'is none that this server made' : `belongs to the list ${JSON.stringify(of)}`;
  throw refuse(400, 'http_request_invalid', `cursor ${what}; allowed is next_cursor of the page before of this list`);
}
