/** Texts name commands that work where the program was started from, and none that would ask a registry. */
import ts from 'typescript';
import { afterEach, describe, expect, it } from 'vitest';
import {
  callProgram,
  callProgramAs,
  commandLine,
  type ProgramStart,
  programName,
} from '../../src/core/base/own-command.js';
import { readDocuments } from '../support/documents.js';
import { sourceFiles, visit } from '../support/source-files.js';

const CLONE: ProgramStart = {
  script: '/home/ann/mirror/src/main.ts',
  packageFolder: '/home/ann/mirror',
  hasSources: true,
  workingFolder: '/home/ann/mirror',
  searchPath: ['/usr/local/bin', '/usr/bin', '/home/ann/mirror/node_modules/.bin'],
};
const CONTAINER: ProgramStart = {
  script: '/usr/local/bin/stripe-blnk-sync',
  packageFolder: '/app',
  hasSources: false,
  workingFolder: '/app',
  searchPath: ['/usr/local/bin', '/usr/bin'],
};
const INSTALLED: ProgramStart = {
  script: '/srv/shop/node_modules/.bin/stripe-blnk-sync',
  packageFolder: '/srv/shop/node_modules/stripe-blnk-sync',
  hasSources: false,
  workingFolder: '/srv/shop',
  searchPath: ['/srv/shop/node_modules/.bin', '/usr/bin'],
};

const STARTS: ReadonlyArray<readonly [what: string, start: ProgramStart, name: string]> = [
  ['a clone', CLONE, 'npm run cli --'],
  ['the build of a clone', { ...CLONE, script: '/home/ann/mirror/dist/src/main.js' }, 'npm run cli --'],
  ['a folder of a clone', { ...CLONE, workingFolder: '/home/ann/mirror/docs' }, 'npm run cli --'],
  [
    'a clone from elsewhere',
    { ...CLONE, script: '/home/ann/mirror/dist/src/main.js', workingFolder: '/home/ann' },
    'node /home/ann/mirror/dist/src/main.js',
  ],
  ['a container', CONTAINER, 'stripe-blnk-sync'],
  ['a container in another folder', { ...CONTAINER, workingFolder: '/data' }, 'stripe-blnk-sync'],
  ['a package of a project', INSTALLED, 'npx --no stripe-blnk-sync'],
  [
    'a package by its path',
    { ...INSTALLED, script: '/srv/shop/node_modules/stripe-blnk-sync/dist/src/main.js' },
    'npx --no stripe-blnk-sync',
  ],
  [
    'a package from elsewhere',
    { ...INSTALLED, workingFolder: '/srv/shopping' },
    'node /srv/shop/node_modules/.bin/stripe-blnk-sync',
  ],
  [
    'the cache of npx',
    {
      ...INSTALLED,
      script: '/home/ann/.npm/_npx/1f/node_modules/.bin/stripe-blnk-sync',
      packageFolder: '/home/ann/.npm/_npx/1f/node_modules/stripe-blnk-sync',
      workingFolder: '/home/ann',
    },
    'node /home/ann/.npm/_npx/1f/node_modules/.bin/stripe-blnk-sync',
  ],
  [
    'a folder with a space',
    { ...CONTAINER, script: "/home/ann/it's here/main.js", packageFolder: "/home/ann/it's here" },
    "node '/home/ann/it'\\''s here/main.js'",
  ],
];

afterEach(() => callProgram(CONTAINER));

describe('how a person calls the program', () => {
  it.each(STARTS)('of %s', (_what, start, name) => {
    expect(programName(start)).toBe(name);
    callProgram(start);
    expect(commandLine('parked list')).toBe(`${name} parked list`);
  });
});

it('a process that another one started names the program of that one', () => {
  callProgramAs('npm run cli --');
  expect(commandLine('status')).toBe('npm run cli -- status');
});

it('no text of the program names a command otherwise', () => {
  const commands =
    /npx (?:--no )?stripe-blnk-sync|stripe-blnk-sync (?:\$\{|(?:accept|backfill|certificates|demo|migrate|mirror|parked|prove|rebuild|repair|runs?|status|sync|worker)\b)/;
  const found: string[] = [];
  for (const file of sourceFiles('src').filter(({ path }) => path !== 'src/core/base/own-command.ts')) {
    visit(file.syntax, (node) => {
      if (!ts.isStringLiteralLike(node) && !ts.isTemplateExpression(node)) return;
      const text = node.getText();
      if (commands.test(text)) found.push(`${file.path}: ${text}`);
    });
  }
  expect(found).toEqual([]);
});

it.each(Object.entries(readDocuments()))('%s names no package that is not published', (_path, text) => {
  expect(text.split('\n').filter((line) => /npx (?!--no )stripe-blnk-sync/.test(line))).toEqual([]);
});
