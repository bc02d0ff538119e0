// Where clients find the server: the folder of its Unix socket. A socket's address is short (sun_path), so a data folder
// deep in the tree is reached through a short link under the temporary folder.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lstat, readlink, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgresError, errorCode, OTHER_WAY_OUT } from './errors.js';
import { PORT } from './server.js';

/** Bytes without the closing zero: 108 on Linux, 104 on macOS. */
const ADDRESS_MAX_BYTES = process.platform === 'darwin' ? 103 : 107;
const LINK_NAMES_MAX = 10;

/**
 * The folder to connect to, for a data folder given by its real path. The link is made again when it was tidied away,
 * so call it again from time to time while connected.
 */
export async function socketFolder(dataFolder: string): Promise<string> {
  // postgres.js takes a comma for a list of hosts.
  if (fits(dataFolder) && !dataFolder.includes(',')) return dataFolder;
  const own = process.getuid?.() ?? 0;
  const key = createHash('sha256').update(dataFolder).digest('hex').slice(0, 12);
  for (const parent of [tmpdir(), '/tmp']) {
    // Each user has links of its own: the kernel lets nobody, not even root, follow another's in a shared folder.
    for (let attempt = 0; attempt < LINK_NAMES_MAX; attempt += 1) {
      const link = join(parent, `sbs-${own}-${key}${attempt === 0 ? '' : `-${attempt}`}`);
      if (!fits(link) || link.includes(',')) break;
      if (await isOurLink(link, { own, target: dataFolder })) return link;
    }
  }
  throw new EmbeddedPostgresError(
    'folder_not_writable',
    `The path of ${dataFolder} is too long for a Unix socket (${ADDRESS_MAX_BYTES} bytes), and no link to it could be made in ${tmpdir()} or /tmp. Set DATA_DIR to a shorter path. ${OTHER_WAY_OUT}`,
  );
}

/** False means for certain that no server listens there. */
export function hasSocket(dataFolder: string): boolean {
  return existsSync(join(dataFolder, `.s.PGSQL.${PORT}`));
}

async function isOurLink(link: string, expected: { own: number; target: string }): Promise<boolean> {
  const made = await symlink(expected.target, link).then(
    () => true,
    (error: unknown) => {
      if (errorCode(error) === 'EEXIST') return true;
      return false;
    },
  );
  if (!made) return false;
  // In a shared folder anybody may have been first with that name: what is not ours is not followed.
  const found = await lstat(link);
  return found.isSymbolicLink() && found.uid === expected.own && (await readlink(link)) === expected.target;
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${PORT}`)) <= ADDRESS_MAX_BYTES;
}
