/**
 * Reads the project's documents as far as the test of them asks: sections, tables, code spans, headings, names of variables.
 * No general Markdown.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './source-files.js';

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Text by path. */
export function readDocuments(): Readonly<Record<string, string>> {
  const below = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name.replaceAll('\\', '/')}`);
  const paths = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...below];
  return Object.fromEntries(paths.map((path) => [path, readText(path)]));
}

/** From a heading, or any other text, up to the next heading of its level or a higher one. */
export function section(text: string, title: string): string {
  const start = text.indexOf(`${title}\n`) === -1 ? text.indexOf(title) : text.indexOf(`${title}\n`);
  if (start === -1) throw new Error(`there is no ${title}`);
  const level = /^#*/.exec(title)?.[0].length ?? 0;
  const end = text.slice(start + title.length).search(new RegExp(`\\n#{1,${level || 6}} `));
  return end === -1 ? text.slice(start) : text.slice(start, start + title.length + end);
}

/** The rows of all tables: trimmed cells, without titles. */
export function rowsOf(text: string): string[][] {
  const lines = text.split('\n');
  return lines
    .filter((line, index) => line.startsWith('| ') && !(lines[index + 1] ?? '').startsWith('|--'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

/** What stands in backticks outside of blocks. */
export function spansOf(text: string): string[] {
  const prose = text.replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
}

export function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

export function variablesIn(text: string): string[] {
  return [...new Set(text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [])];
}

/** The contents of all blocks of one language. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block);
}
