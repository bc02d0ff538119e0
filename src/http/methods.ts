/** With which methods a path may be asked for, as the routes have it; what only stands before routes is none. */
import type { Hono } from 'hono';
import type { Environment } from './access.js';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** @returns of a path its methods; none where nothing is */
export function createMethodReader(app: Hono<Environment>): (path: string) => string[] {
  return (path) =>
    METHODS.filter((method) =>
      app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
    ).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
