// The statements by which the server watches and stops itself. Why in SQL: a watchdog process of ours would be one more
// thing to find, feed and lose, and could be killed without the server noticing; a statement lives and dies with the
// server, runs as the server's user and costs one backend. Its client is gone while it runs, which PostgreSQL does not
// look for during a statement (client_connection_check_interval is 0). It holds a snapshot for a twentieth of a second at most.

import { sessionName } from '../../core/base/session-name.js';

interface AdvisoryLock {
  space: number;
  key: number;
}

/** Any number of ours, equal in all releases that may meet at one server. */
const SPACE = 0x53_42_53_31;
/** Shared by everybody who is in; alone by whoever stops the server. */
export const GATE: AdvisoryLock = { space: SPACE, key: 1 };
/** Held by the one idle guard. */
export const IDLE_GUARD: AdvisoryLock = { space: SPACE, key: 2 };

export const LEAVING_NAME = sessionName('leaving');
export const GUARD_NAME = sessionName('idle guard');

const ROUNDS = 5;
const ROUND_MAX_MS = 5_000;
/**
 * Sleeping is a statement, and a statement has a snapshot, which an index that is built concurrently waits for, several times:
 * a round sleeps in pieces. With pieces of 250 ms half of a first start was waiting for them.
 */
const SLEEP_MAX_MS = 50;

/**
 * Asks the server for a fast shutdown: open transactions are rolled back, everything is written, and the next start needs
 * no recovery. The server's own user sends the signal, so that root never signals a process named by another's file. The
 * stopping server ends its sessions with all their children, so the shell that sends the signal has to ignore that.
 */
const STOP = `EXECUTE format('COPY (SELECT WHERE false) TO PROGRAM %L',
          'trap "" TERM; kill -INT ' || split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int)`;

/** See STOP. The answer may not arrive: the stop reaches our own connection too. */
export const STOP_STATEMENT = `
DO $stop$
BEGIN
  ${STOP};
END
$stop$`;

/** True as long as somebody but the guard is connected. */
const HAS_CLIENTS = `EXISTS (
      SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())`;

/**
 * Runs for as long as the server: stops it after `idleStopMs` without any client, which is what remains to be done when
 * the last process was killed and nobody comes back. Idle time is counted in rounds: clocks jump.
 */
export function idleGuardStatement(idleStopMs: number): string {
  if (!Number.isInteger(idleStopMs) || idleStopMs < 100) {
    throw new RangeError(`idleStopMs must be a whole number of at least 100, got ${idleStopMs}`);
  }
  const roundMs = Math.min(ROUND_MAX_MS, Math.ceil(idleStopMs / ROUNDS));
  const sleeps = Math.ceil(roundMs / SLEEP_MAX_MS);
  return `
DO $guard$
DECLARE
  idle_ms int := 0;
BEGIN
  IF NOT pg_try_advisory_lock(${IDLE_GUARD.space}, ${IDLE_GUARD.key}) THEN
    RETURN;
  END IF;
  RAISE NOTICE 'the idle guard stands';
  LOOP
    FOR sleep IN 1..${sleeps} LOOP
      COMMIT;
      PERFORM pg_sleep(${roundMs / sleeps / 1000});
    END LOOP;
    COMMIT;
    idle_ms := idle_ms + ${roundMs};
    IF ${HAS_CLIENTS} THEN
      idle_ms := 0;
    ELSIF idle_ms >= ${idleStopMs} AND pg_try_advisory_lock(${GATE.space}, ${GATE.key}) THEN
      PERFORM pg_stat_clear_snapshot();
      IF NOT ${HAS_CLIENTS} THEN
        ${STOP};
        PERFORM pg_sleep(60);
      END IF;
      PERFORM pg_advisory_unlock(${GATE.space}, ${GATE.key});
      idle_ms := 0;
    END IF;
  END LOOP;
END
$guard$`;
}
