/** Whether the private PostgreSQL has room. */
import { type Check, fine, found, ofAnswer } from './finding.js';

const MB = 1_000_000;
const GB = 1_000 * MB;

/** A new database takes 100 MB, and PostgreSQL writes each change twice: less than this ends it soon. */
const NEEDED_BYTES = 200 * MB;
/** The write-ahead log alone may grow to 1 GB by default. */
const ENOUGH_BYTES = 2 * GB;

export const diskCheck: Check = {
  part: 'disk',
  judge: ({ disk }) =>
    ofAnswer(
      disk,
      {
        who: 'The file system of DATA_DIR',
        code: 'folder_not_writable',
        check: 'Check the disk that DATA_DIR is on, or set DATA_DIR to another folder',
      },
      ({ folder, freeBytes }) => {
        if (freeBytes >= ENOUGH_BYTES) return [fine(`${sizeText(freeBytes)} free for ${folder}`)];
        const isFull = freeBytes < NEEDED_BYTES;
        return [
          found(
            isFull ? 'disk_full' : 'disk_nearly_full',
            `${sizeText(freeBytes)} are free on the disk of ${folder} (DATA_DIR); ${
              isFull
                ? `at least ${sizeText(NEEDED_BYTES)} are needed`
                : `with less than ${sizeText(ENOUGH_BYTES)} it may fill up`
            }, and a full disk stops PostgreSQL`,
            'Make room there, or set DATA_DIR to a folder on a larger disk before the first start',
          ),
        ];
      },
    ),
};

function sizeText(bytes: number): string {
  return bytes >= GB ? `${(bytes / GB).toFixed(1)} GB` : `${Math.floor(bytes / MB)} MB`;
}
