/**
 * A real Chromium from Debian's packages: the whole browser in the long tests, and before it the one without a window in the others, which
 * takes two thirds of the processor time. With CI=true a missing one is a failure.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { inTier } from './tier.js';

const WITHOUT_WINDOW = '/usr/bin/chromium-headless-shell';
const WHOLE = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export function findBrowser(): string | null {
  return (
    inTier({ quick: [WITHOUT_WINDOW, ...WHOLE], full: [...WHOLE, WITHOUT_WINDOW] }).find((path) => existsSync(path)) ??
    null
  );
}

export function openBrowser(path: string): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
}

export interface Watched {
  readonly page: Page;
  /** What the console said, and requests to other hosts. */
  readonly complaints: string[];
  close(): Promise<void>;
}

/** A page whose every message and every request to elsewhere is kept. */
export async function watchPage(
  browser: Browser,
  origin: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Watched> {
  const context: BrowserContext = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) complaints.push(`request to ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * What keeps people from using it who see, hear or move otherwise (WCAG 2 A and AA), as axe-core finds it.
 *
 * @param rules all of axe when left out
 */
export async function barriersOf(page: Page, rules?: readonly string[]): Promise<string[]> {
  const options = rules === undefined ? {} : { runOnly: rules };
  // Run by the browser's debugger: the page's own policy lets no script in.
  const found = await page.evaluate(`(async () => {
    const module = { exports: {} };
    (function (module, exports) { ${AXE} })(module, module.exports);
    const { violations } = await module.exports.run(document, ${JSON.stringify(options)});
    return violations.map(({ id, nodes }) => id + ': ' + nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', '));
  })()`);
  return found as string[];
}
