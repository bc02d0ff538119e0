/** What a person decides or asks for, as it is kept: who, from where, what, why, and what came of it. */

import { SyncError } from './errors.js';
import { canBeKept } from './kept-text.js';
import { Refusal } from './refusal.js';

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

/** Throws a Refusal where a name or a reason cannot be kept as it is: what it is kept with would fail once the work is done. */
export function refuseUnkeptTexts(texts: Readonly<Record<string, string | null>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (text === null || canBeKept(text)) continue;
    throw new Refusal(
      new SyncError(
        `${name} contains a NUL or an unpaired surrogate, which PostgreSQL cannot store. Remove it and try again; nothing was changed`,
        { kind: 'fatal', code: 'usage' },
      ),
    );
  }
}
