/**
 * Where this package lies and which version it is, the same from sources and from the built `dist` folder.
 */
import { existsSync, readFileSync } from 'node:fs';

/** URL of the package's folder, with a closing slash. */
export function packageRoot(): URL {
  for (let folder = new URL('./', import.meta.url), depth = 0; depth < 5; depth += 1) {
    if (existsSync(new URL('package.json', folder)) && existsSync(new URL('migrations', folder))) return folder;
    folder = new URL('../', folder);
  }
  throw new Error(`No package.json with a migrations folder above ${import.meta.url}; the installation is incomplete`);
}

/** @param path of a file that is packed, from the package's folder */
export function packageFile(path: string): URL {
  return new URL(path, packageRoot());
}

/** The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', packageRoot()), 'utf8');
  return String(JSON.parse(text).version);
}
