/**
 * Refuses characters that PostgreSQL cannot keep, before anything is looked up or done: NUL, and halves of surrogate pairs. What was
 * done in part before a statement failed on one would be told as failed.
 */
import type { MiddlewareHandler } from 'hono';
import { canBeKept } from '../core/base/kept-text.js';
import type { Environment } from './access.js';
import { refuse } from './problem.js';

/** In the path, the query, and the fields of a form or the texts of a JSON body. */
export const wholeTextOnly: MiddlewareHandler<Environment> = async (c, next) => {
  const { pathname, searchParams } = new URL(c.req.url);
  const asked = [decoded(pathname), ...[...searchParams].flat()];
  if (!asked.every(canBeKept) || !(await isBodyWhole(c.req))) {
    throw refuse(
      400,
      'http_request_invalid',
      'The request holds a character that cannot be kept (NUL, or half of a surrogate pair); allowed is all other text',
    );
  }
  await next();
};

interface Body {
  header(name: string): string | undefined;
  json(): Promise<unknown>;
  formData(): Promise<FormData>;
}

/** What cannot be read as its type says is for those who read it. */
async function isBodyWhole(request: Body): Promise<boolean> {
  const type = request.header('content-type') ?? '';
  if (type.includes('json')) return areTextsWhole(await request.json().catch(() => null));
  if (!type.includes('form')) return true;
  const form = await request.formData().catch(() => null);
  return (
    form === null ||
    [...form].every(([name, value]) => canBeKept(name) && (typeof value !== 'string' || canBeKept(value)))
  );
}

function areTextsWhole(value: unknown): boolean {
  if (typeof value === 'string') return canBeKept(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, member]) => canBeKept(key) && areTextsWhole(member));
}

/** What is no UTF-8 stays as it is: the router answers that. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
