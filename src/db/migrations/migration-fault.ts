/** Why a migration did not come to its end, in words with a code: PostgreSQL's own alone say neither what nor what next. */
import { SyncError } from '../../core/base/errors.js';
import { isServerFault } from '../connection/server-faults.js';

/** Deadlock, serialization failure, two who change one row of the catalog ("tuple concurrently updated" has no code of its own). */
const COLLISION_CODES = ['40P01', '40001'];
const COLLISION_WORDS = /tuple concurrently (updated|deleted)/;

/** What was applied before stays, and the next start goes on from there. */
export function migrationFault(error: unknown): unknown {
  if (error instanceof SyncError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (isServerFault(error) || COLLISION_CODES.includes(code) || COLLISION_WORDS.test(error.message)) {
    return new SyncError(
      'Migrating the database was interrupted: the connection was lost, or another process changed the same tables. ' +
        'What was begun is reversed. A worker with an embedded database tries again by itself; else run migrate again',
      { kind: 'transient', code: 'migration_interrupted', cause: error },
    );
  }
  if (!/^[0-9A-Z]{5}$/.test(code)) return error;
  return new SyncError(
    `PostgreSQL refused a statement of a migration (SQLSTATE ${code}), and what it belongs to is reversed. Is something in ` +
      'our schemas that was not made by migrate, or does the role lack a right (docs/security.md, "Roles of the database")? ' +
      'Correct it and run migrate again',
    { kind: 'fatal', code: 'migration_failed', cause: error },
  );
}
