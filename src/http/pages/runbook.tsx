/** The runbook as a page, so that the codes which pages and problem documents link to are found in it; for programs as it is. */
import { readFile } from 'node:fs/promises';
import type { Hono } from 'hono';
import { packageFile } from '../../package-root.js';
import type { Environment } from '../access.js';
import { Shell } from './layout.js';
import { Markdown } from './markdown.js';

export function addRunbook(app: Hono<Environment>): void {
  app.get('/runbook', async (c) => {
    const text = await readFile(packageFile('docs/runbook.md'), 'utf8');
    if (!(c.req.header('accept') ?? '').includes('text/html')) return c.text(text);
    const page = (
      <Shell title="Runbook">
        <header class="top">
          <div class="inner">
            <a class="name" href="/">
              Stripe → Blnk
            </a>
            <a href="/">← Overview</a>
          </div>
        </header>
        <main id="content">
          <Markdown text={text} />
        </main>
      </Shell>
    );
    return c.html(`<!doctype html>${page}`);
  });
}
