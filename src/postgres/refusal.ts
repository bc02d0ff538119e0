/**
 * What is wrong with a connection to PostgreSQL, as errors of its own: the same words of the network come from every other
 * server too, and only these are the database's.
 */

/** What a server said when a connection was made, before any statement: with the SQLSTATE, as drivers show it in `code`. */
export class PostgresRefusal extends Error {
  override readonly name = 'PostgresRefusal';

  /** @param code a SQLSTATE, of class 08 also where the server said none of its own, or `encryption` where the server does not encrypt */
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** SQLSTATE of a connection that could not be made. */
const NOT_MADE = '08001';

/** Something answers there, and it does not let anybody in as PostgreSQL does. */
export function notPostgres(what: 'closes' | 'strange'): PostgresRefusal {
  const words =
    what === 'closes' ? 'closes the connection before anybody is let in' : 'does not speak as PostgreSQL does';
  return new PostgresRefusal(NOT_MADE, `the server ${words} (is it PostgreSQL?)`);
}

/** SQLSTATE of a connection that is there no more. */
const GONE = '08003';

/** Whoever waits for it was interrupted. */
export function givenUp(): PostgresRefusal {
  return new PostgresRefusal(GONE, 'interrupted before the database had answered');
}

/** What the network, or TLS, said of a connection. With its code. */
export class PostgresConnectionFault extends Error {
  override readonly name = 'PostgresConnectionFault';
  readonly code: string;

  constructor(cause: NodeJS.ErrnoException) {
    super(cause.message, { cause });
    this.code = cause.code ?? '';
  }
}
