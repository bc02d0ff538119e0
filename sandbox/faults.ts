// Faults on demand, of both sandboxes: which request is hit by which one, how often, and what hangs until it is released. What
// a fault does to an answer is each sandbox's own, in its fault-answers.ts. Faults are tried in the order in which they were
// added; the first that fits takes the request alone.

import { fractionSource } from './fractions.js';

/** Which requests: all conditions given must hold. */
export interface FaultMatch {
  /** The route's name in that sandbox, or one of its groups of routes; absent: every route. */
  readonly route?: string;
  /** From the n-th request that fits since the fault was added, from 1. Only that one, unless `times` says more. */
  readonly nth?: number;
  /** At most so many hits; absent: no end, or once with `nth`. */
  readonly times?: number;
  /** Hits with this chance; 1 when absent. */
  readonly probability?: number;
  /** Of the chance. Default: the sandbox's. */
  readonly seed?: number;
}

type AnyFault = FaultMatch & { readonly effect: string };

export interface FaultedRequest {
  readonly route: string;
  readonly url: string;
}

/** A request that a fault took. */
export interface FaultHit {
  readonly id: string;
  readonly effect: string;
  readonly route: string;
  readonly url: string;
}

/** A fault in force. */
export class ActiveFault<Fault extends AnyFault> {
  readonly #waiting = new Set<() => void>();
  readonly #draw: () => number;
  readonly #onRemove: () => void;
  #seen = 0;
  #hits = 0;

  constructor(
    readonly id: string,
    readonly fault: Fault,
    { seed, onRemove }: { readonly seed: number; readonly onRemove: () => void },
  ) {
    this.#draw = fractionSource(fault.seed ?? seed);
    this.#onRemove = onRemove;
  }

  /** How many requests it took. */
  get hits(): number {
    return this.#hits;
  }

  get hanging(): number {
    return this.#waiting.size;
  }

  /** Lets all that hang on it go on; it stays in force for later requests. */
  release(): void {
    for (const resume of [...this.#waiting]) resume();
  }

  /** Takes it out of force and releases what hangs on it. */
  remove(): void {
    this.#onRemove();
    this.release();
  }

  /** Resolves `true` at the next release, `false` once the client has gone. */
  untilReleased(gone: Promise<void>): Promise<boolean> {
    return new Promise((resolve) => {
      const resume = () => end(true);
      const end = (released: boolean) => {
        this.#waiting.delete(resume);
        resolve(released);
      };
      this.#waiting.add(resume);
      void gone.then(() => end(false));
    });
  }

  /** Counts a request that fits, and decides whether this fault takes it. */
  takes(): boolean {
    const { nth, times, probability } = this.fault;
    this.#seen += 1;
    if (this.#hits >= (times ?? (nth === undefined ? Number.POSITIVE_INFINITY : 1))) return false;
    if (nth !== undefined && this.#seen < nth) return false;
    if (probability !== undefined && this.#draw() >= probability) return false;
    this.#hits += 1;
    return true;
  }
}

export interface FaultsOptions<Fault, Request> {
  readonly seed: number;
  /** Names for several routes at once. */
  readonly groups?: Readonly<Record<string, (route: string) => boolean>>;
  /** Further conditions of this sandbox. */
  readonly fits?: (fault: Fault, request: Request) => boolean;
}

export class Faults<Fault extends AnyFault, Request extends FaultedRequest = FaultedRequest> {
  readonly #active = new Set<ActiveFault<Fault>>();
  readonly #recent: FaultHit[] = [];
  readonly #options: FaultsOptions<Fault, Request>;
  #added = 0;
  #hits = 0;

  constructor(options: FaultsOptions<Fault, Request>) {
    this.#options = options;
  }

  add(fault: Fault): ActiveFault<Fault> {
    this.#added += 1;
    const active: ActiveFault<Fault> = new ActiveFault(`fault_${this.#added}`, fault, {
      seed: this.#options.seed,
      onRemove: () => void this.#active.delete(active),
    });
    this.#active.add(active);
    return active;
  }

  /** In force, in the order in which they were added. */
  get active(): readonly ActiveFault<Fault>[] {
    return [...this.#active];
  }

  find(id: string): ActiveFault<Fault> | undefined {
    return this.active.find((active) => active.id === id);
  }

  /** How many requests met one, by faults in force and by removed ones. */
  get hits(): number {
    return this.#hits;
  }

  /** The last thousand hits, oldest first, those of removed faults too. */
  get recentHits(): readonly FaultHit[] {
    return this.#recent;
  }

  /** How many requests hang now. */
  get hanging(): number {
    return this.active.reduce((sum, { hanging }) => sum + hanging, 0);
  }

  /** Lets every hanging request go on. */
  release(): void {
    for (const active of this.active) active.release();
  }

  /** Removes all faults and lets everything that hangs go on. */
  clear(): void {
    for (const active of this.active) active.remove();
  }

  /** The fault that this request gets, if any. */
  take(request: Request): ActiveFault<Fault> | undefined {
    const taken = this.active.find((active) => this.#fits(active.fault, request) && active.takes());
    if (taken === undefined) return undefined;
    const { route, url } = request;
    this.#hits += 1;
    this.#recent.push({ id: taken.id, effect: taken.fault.effect, route, url });
    if (this.#recent.length > HITS_KEPT) this.#recent.shift();
    return taken;
  }

  #fits(fault: Fault, request: Request): boolean {
    const { groups, fits } = this.#options;
    const { route } = fault;
    const isRoute = route === undefined || (groups?.[route]?.(request.route) ?? route === request.route);
    return isRoute && (fits?.(fault, request) ?? true);
  }
}

const HITS_KEPT = 1_000;
