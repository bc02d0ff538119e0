/** Why a database could not be opened or failed later, and whether waiting may help. */
import { expect, it } from 'vitest';
import { openingFault } from '../../src/db/connection/opening-fault.js';
import { explainServerFault } from '../../src/db/connection/server-faults.js';

it('a host that is not known may be one that is not there yet: it is waited for, and the variable is named', () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND db'), { code: 'ENOTFOUND' });
  const parts = { host: 'db', port: 5432, database: 'mirror', encryption: 'none' } as never;
  expect(openingFault(cause, { parts, at: 'postgres://db/mirror' })).toMatchObject({
    ...{ kind: 'transient', code: 'database_host_unknown' },
    message: 'No machine is known as db now. Correct the host in DATABASE_URL, unless its network is still to come',
  });
});

it('a connection that is lost in the middle of work is told as lost, and what is not of the server as it is', () => {
  const lost = Object.assign(new Error('write CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' });
  expect(explainServerFault(new Error('Failed query', { cause: lost }))).toMatchObject({
    ...{
      kind: 'transient',
      code: 'database_unreachable',
      message: expect.stringMatching(/^The connection .* was lost/),
    },
  });
  const ours = new TypeError('x is not a function');
  expect(explainServerFault(ours)).toBe(ours);
});
