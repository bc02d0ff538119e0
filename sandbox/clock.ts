// The clock of the stand-ins: what "now" is for both of them and for the tests that move it.
// Frozen, it moves only when told; running, it keeps an offset to the machine's clock and goes on by itself.
// It never times anything out: waits and time-outs belong to real time.

export class SandboxClock {
  private constructor(
    private readonly running: boolean,
    private baseMs: number,
  ) {}

  /** A clock that stands still until `advance` or `set`. */
  static frozen(at: Date): SandboxClock {
    return new SandboxClock(false, validMs(at));
  }

  /** A clock that goes on with the machine's, starting at `at` (default: the machine's own now). */
  static running(at?: Date): SandboxClock {
    return new SandboxClock(true, at === undefined ? 0 : validMs(at) - Date.now());
  }

  now(): Date {
    return new Date(this.nowMs());
  }

  nowMs(): number {
    return this.running ? Date.now() + this.baseMs : this.baseMs;
  }

  /** Unix seconds, the resolution of every `created` at Stripe. */
  nowSeconds(): number {
    return Math.floor(this.nowMs() / 1000);
  }

  advance(ms: number): void {
    if (!Number.isFinite(ms)) throw new RangeError(`cannot advance the clock by ${ms} ms`);
    this.baseMs += ms;
  }

  set(to: Date): void {
    const ms = validMs(to);
    this.baseMs = this.running ? ms - Date.now() : ms;
  }
}

function validMs(at: Date): number {
  const ms = at.getTime();
  if (Number.isNaN(ms)) throw new RangeError('not a valid date');
  return ms;
}
