/**
 * Makes a folder and those above it, one after the other. Node's own `recursive` turns for ever, past every signal, where a file
 * system reports "no such folder" of one whose parent is there, as `/proc` does.
 */
import { mkdir, stat } from 'node:fs/promises';
import { wayTo } from './account.js';

/** @returns the first folder that was made; undefined when all were there */
export async function makeFolders(path: string): Promise<string | undefined> {
  let made: string | undefined;
  for (const folder of wayTo(path)) {
    try {
      await mkdir(folder);
      made ??= folder;
    } catch (error) {
      // What is there already may be refused as existing, as read-only or as not ours.
      if (!(await isFolder(folder))) throw error;
    }
  }
  return made;
}

/** Links count as what they lead to. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
