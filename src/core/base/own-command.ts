/**
 * How a person calls this program where it was started from, for texts that name a command. Nothing in a text may name
 * `npx stripe-blnk-sync` where npx would ask a registry: no package of this name is published, and whoever takes the
 * name would run code beside the keys.
 */

/** What the operating system and the file system say about the start. Paths are absolute, and as they were called. */
export interface ProgramStart {
  /** `process.argv[1]`. */
  readonly script: string;
  /** The package's folder, without a closing slash. */
  readonly packageFolder: string;
  /** Whether the package's folder holds its sources. */
  readonly hasSources: boolean;
  readonly workingFolder: string;
  /** The folders of `PATH`. */
  readonly searchPath: readonly string[];
}

const NAME = 'stripe-blnk-sync';

let called = NAME;

/** `commandLine('parked list')`: what a person enters. By the plain name until the program's start is known. */
export function commandLine(words: string): string {
  return `${called} ${words}`;
}

/** To be called once, by whoever starts the program. */
export function callProgram(start: ProgramStart): void {
  called = programName(start);
}

/** For a process that another one started: what is called is the other one. */
export function callProgramAs(name: string): void {
  called = name;
}

/**
 * From a clone `npm run cli --`; on the search path (a container, a global installation) its name; installed in a project
 * `npx --no`, which never asks a registry; from any other place the script itself.
 */
export function programName({ script, packageFolder, hasSources, workingFolder, searchPath }: ProgramStart): string {
  const isInstalled = packageFolder.includes(MODULES) || script.includes(MODULES);
  if (!script.includes(MODULES) && baseOf(script) === NAME && searchPath.includes(folderOf(script))) return NAME;
  if (hasSources && !isInstalled && isWithin(workingFolder, packageFolder)) return 'npm run cli --';
  const project = projectOf(packageFolder.includes(MODULES) ? packageFolder : script);
  if (project !== null && isWithin(workingFolder, project)) return `npx --no ${NAME}`;
  return `node ${shellWord(script)}`;
}

const MODULES = '/node_modules/';

/** The project that a package is installed in; null where none is: a global installation, or npx's own cache. */
function projectOf(path: string): string | null {
  const at = path.indexOf(MODULES);
  const project = at < 0 ? null : path.slice(0, at);
  return project === null || project.includes('/_npx/') || project.endsWith('/lib') ? null : project;
}

function isWithin(folder: string, outer: string): boolean {
  return folder === outer || folder.startsWith(`${outer}/`);
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Quoted where a shell would read more than the letters. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
