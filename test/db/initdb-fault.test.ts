/** What a person is told when no database could be made: the reason, and what to do, before initdb's own words. */
import { expect, it } from 'vitest';
import { initdbFault } from '../../src/db/embedded/data-folder.js';

/** On a full file system of 20 MB, shortened. */
const ON_A_FULL_DISK = `fixing permissions on existing directory /data/postgres.new-7507 ... ok
creating configuration files ... ok
running bootstrap script ... 2026-11-29 06:19:14.572 UTC [7651] FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes at block 10
2026-11-29 06:19:14.572 UTC [7651] HINT:  Check free disk space.
child process exited with exit code 134`;

it.each([
  [ON_A_FULL_DISK, /initdb said:\nrunning bootstrap .*2691".*\n.*Check free disk space\.$/],
  ['initdb: error: could not write file "x": No space left on device', /initdb said:\ninitdb: error: .*device$/],
])('a full disk is told as that, with the folder, how much is needed, and what says so', (said, quoted) => {
  const { message } = initdbFault('/data', said);
  expect(message).toMatch(
    /^PostgreSQL could not create a database in \/data: its disk is full\. .* about 100 MB.* DATA_DIR /,
  );
  expect(message).toMatch(quoted);
});

it('another reason is left to its words', () => {
  expect(initdbFault('/data', 'one\ntwo').message).toBe(
    'PostgreSQL could not create a database in /data. initdb said:\none\ntwo',
  );
});
