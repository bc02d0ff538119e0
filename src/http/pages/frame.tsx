/** A page with its frame, and what every page is made with. */
import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { Mirror } from '../../core/posting/mirror.js';
import { type Access, type Environment, needAccess } from '../access.js';
import type { HttpPorts } from '../ports.js';
import { type Frame, Page } from './layout.js';

export type PagesPorts = HttpPorts;

/** Of a list. */
export const ROWS = 50;

/** What a page says of itself, before the frame is filled. */
export type About = Omit<Frame, 'mirror' | 'access' | 'version' | 'origin'> & { readonly mirror: Mirror | null };

/** The page with its frame. */
export function render(
  c: Context<Environment>,
  ports: PagesPorts,
  about: About,
  content: Child,
): Response | Promise<Response> {
  const access = needAccess(c);
  const origin = ports.config.publicUrl ?? new URL(c.req.url).origin;
  return c.html(
    `<!doctype html>${(
      <Page {...about} access={access} version={ports.version} origin={origin}>
        {content}
      </Page>
    )}`,
  );
}

export function mayAct({ role }: Access): boolean {
  return role === 'admin';
}

export async function mirrorOf({ reads }: Pick<PagesPorts, 'reads'>): Promise<Mirror | null> {
  return reads.mirror();
}
