/** Why a database could not be opened, and whether waiting may help. */
import { expect, it } from 'vitest';
import { openingFault } from '../../src/db/connection/opening-fault.js';

it('a host that is not known may be one that is not there yet: it is waited for, and the variable is named', () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND db'), { code: 'ENOTFOUND' });
  const parts = { host: 'db', port: 5432, database: 'mirror', encryption: 'none' } as never;
  expect(openingFault(cause, { parts, at: 'postgres://db/mirror' })).toMatchObject({
    ...{ kind: 'transient', code: 'database_host_unknown' },
    message: 'No machine is known as db now. Correct the host in DATABASE_URL, unless its network is still to come',
  });
});
