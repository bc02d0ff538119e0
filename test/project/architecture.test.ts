/**
 * The rules of the house, read from the code's own imports. Every exception stands in one of the tables below with its
 * reason; a rule that needs another one is changed here, in the open. docs/engineering/architecture.md has the picture.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { type Import, ROOT, type SourceFile, sourceFiles, visit } from '../support/source-files.js';

/**
 * What a part of src may import besides itself: `runs` for anything, `types` for `import type` alone. The arrows point
 * inward: adapters and commands know the ports of the stages, stages know the core, the core knows nobody.
 */
const PARTS: Readonly<Record<string, { readonly runs: readonly string[]; readonly types: readonly string[] }>> = {
  core: { runs: [], types: [] },
  collect: { runs: ['core'], types: [] },
  post: { runs: ['core'], types: [] },
  prove: { runs: ['core'], types: [] },
  accounts: { runs: ['core'], types: [] },
  // What one worker does with the stages; it gets every adapter from app.
  worker: { runs: ['core', 'collect', 'post'], types: [] },
  // Use-cases; they are given both vendors by app, and what they answer is shown by whoever asked.
  operations: {
    runs: ['core', 'accounts', 'collect', 'post', 'prove', 'worker', 'db', 'queue'],
    types: ['config/config.ts'],
  },
  stripe: {
    runs: ['core', 'decompress.ts'],
    types: ['accounts/identity-ports.ts', 'collect/ports.ts', 'prove/ports.ts'],
  },
  blnk: {
    runs: ['core', 'decompress.ts'],
    types: ['accounts/identity-ports.ts', 'accounts/balance-ports.ts', 'post/ports.ts', 'prove/ports.ts'],
  },
  // The reads compute with the same rules for windows as collecting; migrations lie beside package.json.
  db: {
    runs: ['core', 'postgres', 'package-root.ts'],
    types: [
      ...['collect/ports.ts', 'post/ports.ts', 'prove/ports.ts', 'prove/day-store.ts', 'prove/repair-ports.ts'],
      ...[
        'prove/rebuild-ports.ts',
        'accounts/identity-ports.ts',
        'accounts/balance-ports.ts',
        'accounts/find-customers.ts',
      ],
    ],
  },
  queue: { runs: ['core', 'postgres'], types: ['collect'] },
  // The connections of both drivers; of what is said over them it knows no tables.
  postgres: { runs: ['core'], types: [] },
  observability: { runs: ['core'], types: [] },
  // What reads and operations answer, as text: for the command line and whatever else shows it.
  views: { runs: ['core'], types: ['db/reads', 'db/actions', 'operations'] },
  // Commands show what reads and operations answer; they are given both by app.
  cli: {
    runs: ['core', 'views', 'package-root.ts'],
    types: ['db/reads', 'db/postings/parked-store.ts', 'db/schema/views.ts', 'operations'],
  },
  // Answers over HTTP what commands print; it is given everything by app.
  http: {
    runs: ['core', 'views', 'package-root.ts'],
    types: [
      'db/reads',
      'db/actions',
      'db/login',
      'db/postings/parked-store.ts',
      'db/schema/views.ts',
      'operations',
      'config/http.ts',
    ],
  },
  // From variables to a checked configuration.
  config: { runs: ['core'], types: [] },
  'package-root.ts': { runs: [], types: [] },
  'decompress.ts': { runs: [], types: [] },
  // The composition root: the only place where adapters are constructed and joined.
  app: {
    runs: [
      ...['core', 'accounts', 'collect', 'post', 'prove', 'worker', 'stripe', 'blnk', 'db', 'queue', 'observability'],
      ...['operations', 'views', 'cli', 'http', 'config'],
      'package-root.ts',
    ],
    types: [],
  },
  'main.ts': { runs: ['app', 'cli'], types: [] },
};

/** In which part of src each package of package.json is imported; more than one, or none, needs its reason. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@opentelemetry/api': ['observability'],
  bullmq: ['queue'],
  'cli-progress': ['cli'],
  // app hands the finished program on to main.
  commander: ['cli', 'app (types)'],
  hono: ['http'],
  '@hono/node-server': ['http'],
  '@hono/zod-openapi': ['http'],
  // Reads the runbook that is shown as a page.
  marked: ['http'],
  // What stands in the database is shown by http, what a process did is counted where it is logged.
  'prom-client': ['http', 'observability'],
  // app asks the server for nothing but an answer.
  'drizzle-orm': ['db', 'app'],
  ioredis: ['queue'],
  pg: ['queue'],
  pino: ['observability'],
  postgres: ['db'],
  stripe: ['stripe'],
  undici: ['blnk'],
  // Ids of rows, and the ids of workers, mirrors and proofs, which stages are given as functions.
  uuid: ['db', 'app', 'operations'],
  // The two places where untyped text comes in that no vendor's types describe: variables and job payloads.
  zod: ['config', 'queue'],
};

/** The only readers of the environment; everything else is handed a configuration, and tests a home. */
const READS_ENVIRONMENT = [
  'src/main.ts',
  // Where a real Blnk Core is, to compare the stand-in with.
  'test/support/compared-core.ts',
  // Sees whether an import changes it.
  'test/support/import-all.ts',
  // Is loaded into the process that it kills.
  'test/support/process/killed-at-step.ts',
  'test/support/services.ts',
];

/** May import the stand-ins, when it runs. */
const USES_SANDBOX = ['src/app/demo/vendors.ts'];

/** Does its work when it is started; importing it is starting it. */
const ENTRY_POINTS = ['src/main.ts', 'src/app/demo/worker-process.ts'];

/** Where `transitions.ts` says what each state of a posting is written; `test/db/postings.test.ts` executes each statement. */
const POSTINGS_ROOM = 'src/db/postings/';

const LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

const src = sourceFiles('src');
const sandbox = sourceFiles('sandbox');
const tests = sourceFiles('test');

describe('the arrows point inward', () => {
  it('every part of src has its rule, and every rule that names a file names one that exists', () => {
    expect([...new Set(src.map((file) => partOf(file.path)))].filter((part) => PARTS[part] === undefined)).toEqual([]);
    const named = Object.values(PARTS).flatMap(({ runs, types }) => [...runs, ...types]);
    const missing = named.filter((name) => name.endsWith('.ts') && !src.some(({ path }) => path === `src/${name}`));
    expect(missing).toEqual([]);
  });

  it('no part imports what it may not', () => {
    const wrong = everyImport(src, 'file').filter(({ file, found }) => {
      const rule = PARTS[partOf(file.path)];
      const target = found.target.replace(/^src\//, '');
      if (!found.target.startsWith('src/') || partOf(found.target) === partOf(file.path)) return false;
      const allowed = [...(rule?.runs ?? []), ...(found.typeOnly ? (rule?.types ?? []) : [])];
      return !allowed.some((name) => target === name || target.startsWith(`${name}/`));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('no files of src import each other in a circle, be it for types alone or when they run', () => {
    expect(findCircle(src)).toEqual([]);
  });

  it('no files of the stand-ins import each other in a circle, be it for types alone', () => {
    expect(findCircle(sandbox)).toEqual([]);
  });

  it.each(['core', 'views'])('%s has no clock, no randomness, no packages and no Node', (part) => {
    const pure = src.filter((file) => partOf(file.path) === part);
    expect(pure.length).toBeGreaterThan(0);
    expect([...everyImport(pure, 'node'), ...everyImport(pure, 'package')].map(describeImport)).toEqual([]);
    expect(pure.flatMap((file) => impureNodes(file.syntax).map((node) => at(file, node)))).toEqual([]);
  });

  it('the stand-ins know nothing of the software, and only the demo knows them, when it runs', () => {
    const fromSandbox = everyImport(sandbox, 'file').filter(({ found }) => !found.target.startsWith('sandbox/'));
    expect(fromSandbox.map(describeImport)).toEqual([]);
    const outside = everyImport(src, 'file')
      .filter(({ found }) => !found.target.startsWith('src/'))
      .filter(({ file, found }) => {
        const isAllowed = USES_SANDBOX.includes(file.path) && found.target.startsWith('sandbox/');
        return !isAllowed || !(found.typeOnly || found.dynamic);
      });
    expect(outside.map(describeImport)).toEqual([]);
  });
});

describe('postings', () => {
  it('are written by the statements of their room alone', () => {
    const writes =
      /\b(?:update|insert into|delete from)\s+(?:(?:stripe_blnk_sync\.)?postings\b|\$\{postings\})|\.(?:update|insert|delete)\(postings\)/i;
    const writing = src.filter(({ text }) => writes.test(text)).map(({ path }) => path);
    expect(writing.filter((path) => !path.startsWith(POSTINGS_ROOM))).toEqual([]);
    expect(writing.length).toBeGreaterThan(0);
  });
});

describe('packages', () => {
  const manifest: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  const shipped = Object.keys({ ...manifest.dependencies });

  it('each is imported in one folder, or where the table states why', () => {
    const used: Record<string, string[]> = Object.fromEntries(shipped.map((name) => [name, []]));
    for (const { file, found } of everyImport(src, 'package')) {
      const part = partOf(file.path);
      used[found.target] = [...(used[found.target] ?? []), found.typeOnly ? `${part} (types)` : part];
    }
    for (const [name, parts] of Object.entries(used)) {
      used[name] = [...new Set(parts)].filter(
        (part) => !parts.includes(part.replace(' (types)', '')) || !part.includes(' '),
      );
    }
    const sorted = (table: Readonly<Record<string, readonly string[]>>) =>
      Object.fromEntries(Object.entries(table).map(([name, parts]) => [name, [...parts].sort()]));
    expect(sorted(used)).toEqual(sorted(PACKAGES));
  });

  it('what is shipped runs without development packages', () => {
    const wrong = everyImport(sandbox, 'package').filter(({ found }) => !shipped.includes(found.target));
    expect(wrong.map(describeImport)).toEqual([]);
  });
});

describe('files', () => {
  it('only the entry point, and what finds servers for tests, reads the environment', () => {
    const readers = [...src, ...sandbox, ...tests].filter((file) =>
      /\bprocess\.env\b|\bprocess\[|env\b[^'"\n]*from 'node:process'/.test(file.text),
    );
    expect(readers.map(({ path }) => path)).toEqual(READS_ENVIRONMENT);
  });

  it(`none is longer than ${LINES_MAX} lines`, () => {
    const long = [...src, ...sandbox].map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    expect(long.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  });

  it(`no function of src is longer than ${FUNCTION_LINES_MAX} lines`, () => {
    const long = src.flatMap((file) =>
      functionsOf(file.syntax)
        .filter((one) => ownLines(file, one) > FUNCTION_LINES_MAX)
        .map((one) => `${at(file, one)}: ${ownLines(file, one)} lines`),
    );
    expect(long).toEqual([]);
  });

  it('none gathers what others export, and none is a drawer', () => {
    const named = [...src, ...sandbox].filter(({ path }) =>
      /(^|\/)(index|utils?|helpers?|common|types)(\.ts|\/)/.test(path),
    );
    expect(named.map(({ path }) => path)).toEqual([]);
    const gathering = src.filter(({ syntax }) => syntax.statements.some(isExportOfEverything));
    expect(gathering.map(({ path }) => path)).toEqual([]);
  });

  it('importing any of them has no effect', { timeout: 110_000 }, () => {
    const files = src.map(({ path }) => path).filter((path) => !ENTRY_POINTS.includes(path));
    const script = join(ROOT, 'test/support/import-all.ts');
    const result = spawnSync(process.execPath, ['--import', 'tsx', script, ...Object.keys(PACKAGES), ...files], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: 100_000,
      // Without the variables that vitest and a developer's shell add: a file that reads one would notice.
      env: {},
    });
    expect({ said: result.stdout + result.stderr, code: result.status }).toEqual({ said: '', code: 0 });
  });

  it('tests replace no module', () => {
    const replacing = tests.flatMap((file) => moduleMocks(file.syntax).map((node) => at(file, node)));
    expect(replacing).toEqual([]);
  });
});

/** `src/db/connection/open.ts` → `db`; `src/main.ts` → `main.ts`. */
function partOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function everyImport(files: readonly SourceFile[], kind: Import['kind']) {
  return files.flatMap((file) => file.imports.filter((found) => found.kind === kind).map((found) => ({ file, found })));
}

function describeImport({ file, found }: { readonly file: SourceFile; readonly found: Import }): string {
  const how = found.typeOnly ? 'types of' : found.dynamic ? 'when it runs' : '';
  return [file.path, 'imports', how, found.target].filter((word) => word !== '').join(' ');
}

function at(file: SourceFile, node: ts.Node): string {
  const { line } = file.syntax.getLineAndCharacterOfPosition(node.getStart());
  return `${file.path}:${line + 1} ${node.getText().slice(0, 60)}`;
}

/** The files of the first circle found among their imports. */
function findCircle(files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const finished = new Set<string>();
  const follow = (path: string, way: readonly string[]): readonly string[] => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (finished.has(path)) return [];
    for (const found of byPath.get(path)?.imports ?? []) {
      if (found.kind !== 'file') continue;
      const circle = follow(found.target, [...way, path]);
      if (circle.length > 0) return circle;
    }
    finished.add(path);
    return [];
  };
  for (const { path } of files) {
    const circle = follow(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

function impureNodes(syntax: ts.SourceFile): readonly ts.Node[] {
  const impure: ts.Node[] = [];
  visit(syntax, (node) => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0) {
      impure.push(node);
    }
    if (ts.isPropertyAccessExpression(node) && /^(Date\.now|Math\.random|globalThis\..*)$/.test(node.getText())) {
      impure.push(node);
    }
    const isGlobal =
      ts.isIdentifier(node) && /^(process|performance|crypto|setTimeout|setInterval|fetch)$/.test(node.text);
    if (isGlobal && !ts.isPropertyAccessExpression(node.parent) && !ts.isPropertyAssignment(node.parent))
      impure.push(node);
    if (isGlobal && ts.isPropertyAccessExpression(node.parent) && node.parent.expression === node) impure.push(node);
  });
  return impure;
}

type FunctionWithBody = ts.FunctionLikeDeclaration & { readonly body: ts.ConciseBody };

function isFunction(node: ts.Node): node is FunctionWithBody {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function functionsOf(syntax: ts.SourceFile): readonly FunctionWithBody[] {
  const found: FunctionWithBody[] = [];
  visit(syntax, (node) => {
    if (isFunction(node)) found.push(node);
  });
  return found;
}

/**
 * From the line of its signature to its closing brace, with all that stands within. Only the functions of an object that it
 * returns are counted by themselves: of what makes a store, each method is a function of its own.
 */
function ownLines(file: SourceFile, one: FunctionWithBody): number {
  const linesOf = (node: ts.Node): number => {
    const { line: first } = file.syntax.getLineAndCharacterOfPosition(node.getStart());
    return file.syntax.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1;
  };
  const methods = returnedBy(one)
    .flatMap((object) => [...object.properties])
    .filter((member) => isFunction(member) || (ts.isPropertyAssignment(member) && isFunction(member.initializer)));
  return methods.reduce((lines, member) => lines - linesOf(member), linesOf(one));
}

/** The object literals that a function itself returns. */
function returnedBy({ body }: FunctionWithBody): readonly ts.ObjectLiteralExpression[] {
  const found: ts.ObjectLiteralExpression[] = [];
  const add = (value: ts.Expression | undefined): void => {
    if (value === undefined) return;
    if (ts.isParenthesizedExpression(value)) add(value.expression);
    else if (ts.isObjectLiteralExpression(value)) found.push(value);
  };
  const look = (node: ts.Node): void => {
    if (isFunction(node)) return;
    if (ts.isReturnStatement(node)) add(node.expression);
    ts.forEachChild(node, look);
  };
  if (ts.isBlock(body)) look(body);
  else add(body);
  return found;
}

function isExportOfEverything(statement: ts.Statement): boolean {
  return (
    ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined && statement.exportClause === undefined
  );
}

function moduleMocks(syntax: ts.SourceFile): readonly ts.Node[] {
  const mocks: ts.Node[] = [];
  visit(syntax, (node) => {
    if (ts.isCallExpression(node) && /^vi\s*\.\s*(mock|doMock|hoisted|importMock)$/.test(node.expression.getText())) {
      mocks.push(node);
    }
  });
  return mocks;
}
