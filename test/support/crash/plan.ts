/**
 * What one round of the crash suite does, drawn from its seed and its home alone: how many payments there are, how both
 * vendors misbehave, and which faults are injected where. The same seed gives the same plan on a machine with the same servers.
 */
import type { Fault } from '../../../sandbox/blnk/faults.js';
import type { Fault as StripeFault } from '../../../sandbox/stripe/faults.js';
import type { Home } from '../homes.js';
import { dealFrom, drawFrom } from './draw.js';
import { drawBlnkFault, drawStripeFault } from './faults.js';
import { CRASH_POINTS, type CrashPoint } from './points.js';

/** What happens to a process: SIGKILL, SIGTERM, or SIGSTOP for longer than its locks and claims. */
export type ProcessAct = 'kill' | 'stop' | 'pause';

/** What happens to the servers under it. */
export type ServerAct =
  | 'database restarted'
  | 'database cut'
  | 'database paused'
  | 'database killed'
  | 'redis restarted'
  | 'redis cut'
  | 'redis paused'
  | 'redis flushed'
  | 'queue lost'
  | 'disk full';

export interface ProcessInjection {
  readonly kind: 'process';
  readonly act: ProcessAct;
  /**
   * `half_stored`: within the transaction that stores a page. `any_time`: `afterMs` after it was started or asked.
   * `post.sent`: while Blnk works on a post, whose connection goes with the process.
   */
  readonly place: WorkerPoint | 'collect.half_stored' | 'post.sent' | 'any_time';
  readonly nth: number;
  readonly afterMs: number;
  /** How long a pause lasts. */
  readonly lastsMs: number;
}

export interface ServerInjection {
  readonly kind: 'server';
  readonly act: ServerAct;
  readonly afterMs: number;
  readonly lastsMs: number;
}

export type Injection = ProcessInjection | ServerInjection;

/** What follows once everything is mirrored: a damage that is repaired, or a database that is rebuilt, each with a kill within. */
export type Sequel = 'none' | 'repair' | 'rebuild';

export interface RoundPlan {
  readonly seed: number;
  readonly home: Home['name'];
  readonly intents: number;
  readonly workers: 1 | 2;
  readonly stripeFaults: readonly StripeFault[];
  readonly blnkFaults: readonly Fault[];
  readonly injections: readonly Injection[];
  readonly sequel: Sequel;
  /** The n-th item or page at which the command of the sequel is killed. */
  readonly sequelNth: number;
}

type WorkerPoint = Exclude<CrashPoint, `${'repair' | 'rebuild'}.${string}`>;

/** What this machine, and the ledger that was named, can bear. */
export interface Means {
  /** Whether the embedded home lies on a disk that can be filled. */
  readonly hasLimitedDisk: boolean;
  /** Whether Redis is the suite's own, so that it may be restarted and flushed. */
  readonly ownsRedis: boolean;
  /** A real ledger does not misbehave on demand; posts can be cut while it works on them. */
  readonly realLedger: { readonly canLoseRows: boolean } | null;
}

/** Rounds take turns on them, so that a seed is played on the same home again however many rounds there are. */
export const HOME_NAMES = ['embedded', 'postgres', 'postgres+redis'] as const;

const INJECTIONS_IN_ROUND = 2;

const WORKER_POINTS = CRASH_POINTS.filter((point): point is WorkerPoint => !/^(repair|rebuild)\./.test(point));
const PROCESS_ACTS: readonly ProcessAct[] = ['kill', 'pause', 'stop'];
const SEQUELS: readonly Sequel[] = ['none', 'repair', 'none', 'rebuild'];

export function planRound(seed: number, means: Means): RoundPlan {
  const draw = drawFrom(seed);
  const turn = Math.floor(seed / HOME_NAMES.length);
  const home = HOME_NAMES[seed % HOME_NAMES.length] ?? 'embedded';
  const kinds = kindsOfInjections(home, means);
  const injections = Array.from({ length: INJECTIONS_IN_ROUND }, (_, at): Injection => {
    const kind = dealFrom(kinds, { hand: home, turn: turn * INJECTIONS_IN_ROUND + at });
    const [afterMs, lastsMs] = [draw.between(0, 1_500), draw.between(2_500, 4_500)];
    return kind.kind === 'server'
      ? { ...kind, afterMs, lastsMs }
      : { ...kind, nth: draw.between(1, 3), afterMs, lastsMs };
  });
  const sequel = SEQUELS[turn % SEQUELS.length] ?? 'none';
  return {
    ...{ seed, home, injections },
    intents: draw.between(20, 70),
    workers: draw.oneOf([1, 1, 2] as const),
    stripeFaults: Array.from({ length: draw.between(0, 3) }, () => drawStripeFault(draw)),
    blnkFaults: means.realLedger === null ? Array.from({ length: draw.between(0, 3) }, () => drawBlnkFault(draw)) : [],
    sequel: sequel === 'repair' && !canRepair(means) ? 'none' : sequel,
    sequelNth: draw.between(1, 2),
  };
}

type Kind = Pick<ProcessInjection, 'kind' | 'act' | 'place'> | Pick<ServerInjection, 'kind' | 'act'>;

/** Every fault that can be injected on this home. They are dealt in turn, so that each comes as often as every other. */
function kindsOfInjections(home: Home['name'], means: Means): readonly Kind[] {
  const places = [...WORKER_POINTS, 'any_time'] as const;
  const atPlaces = places.flatMap((place) => PROCESS_ACTS.map((act) => ({ kind: 'process', act, place }) as const));
  const servers = serverActsOf(home, means).map((act) => ({ kind: 'server', act }) as const);
  const killed = (place: ProcessInjection['place']) => ({ kind: 'process', act: 'kill', place }) as const;
  // As often as all other places together: what a killed post leaves in a real ledger is what such rounds are for.
  const sent = means.realLedger === null ? [] : Array.from({ length: 12 }, () => killed('post.sent'));
  return [...atPlaces, killed('collect.half_stored'), ...servers, ...sent];
}

function serverActsOf(home: Home['name'], { hasLimitedDisk, ownsRedis }: Means): readonly ServerAct[] {
  if (home === 'embedded')
    return ['database killed', 'queue lost', ...(hasLimitedDisk ? (['disk full'] as const) : [])];
  const database = ['database restarted', 'database cut', 'database paused'] as const;
  if (home === 'postgres') return [...database, 'queue lost'];
  const redis = ['redis cut', 'redis paused'] as const;
  return ownsRedis
    ? [...database, ...redis, 'redis restarted', 'redis flushed']
    : [...database, ...redis, 'queue lost'];
}

/** The names of all injected faults that have to hit in a long run on a home. */
export function injectionsOf(home: Home['name'], means: Means): readonly string[] {
  const sequels = canRepair(means) ? (['repair', 'rebuild'] as const) : (['rebuild'] as const);
  return [...new Set([...kindsOfInjections(home, means).map(describeInjection), ...sequels.map(describeSequel)])];
}

/** Rows have to vanish from the ledger first. */
function canRepair({ realLedger }: Means): boolean {
  return realLedger?.canLoseRows !== false;
}

/** For a person who reads what a seed does. */
export function describeInjection(injection: Kind): string {
  return injection.kind === 'process' ? `${injection.act} at ${injection.place}` : injection.act;
}

export function describeSequel(sequel: Exclude<Sequel, 'none'>): string {
  return `kill in ${sequel}`;
}

export function describeRound({ seed, home, intents, workers, injections, sequel }: RoundPlan): string {
  const what = [`${intents} intents`, `${workers} worker(s)`, ...injections.map(describeInjection)];
  return `seed ${seed} on ${home}: ${[...what, ...(sequel === 'none' ? [] : [sequel])].join(', ')}`;
}
