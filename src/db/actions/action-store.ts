/** Keeps what people did, and lists it: the newest first, or what was done to one payment, run or day. */
import { and, desc, eq, lt } from 'drizzle-orm';
import type { Action, ActionKind, Actor } from '../../core/base/action.js';
import type { Drizzle } from '../connection/open.js';
import { actions } from '../schema/actions.js';

export interface ActionRecord extends Action {
  /** Grows with each: what a list goes on from. */
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly origin: Actor['origin'];
}

export interface ActionsQuery {
  readonly limit: number;
  /** Id of the last one of the page before. */
  readonly after?: string;
  /** Of a payment's reference, a run's id, a day. */
  readonly subject?: string;
  readonly kind?: ActionKind;
}

export interface ActionPage {
  readonly actions: readonly ActionRecord[];
  /** Pass as `after` for the next page; null on the last one. */
  readonly next: string | null;
}

/** A statement takes up to 65,535 parameters. */
const ROWS_A_STATEMENT = 5_000;

export async function noteActions(
  db: Pick<Drizzle, 'insert'>,
  { name: actor, origin }: Actor,
  noted: readonly Action[],
): Promise<void> {
  for (let at = 0; at < noted.length; at += ROWS_A_STATEMENT) {
    const rows = noted.slice(at, at + ROWS_A_STATEMENT).map((action) => ({ ...action, actor, origin }));
    await db.insert(actions).values(rows);
  }
}

export async function listActions(db: Drizzle, { limit, after, subject, kind }: ActionsQuery): Promise<ActionPage> {
  const rows = await db
    .select()
    .from(actions)
    .where(
      and(
        ...(after === undefined ? [] : [lt(actions.id, BigInt(after))]),
        ...(subject === undefined ? [] : [eq(actions.subject, subject)]),
        ...(kind === undefined ? [] : [eq(actions.kind, kind)]),
      ),
    )
    .orderBy(desc(actions.id))
    .limit(limit + 1);
  const shown = rows.slice(0, limit).map(({ id, ...row }) => ({ ...row, id: id.toString() }));
  return { actions: shown, next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null };
}
