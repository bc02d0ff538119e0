/** The variables as `.env.example` and docs/configuration.md have them. */
import type { VariableDefinition } from '../../src/core/settings/variable-definition.js';
import { VARIABLE_SECTIONS } from '../../src/core/settings/variables.js';

export const VARIABLE_TITLES = VARIABLE_SECTIONS.map(({ title }) => title);

export function exampleSections(): string {
  const sections = VARIABLE_SECTIONS.map(({ title, remark, variables }) =>
    [`## ${title}${remark === undefined ? '' : `: ${remark}`}`, ...variables.map(exampleLines)].join('\n\n'),
  );
  return `${sections.join('\n\n')}\n`;
}

/** Commented out where it has a default. */
function exampleLines({ name, summary, fallback, example }: VariableDefinition): string {
  const isNeeded = fallback.startsWith('none, needed');
  return `# ${summary}. Default: ${fallback}. Example: ${example}\n${isNeeded ? '' : '#'}${name}=`;
}

export function variableTable(title: string): string {
  const variables = VARIABLE_SECTIONS.find((section) => section.title === title)?.variables ?? [];
  const rows = variables.map(({ name, fallback, fallbackDetails, details }) => {
    const shown = fallbackDetails ?? (fallback.startsWith('none') ? fallback : `\`${fallback}\``);
    return `| \`${name}\` | ${shown} | ${details} |`;
  });
  return ['| variable | default | what |', '|---|---|---|', ...rows].join('\n');
}
