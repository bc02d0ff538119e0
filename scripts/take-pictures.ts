/**
 * `node --import tsx scripts/take-pictures.ts http://127.0.0.1:3000`: the pictures of README.md, taken of running pages in a real
 * Chromium. Run the demo first, and give it the address that it prints.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [address, executablePath = '/usr/bin/chromium'] = process.argv.slice(2);
if (address === undefined) throw new Error('Name the address of the pages, e.g. http://127.0.0.1:3000');

const FOLDER = new URL('../docs/images/', import.meta.url);
const PICTURES = [
  { name: 'overview', path: '/', colorScheme: 'light', height: 860 },
  { name: 'days', path: '/days', colorScheme: 'dark', height: 620 },
] as const;

await mkdir(FOLDER, { recursive: true });
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
for (const { name, path, colorScheme, height } of PICTURES) {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1_160, height } });
  await page.goto(new URL(path, address).href);
  const file = fileURLToPath(new URL(`${name}.png`, FOLDER));
  await page.screenshot({ path: file });
  process.stdout.write(`${file}\n`);
  await page.close();
}
await browser.close();
