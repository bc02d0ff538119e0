/** What a person decides or asks for, as it is kept: who, from where, what, why, and what came of it. */

/** Where it was asked for. */
export const ACTION_ORIGINS = ['cli', 'api', 'web'] as const;
export type ActionOrigin = (typeof ACTION_ORIGINS)[number];

/** The subject of each: nothing, a run, a payment's reference (or a reason for all of it), a day or several, a plan, an instance, a link by the begin of its hash. */
export const ACTION_KINDS = [
  ...(['sync', 'backfill', 'retry', 'dismiss', 'accept', 'take_back', 'prove'] as const),
  ...(['repair_plan', 'repair_apply', 'rebuild', 'move', 'adopt', 'login_link', 'login'] as const),
];
export type ActionKind = (typeof ACTION_KINDS)[number];

/** Of a session over HTTP: `admin` may read and change, `viewer` may read. */
export type SessionRole = 'admin' | 'viewer';

export interface Actor {
  /** The operating system's user, or what the token that was shown is called. */
  readonly name: string;
  readonly origin: ActionOrigin;
}

export interface Action {
  readonly kind: ActionKind;
  readonly subject: string | null;
  readonly why: string | null;
  readonly result: string;
}
