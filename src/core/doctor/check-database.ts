/** Whether the database can be used: its server, the connections and rights of the role, and the tables in it. */
import { commandLine } from '../base/own-command.js';
import type { DatabaseFacts, DoctorFacts, EmbeddedFacts, TableFacts } from './facts.js';
import { type Asked, type Check, type Finding, faulty, fine, found, ofAnswer, ofKnown, skipped } from './finding.js';

export const databaseCheck: Check = {
  part: 'database',
  judge({ embedded, database }) {
    if (embedded !== null && database.kind === 'unasked') {
      return ofAnswer(embedded, DATA_DIR, (facts) => [fine(embeddedText(facts))]);
    }
    return ofAnswer(database, PLACE, ({ at, version, faults }) => {
      const own = faults.filter(({ code }) => code !== 'database_connections');
      return own.length > 0 ? own.map((fault) => faulty(fault)) : [fine(`PostgreSQL ${version}, UTF8, ${at}`)];
    });
  },
};

const PLACE: Asked = {
  who: 'PostgreSQL',
  code: 'database_unreachable',
  check: 'Check that it runs, and that DATABASE_URL leads to it (a firewall, DNS)',
};
const DATA_DIR: Asked = {
  who: 'The file system of DATA_DIR',
  code: 'folder_not_writable',
  check: 'Check the disk that DATA_DIR is on, or set DATA_DIR to another folder',
};

function embeddedText({ version, dataDir }: EmbeddedFacts): string {
  return version === null
    ? `private PostgreSQL, made at the first start in ${dataDir}`
    : `private PostgreSQL ${version} in ${dataDir}, not running now`;
}

/** Why the parts below are not known, where the database itself was told about above. */
function whyUnknown({ embedded, database }: DoctorFacts): string {
  const isPrivate = embedded?.kind === 'given' && database.kind === 'unasked';
  return isPrivate ? 'of the private PostgreSQL a worker makes sure by itself' : 'the database is not known yet';
}

export const connectionsCheck: Check = {
  part: 'connections',
  judge: (facts) =>
    ofKnown(facts.database, whyUnknown(facts), ({ connections, faults }) => {
      const short = faults.filter(({ code }) => code === 'database_connections');
      if (short.length > 0) return short.map((fault) => faulty(fault));
      const { needed, given } = connections;
      return [
        fine(`a worker takes up to ${needed}; ${given === null ? 'a pooler shares them' : `${given} are allowed`}`),
      ];
    }),
};

export const rightsCheck: Check = {
  part: 'rights',
  judge: (facts) =>
    ofKnown(facts.database, whyUnknown(facts), ({ role, rightsFault, tables }) => {
      if (rightsFault !== null) return [faulty(rightsFault)];
      if (tables === null || tables.newest === null) return [skipped('there are no tables yet to have rights on')];
      return [fine(`${role} may do what a worker does`)];
    }),
};

export const tablesCheck: Check = {
  part: 'tables',
  judge: (facts) =>
    ofKnown(facts.database, whyUnknown(facts), ({ tables, at, role }) =>
      tables === null
        ? [skipped('not seen without rights on them')]
        : judgeTables(tables, { at, role, isPrivate: facts.embedded !== null }),
    ),
};

function judgeTables(
  { pending, newer, newest, hasQueue, fault, mayCreateSchema }: TableFacts,
  { at, role, isPrivate }: Pick<DatabaseFacts, 'at' | 'role'> & { readonly isPrivate: boolean },
): Finding[] {
  if (fault !== null) return [faulty(fault)];
  const isOlder = newest === null || pending.length > 0 || !hasQueue;
  if (isPrivate && isOlder) return [fine('a worker brings them to this version when it starts')];
  const asOwner = mayCreateSchema ? '' : `, with the address of the role that owns the tables (${role} may make none)`;
  const migrate: Pick<Finding, 'state' | 'code' | 'do'> = {
    ...{ state: 'fail', code: 'not_migrated' },
    do: `Run${asOwner}: ${commandLine('migrate')}`,
  };
  if (newest === null) return [{ ...migrate, text: `The database at ${at} has no tables of this software yet` }];
  if (pending.length > 0) {
    const more = pending.length > 1 ? ` and ${pending.length - 1} more` : '';
    return [{ ...migrate, text: `The tables are of ${newest}, and this version brings ${pending[0]}${more}` }];
  }
  if (!hasQueue) {
    return [
      {
        ...migrate,
        text: 'The tables of the queue are missing or older than this version. Where the workers use Redis, set REDIS_URL as they do',
      },
    ];
  }
  if (newer.length === 0) return [fine(`of this version (${newest})`)];
  return [
    found(
      'tables_newer',
      `The tables were migrated further (${newest}) than this version knows; it may still work on them`,
      'Install the version that migrated them here too, when it suits',
    ),
  ];
}
