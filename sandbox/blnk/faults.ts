// What may go wrong with a request to Blnk. Which requests are hit is ../faults.ts, how a fault looks on the wire fault-answers.ts.

import type { EffectFields } from '../control.js';
import { type FaultedRequest, type FaultMatch, Faults } from '../faults.js';
import type { Api } from './call.js';

/** `route` is method and path with `:` parameters, as `POST /transactions/bulk`, or a group: `posts`, `lookups`. */
interface BlnkFaultMatch extends FaultMatch {
  readonly method?: string;
  readonly api?: Api;
  /** A piece of the request body, for example a reference. */
  readonly contains?: string;
}

export type FaultEffect =
  /** Any status, without applying the post, or after applying it. */
  | {
      effect: 'status';
      status: number;
      /** `rule`: a rule of the ledger refuses what shall be booked, for good. `limit`: one of the plan is reached. */
      body?: 'core' | 'html' | 'cloud' | 'empty' | 'rule' | 'limit';
      retryAfter?: number | string;
      applied?: boolean;
    }
  /** The connection is reset before Core sees the request. */
  | { effect: 'reset' }
  /** Core applies it, the connection is reset before the answer. */
  | { effect: 'answer_lost' }
  /** The proxy sends the request twice; the client sees only the second answer. */
  | { effect: 'repeated' }
  /** Takes this long; a post holds its locks meanwhile. */
  | ({ effect: 'slow'; delayMs: number } & PausePlace)
  /** Hangs until released or removed; a post holds its locks meanwhile. */
  | ({ effect: 'hang' } & PausePlace)
  /** From this item on (1 unless given) the balances count as locked: 423. */
  | { effect: 'locked'; atItem?: number }
  /** Reads see the ledger as it was `lagMs` ago, or its first `rows` rows and what was made before `untilMicros`; without either, as it was when the fault was added. */
  | { effect: 'stale_reads'; lagMs?: number; rows?: number; untilMicros?: number };

interface PausePlace {
  /** `before` item `atItem` (1 unless given) of a bulk is applied, or `after` everything was. */
  phase?: 'before' | 'after';
  atItem?: number;
}

export type Fault = BlnkFaultMatch & FaultEffect;

export const EFFECTS: EffectFields<FaultEffect['effect']> = {
  status: { status: 'number' },
  reset: {},
  answer_lost: {},
  repeated: {},
  slow: { delayMs: 'number' },
  hang: {},
  locked: {},
  stale_reads: {},
};

interface BlnkRequest extends FaultedRequest {
  readonly method: string;
  readonly api: Api;
  readonly text: string;
}

export class BlnkFaults extends Faults<Fault, BlnkRequest> {
  readonly #place: () => { readonly rows: number; readonly untilMicros: number };

  /** @param options.place how many rows there are, and the time of the next thing that is made */
  constructor(options: {
    readonly seed: number;
    readonly place: () => { readonly rows: number; readonly untilMicros: number };
  }) {
    super({ seed: options.seed, groups: GROUPS, fits });
    this.#place = options.place;
  }

  override add(fault: Fault): ReturnType<Faults<Fault, BlnkRequest>['add']> {
    const standsStill = fault.effect === 'stale_reads' && fault.lagMs === undefined && fault.rows === undefined;
    return super.add(standsStill ? { ...fault, ...this.#place() } : fault);
  }
}

const GROUPS: Readonly<Record<string, (route: string) => boolean>> = {
  posts: (route) => route === 'POST /transactions' || route === 'POST /transactions/bulk',
  lookups: (route) => route === 'POST /transactions/filter' || /^GET \/(data\/)?transactions/.test(route),
};

function fits({ method, api, contains }: Fault, request: BlnkRequest): boolean {
  return (
    (method === undefined || method === request.method) &&
    (api === undefined || api === request.api) &&
    (contains === undefined || request.text.includes(contains))
  );
}
