/** The documents that are generated, in whole or between two marks, as they have to be. Reads, and writes nothing. */
import { readFileSync } from 'node:fs';
import { apiReference } from './api.js';
import { commandOverview, commandReference } from './commands.js';
import { exampleSections, VARIABLE_TITLES, variableTable } from './variables.js';

const ROOT = new URL('../../', import.meta.url);

/** Text by path, from the project's folder. */
export async function generatedDocuments(): Promise<Readonly<Record<string, string>>> {
  const configuration = VARIABLE_TITLES.reduce(
    (text, title) => withRegion(text, `variables of ${title}`, variableTable(title)),
    read('docs/configuration.md'),
  );
  const commands = withRegion(read('docs/commands.md'), 'commands', commandOverview());
  return {
    '.env.example': exampleText(read('.env.example')),
    'docs/api.md': withRegion(read('docs/api.md'), 'reference', await apiReference()),
    'docs/commands.md': withRegion(commands, 'reference', commandReference()),
    'docs/configuration.md': configuration,
  };
}

export function pathOf(document: string): URL {
  return new URL(document, ROOT);
}

function read(document: string): string {
  return readFileSync(pathOf(document), 'utf8');
}

/** What stands between the marks of this name is replaced. Throws where they are missing. */
function withRegion(text: string, name: string, content: string): string {
  const begin = `<!-- generated (npm run docs:generate): ${name} -->`;
  const end = '<!-- end of what is generated -->';
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`there is no "${begin}" with "${end}" behind it`);
  return `${text.slice(0, from)}${begin}\n\n${content}\n\n${text.slice(to)}`;
}

/** The introduction of the file is written by hand. */
function exampleText(text: string): string {
  return `${text.slice(0, text.indexOf('\n## '))}\n${exampleSections()}`;
}
