/**
 * The documents tell what is so: what they name (scripts, commands, options, variables, files, codes, columns, links)
 * exists, and what a person may meet at night has its entry. What is so is asked of the code, never listed here again.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEnvironment } from '../../src/app/commands/command-environment.js';
import { composeCommandLine } from '../../src/app/commands/compose-command-line.js';
import { VARIABLES } from '../../src/config/config.js';
import { SECRETS } from '../../src/config/secrets.js';
import { EMBEDDED_POSTGRES_ERROR_CODES, ERROR_CODES, SYNC_ERROR_CODES } from '../../src/core/base/error-codes.js';
import { DOCTOR_CODES } from '../../src/core/doctor/finding.js';
import { PARKING_REASONS } from '../../src/core/posting/posting.js';
import { NEEDS } from '../../src/core/verdict/need.js';
import { readSyncPayload, SYNC_JOB, SYNC_QUEUE } from '../../src/queue/payload.js';
import {
  blocksOf,
  headingsOf,
  readDocuments,
  readText,
  rowsOf,
  section,
  spansOf,
  variablesIn,
} from '../support/documents.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { ROOT, sourceFiles } from '../support/source-files.js';

const DOCUMENTS = readDocuments();
const runbook = DOCUMENTS['docs/runbook.md'] ?? '';
const readme = DOCUMENTS['README.md'] ?? '';
const ERROR_CODES_FILE = 'src/core/base/error-codes.ts';
/** Where the runbook has the codes of each group. */
const CODE_SECTIONS: Readonly<Record<keyof typeof SYNC_ERROR_CODES, string>> = {
  stripe: 'Stripe',
  blnk: 'Blnk',
  databaseAndQueue: 'Database and queue',
  migrations: 'Migrations',
  mirror: 'The mirror, its runs and proofs',
  commands: 'Commands',
  http: 'HTTP server',
  accepting: 'Refusals of accept',
};
const program = composeCommandLine(silentEnvironment());

describe.each(Object.entries(DOCUMENTS))('%s', (path, text) => {
  it('names npm scripts that there are', () => {
    const scripts = Object.keys(JSON.parse(readText('package.json')).scripts);
    const named = [...text.matchAll(/npm run (?:--silent )?([\w:]+)|npm (test|start)\b/g)].map(
      ([, run, own]) => run ?? own,
    );
    expect(named.filter((name) => !scripts.includes(name ?? ''))).toEqual([]);
  });

  it('names commands and options that there are', () => {
    expect(commandLinesOf(text).flatMap((line) => problemsOf(line))).toEqual([]);
  });

  it('names variables that somebody reads', () => {
    const known = new Set([
      ...VARIABLES,
      ...SECRETS.map((name) => `${name}_FILE`),
      ...variablesIn(readText('docker-compose.yml')),
      ...variablesIn(readText('test/support/services.ts')),
      ...variablesIn(readText('vitest.config.ts')),
      // Error codes of Core look the same.
      ...variablesIn(readText('test/fault-matrix/blnk-faults.ts')),
      // Core's own, beside those of docker-compose.yml.
      'BLNK_TRANSACTION_LOCK_DURATION',
      // Node's own.
      'NODE_EXTRA_CA_CERTS',
      'NODE_OPTIONS',
      // The shell's.
      'LC_ALL',
      // Read of the environment as other software does, not of ours.
      ...['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NO_COLOR', 'FORCE_COLOR'],
    ]);
    expect(variablesIn(text).filter((name) => !known.has(name))).toEqual([]);
  });

  it('names files that there are', () => {
    const paths = spansOf(text).filter((span) =>
      /^(src|test|docs|sandbox|bench|scripts|migrations|\.ci)\/[\w./-]*$/.test(span),
    );
    expect(paths.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it('links to files and headings that there are', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, target]) => target ?? '');
    const broken = targets.filter((target) => {
      const [file = '', heading] = target.split('#');
      const linked = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(ROOT, linked))) return true;
      return heading !== undefined && !headingsOf(readText(linked)).includes(heading);
    });
    expect(broken).toEqual([]);
  });
});

describe('the README', () => {
  it('is short enough to be read', () => {
    expect(readme.split('\n').length).toBeLessThan(220);
  });
});

describe('the index', () => {
  it('names every page', () => {
    const index = DOCUMENTS['docs/README.md'] ?? '';
    const pages = Object.keys(DOCUMENTS).filter(
      (path) => path.startsWith('docs/') && !/\/(README|\d{4}-.+)\.md$/.test(path),
    );
    expect(pages.filter((path) => !index.includes(`(${path.slice('docs/'.length)})`))).toEqual([]);
  });
});

describe('the page of commands', () => {
  const commands = DOCUMENTS['docs/commands.md'] ?? '';

  it('lists every command', () => {
    const listed = rowsOf(commands.slice(0, commands.indexOf('\n## '))).flatMap(([cell = '']) => spansOf(cell));
    const missing = commandNames(program).filter((name) => !listed.some((usage) => `${usage} `.startsWith(`${name} `)));
    expect(missing).toEqual([]);
  });

  it('shows the trigger with the names and a payload that the worker takes', () => {
    const trigger = section(commands, '## Trigger a sync from your own software');
    expect(trigger).toContain(`new Queue('${SYNC_QUEUE}'`);
    expect(trigger).toContain(`queue.add('${SYNC_JOB}', { trigger: 'manual' }`);
    expect(readSyncPayload({ trigger: 'manual' })).toEqual(readSyncPayload({}));
  });
});

describe('the configuration', () => {
  it('has every variable with the default of .env.example', () => {
    const rows = rowsOf(DOCUMENTS['docs/configuration.md'] ?? '');
    const documented = rows.map(([name = '', fallback = '']) => [
      spansOf(name)[0],
      fallback.startsWith('none') ? 'none' : spansOf(fallback)[0],
    ]);
    const example = [...readText('.env.example').matchAll(/Default: (.+?)(?:,.*)?\. Example: \S+\n#?([A-Z_]+)=/g)].map(
      ([, fallback, name]) => [name, fallback],
    );
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(example));
    expect(documented.map(([name]) => name).sort()).toEqual([...VARIABLES].sort());
  });
});

describe('the runbook', () => {
  const errors = section(runbook, '## Error codes');

  it('has an entry for everything that status may need, and for no other', () => {
    const entries = rowsOf(section(runbook, '## Lines with `!`')).map(([cell = '']) => spansOf(cell)[0]);
    expect(entries.sort()).toEqual(Object.keys(NEEDS).sort());
  });

  it('has an entry for every reason to park, and for no other', () => {
    const entries = rowsOf(section(runbook, '## Parked payments')).map(([cell = '']) => spansOf(cell)[0]);
    expect(entries.sort()).toEqual(Object.keys(PARKING_REASONS).sort());
  });

  it('has an entry for everything that doctor alone finds, with its state, and for no other', () => {
    const entries = rowsOf(section(runbook, '## Lines of `doctor`')).map(([cell = '', state]) => [
      spansOf(cell)[0],
      state,
    ]);
    expect(Object.fromEntries(entries)).toEqual(DOCTOR_CODES);
  });

  it('has an entry for every error code, and for no other', () => {
    expect(rowsOf(errors).map(codeOf).sort()).toEqual([...ERROR_CODES].sort());
  });

  it.each(Object.entries(CODE_SECTIONS))(
    'has the codes of SYNC_ERROR_CODES.%s with their kinds in one section',
    (group, title) => {
      const entries = rowsOf(section(errors, `### ${title}`)).map((cells) => [codeOf(cells), cells[1]]);
      expect(Object.fromEntries(entries)).toEqual(SYNC_ERROR_CODES[group as keyof typeof SYNC_ERROR_CODES]);
    },
  );

  it('has the codes of the private PostgreSQL in one section', () => {
    const entries = rowsOf(section(errors, '### The private PostgreSQL')).map(codeOf);
    expect(entries.sort()).toEqual([...EMBEDDED_POSTGRES_ERROR_CODES].sort());
  });
});

describe('the list of error codes', () => {
  it('has no code that nothing uses', () => {
    // Biome keeps to single quotes, comments have codes in backticks.
    const text = sourceFiles('src')
      .filter(({ path }) => path !== ERROR_CODES_FILE)
      .map((file) => file.text)
      .join('\n');
    expect(ERROR_CODES.filter((code) => !text.includes(`'${code}'`))).toEqual([]);
  });
});

describe('the architecture', () => {
  it('has every part of src', () => {
    const rooms = rowsOf(section(DOCUMENTS['docs/engineering/architecture.md'] ?? '', '## Folders')).flatMap(
      ([cell = '']) => spansOf(cell),
    );
    const inSource = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).map((entry) =>
      entry.isDirectory() ? `src/${entry.name}/` : `src/${entry.name}`,
    );
    expect(rooms.filter((room) => room.startsWith('src/')).sort()).toEqual(inSource.sort());
  });

  it('has decisions in one form, numbered without a gap and all listed', () => {
    const records = Object.keys(DOCUMENTS)
      .filter((path) => /^docs\/engineering\/decisions\/\d/.test(path))
      .sort();
    const list = DOCUMENTS['docs/engineering/decisions/README.md'] ?? '';
    records.forEach((path, index) => {
      const text = DOCUMENTS[path] ?? '';
      const number = String(index + 1).padStart(4, '0');
      expect(path).toContain(`/${number}-`);
      expect(text).toMatch(new RegExp(`^# ${number}: .+\\n\\nDate: \\d{4}-\\d\\d-\\d\\d · Status: \\S`));
      expect(headingsOf(text).slice(1)).toEqual(['context', 'decision', 'consequences']);
      expect(list).toContain(`(${path.replace('docs/engineering/decisions/', '')})`);
    });
  });
});

describe('reading with SQL', () => {
  const VIEWS = ['payment_status', 'daily_totals', 'day_certificates', 'surplus_balances', 'sync_history'];
  const text = DOCUMENTS['docs/reading-with-sql.md'] ?? '';
  let database: ReadsDatabase;
  beforeAll(async () => {
    database = await createReadsDatabase();
  });
  afterAll(() => database.drop());

  it.each(VIEWS)('explains every column of %s, and no other', async (view) => {
    const columns = await database.sql<{ name: string }[]>`
      select column_name as name from information_schema.columns where table_schema = 'stripe_blnk_sync' and table_name = ${view}`;
    const explained = rowsOf(section(text, `## ${view}`)).flatMap(([cell = '']) => spansOf(cell));
    expect(explained.sort()).toEqual(columns.map(({ name }) => name).sort());
  });

  it.each(VIEWS)('names no value of a column of %s that its comment in the database does not name', async (view) => {
    const comments = await database.sql<{ name: string; comment: string }[]>`
      select attname as name, col_description(attrelid, attnum) as comment from pg_catalog.pg_attribute
      where attrelid = ${`stripe_blnk_sync.${view}`}::regclass and attnum > 0`;
    const missing = rowsOf(section(text, `## ${view}`)).flatMap(([cell = '', meaning = '']) => {
      const comment = comments.find(({ name }) => name === spansOf(cell)[0])?.comment ?? '';
      return valuesIn(meaning).filter((value) => !VIEWS.includes(value) && !comment.includes(value));
    });
    expect(missing).toEqual([]);
  });

  it.each(blocksOf(text, 'sql'))('can be asked: %s', async (query) => {
    await expect(database.sql.unsafe(query)).resolves.toBeDefined();
  });
});

/** Whole command lines, and spans that begin with the name of a command. */
function commandLinesOf(text: string): string[] {
  const names = commandNames(program);
  const spelled = [...text.matchAll(/(?:worker|cli --|entrypoint) (?:stripe-blnk-sync )?([a-z][^\n`|#]*)/g)]
    .filter(([whole]) => /stripe-blnk-sync|cli --/.test(whole))
    .map(([, line = '']) => line);
  const spans = spansOf(text).filter((span) => names.some((name) => span.startsWith(`${name} `)));
  return [...spelled, ...spans]
    .map((line) => line.trim().replace(/[.,;:)]+$/, ''))
    .filter((line) => !line.includes('<command>'));
}

function problemsOf(line: string): string[] {
  const words = line
    .replace(/"[^"]*"|<[^>]*>/g, '')
    .split(/[\s[\]]+/)
    .filter((word) => word !== '');
  let command = program;
  let depth = 0;
  for (; depth < words.length; depth += 1) {
    const next = command.commands.find((one) => one.name() === words[depth]);
    if (next === undefined) break;
    command = next;
  }
  if (depth === 0) return [`no command: ${line}`];
  const allowed = ['--help', ...command.options.map((option) => option.long ?? '')];
  const options = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0] ?? '');
  return options.filter((option) => !allowed.includes(option)).map((option) => `no ${option}: ${line}`);
}

function commandNames(command: Command): string[] {
  return command.commands.flatMap((one) =>
    one.commands.length === 0 ? [one.name()] : one.commands.map((inner) => `${one.name()} ${inner.name()}`),
  );
}

function codeOf([cell = '']: readonly string[]): string | undefined {
  return spansOf(cell)[0];
}

/** Values and names of columns that a cell spells out. */
function valuesIn(meaning: string): string[] {
  return spansOf(meaning).filter((span) => /^[a-z_]+$/.test(span));
}

function silentEnvironment() {
  const silent = { write: () => true };
  return commandEnvironment({
    variables: {},
    directory: ROOT,
    standardOutput: silent,
    standardError: silent,
    signal: new AbortController().signal,
    userName: 'test',
    exit: () => {},
  });
}
