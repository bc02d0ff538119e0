/**
 * Run by the architecture test in a process of its own: imports the files that it is given one after the other, and
 * prints those that did something. It must end by itself. Packages come first: what they do is not asked.
 */
import { pathToFileURL } from 'node:url';

const state = () => ({
  // Reading the next source is the loader's own.
  'keeps the process alive': process.getActiveResourcesInfo().filter((resource) => !resource.startsWith('FSReq')),
  'listens to the process': process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  'makes a global': Object.getOwnPropertyNames(globalThis).sort(),
  'changes the environment': { ...process.env },
});

const names = process.argv.slice(2);
for (const name of names.filter((name) => !/\.tsx?$/.test(name))) await import(name);

for (const file of names.filter((name) => /\.tsx?$/.test(name))) {
  const before = state();
  await import(pathToFileURL(file).href);
  const after: Record<string, unknown> = state();
  for (const [effect, was] of Object.entries(before)) {
    if (JSON.stringify(was) !== JSON.stringify(after[effect])) process.stdout.write(`${file} ${effect}\n`);
  }
}
