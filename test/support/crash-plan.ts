/**
 * What one round of the crash suite does, drawn from its seed and its home alone: how many payments there are, how both
 * vendors misbehave, and which blows fall where. The same seed gives the same plan.
 */
import type { Fault } from '../../sandbox/blnk/fault-rules.js';
import type { FaultRule } from '../../sandbox/stripe/faults.js';
import { CRASH_POINTS, type CrashPoint } from '../../src/app/crash-points.js';
import type { Home } from './homes.js';

/** What happens to a process: SIGKILL, SIGTERM, or SIGSTOP for longer than its locks and claims. */
export type ProcessAct = 'kill' | 'stop' | 'pause';

/** What happens to the servers under it. */
export type ServerAct =
  | 'database cut'
  | 'database paused'
  | 'redis cut'
  | 'redis paused'
  | 'queue lost'
  | 'database killed'
  | 'disk full';

export interface ProcessBlow {
  readonly kind: 'process';
  readonly act: ProcessAct;
  /** `half_stored`: within the transaction that stores a page. `any_time`: `afterMs` after it was started or asked. */
  readonly place: WorkerPoint | 'collect.half_stored' | 'any_time';
  readonly nth: number;
  readonly afterMs: number;
  /** How long a pause lasts. */
  readonly lastsMs: number;
}

export interface ServerBlow {
  readonly kind: 'server';
  readonly act: ServerAct;
  readonly afterMs: number;
  readonly lastsMs: number;
}

export type Blow = ProcessBlow | ServerBlow;

/** What follows once everything is mirrored: a damage that is repaired, or a database that is rebuilt, each with a kill within. */
export type Sequel = 'none' | 'repair' | 'rebuild';

export interface RoundPlan {
  readonly seed: number;
  readonly intents: number;
  readonly workers: 1 | 2;
  readonly stripeFaults: readonly FaultRule[];
  readonly blnkFaults: readonly Fault[];
  readonly blows: readonly Blow[];
  readonly sequel: Sequel;
  /** The n-th item or page at which the command of the sequel is killed. */
  readonly sequelNth: number;
}

type WorkerPoint = Exclude<CrashPoint, `${'repair' | 'rebuild'}.${string}`>;

/** Points of a worker; the others are of commands, which the sequel kills. */
const WORKER_POINTS = CRASH_POINTS.filter((point): point is WorkerPoint => !/^(repair|rebuild)\./.test(point));

const PLACES: readonly ProcessBlow['place'][] = [...WORKER_POINTS, 'collect.half_stored', 'any_time'];
const PROCESS_ACTS: readonly ProcessAct[] = ['kill', 'kill', 'pause', 'stop'];

export interface PlanOptions {
  readonly home: Home['name'];
  /** Whether the embedded home lies on a disk that can be filled. */
  readonly hasLimitedDisk: boolean;
  /** A real ledger neither misbehaves on demand nor loses rows. */
  readonly hasRealLedger: boolean;
}

export function planRound(seed: number, { home, hasLimitedDisk, hasRealLedger }: PlanOptions): RoundPlan {
  const draw = drawFrom(seed);
  const intents = draw.between(40, 160);
  const workers = draw.oneOf([1, 1, 2] as const);
  const stripeFaults = Array.from({ length: draw.between(0, 3) }, () => drawStripeFault(draw));
  const drawn = Array.from({ length: draw.between(0, 3) }, () => drawBlnkFault(draw));
  const serverActs = serverActsOf(home, hasLimitedDisk);
  const blows = Array.from({ length: draw.between(2, 4) }, (): Blow => {
    const [afterMs, lastsMs] = [draw.between(0, 1_500), draw.between(2_500, 5_500)];
    if (draw.chance(0.25)) return { kind: 'server', act: draw.oneOf(serverActs), afterMs, lastsMs };
    const place = draw.oneOf(PLACES);
    const act = place === 'collect.half_stored' ? 'kill' : draw.oneOf(PROCESS_ACTS);
    return { kind: 'process', act, place, nth: draw.between(1, 3), afterMs, lastsMs };
  });
  const sequel = draw.oneOf(['none', 'none', 'repair', 'rebuild'] as const);
  return {
    ...{ seed, intents, workers, stripeFaults, blows },
    blnkFaults: hasRealLedger ? [] : drawn,
    sequel: hasRealLedger ? 'none' : sequel,
    sequelNth: draw.between(1, 2),
  };
}

function serverActsOf(home: Home['name'], hasLimitedDisk: boolean): readonly ServerAct[] {
  const cut = ['database cut', 'database paused', 'queue lost'] as const;
  if (home === 'postgres') return cut;
  if (home === 'postgres+redis') return [...cut, 'redis cut', 'redis paused'];
  return ['database killed', 'queue lost', ...(hasLimitedDisk ? (['disk full'] as const) : [])];
}

/** Faults that pass: none of them says that a payment cannot be posted, which would be a right reason to park it. */
function drawStripeFault(draw: Draw): FaultRule {
  const fault = draw.oneOf<FaultRule['fault']>([
    { effect: 'rate_limited', reason: 'endpoint-rate' },
    { effect: 'lock_timeout' },
    { effect: 'status', status: draw.oneOf([500, 502, 503]) },
    { effect: 'reset' },
    { effect: 'truncated' },
    { effect: 'slow', delayMs: 400 },
    { effect: 'html' },
    { effect: 'wrong_json' },
    { effect: 'no_date' },
  ]);
  return { fault, probability: 0.05 + draw.fraction() * 0.25, times: draw.between(1, 12) };
}

function drawBlnkFault(draw: Draw): Fault {
  const match = {
    route: draw.oneOf(['posts', 'posts', 'lookups']),
    probability: 0.05 + draw.fraction() * 0.35,
    times: draw.between(1, 12),
    seed: draw.between(1, 1_000_000),
  };
  return draw.oneOf<Fault>([
    { ...match, kind: 'status', status: draw.oneOf([429, 500, 502, 503, 504]) },
    { ...match, kind: 'status', status: 502, body: 'html', applied: true },
    { ...match, kind: 'status', status: 429, retryAfter: 1 },
    { ...match, kind: 'reset' },
    { ...match, kind: 'answer_lost' },
    { ...match, kind: 'repeated' },
    { ...match, kind: 'slow', delayMs: 300, phase: draw.oneOf(['before', 'after']) },
    { ...match, kind: 'locked', atItem: draw.between(1, 5) },
    { ...match, route: 'lookups', kind: 'stale_reads', lagMs: 500 },
  ]);
}

export interface Draw {
  /** In [0, 1). */
  fraction(): number;
  /** Both ends included. */
  between(least: number, most: number): number;
  chance(share: number): boolean;
  oneOf<T>(choices: readonly [T, ...T[]] | readonly T[]): T;
}

/** The mulberry32 step: the same seed draws the same. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number) => least + Math.floor(fraction() * (most - least + 1));
  return {
    fraction,
    between,
    chance: (share) => fraction() < share,
    oneOf(choices) {
      const choice = choices[between(0, choices.length - 1)];
      if (choice === undefined) throw new RangeError('there is nothing to choose from');
      return choice;
    },
  };
}

/** For a person who reads what a seed does. */
export function describeBlow(blow: Blow): string {
  return blow.kind === 'process' ? `${blow.act} at ${blow.place}` : blow.act;
}
