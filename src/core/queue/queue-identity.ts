/**
 * Which queue a process uses. Addresses do not tell: one Redis has another name in a container than outside. So a queue on
 * Redis holds a random mark under its prefix, which whoever uses it reads; one in PostgreSQL is that of the database.
 */

export interface QueueIdentity {
  /** Equal for all who use the same queue. */
  readonly id: string;
  /** Where it is, for a person; without credentials. */
  readonly place: string;
}

/** A job that was asked for, as requests name it: what they are deduplicated by. */
export interface QueuedJob {
  readonly queue: string;
  readonly id: string;
  /** Asked for by the schedule as well. */
  readonly isScheduled?: boolean;
}

/**
 * Null while some living worker may take what was asked for; else what to do.
 *
 * @param served of each living worker; null: it has not said, because its queue does not answer or its version is older
 */
export function unservedText(own: QueueIdentity, served: ReadonlyArray<QueueIdentity | null>): string | null {
  const others = served.filter((queue) => queue !== null);
  if (others.length === 0 || others.length < served.length || others.some(({ id }) => id === own.id)) return null;
  const places = [...new Set(others.map(({ place }) => place))].join(', ');
  return (
    `No worker takes jobs from the queue of this command, ${own.place}. The workers of this database use ${places}: give the ` +
    'command their REDIS_URL and QUEUE_PREFIX, or take REDIS_URL out where they have none'
  );
}
