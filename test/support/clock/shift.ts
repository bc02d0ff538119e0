/**
 * A wrong clock for this process: its wall clock goes ahead or behind by what a file says, which whoever started the
 * process rewrites while it works; and its monotonic clock leaves out the time for which the machine is said to have
 * slept. Everything in the process sees it, libraries too. Production has nothing of this.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

export interface ClockError {
  /** How far the wall clock is ahead; negative: behind. */
  readonly wallMs: number;
  /** How long the machine slept: the wall clock and the uptime went on, the monotonic clock did not. */
  readonly sleptMs: number;
}

/** Two numbers of this width each. */
const DIGITS = 20;

/** From outside: the process sees it at its next look at a clock. */
export function writeClockError(file: string, { wallMs, sleptMs }: ClockError): void {
  const handle = openSync(file, 'a+');
  closeSync(handle);
  const target = openSync(file, 'r+');
  try {
    writeSync(target, `${String(wallMs).padEnd(DIGITS)}${String(sleptMs).padEnd(DIGITS)}`, 0);
  } finally {
    closeSync(target);
  }
}

export interface ShiftOptions {
  readonly file: string;
  /** The wall clock also jumps about by itself between these errors, drawn from the seed. */
  readonly jumps: { readonly seed: number; readonly betweenMs: readonly number[] } | null;
}

/** Reads of the clock from one jump to the next. */
const READS_BETWEEN_JUMPS = 40;

/** Puts the wrong clock in the place of `Date` and of `performance.now`. */
export function shiftClocks({ file, jumps }: ShiftOptions): void {
  const RealDate = Date;
  const realNow = performance.now.bind(performance);
  const handle = openSync(file, 'r');
  const bytes = Buffer.alloc(2 * DIGITS);
  const read = (): ClockError => {
    readSync(handle, bytes, 0, bytes.length, 0);
    const text = bytes.toString('latin1');
    return { wallMs: Number(text.slice(0, DIGITS)), sleptMs: Number(text.slice(DIGITS)) };
  };
  const jump = jumps === null ? () => 0 : jumper(jumps);
  const wallMs = (): number => RealDate.now() + read().wallMs + jump();
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, as) => Reflect.construct(target, given.length === 0 ? [wallMs()] : given, as),
    apply: () => new RealDate(wallMs()).toString(),
    get: (target, name) => (name === 'now' ? wallMs : Reflect.get(target, name)),
  });
  performance.now = () => realNow() - read().sleptMs;
}

function jumper({ seed, betweenMs }: { readonly seed: number; readonly betweenMs: readonly number[] }): () => number {
  let state = seed;
  let reads = 0;
  return () => {
    // Park and Miller's generator: any sequence that a seed repeats will do.
    if (reads % READS_BETWEEN_JUMPS === 0) state = (state * 48_271) % 2_147_483_647;
    reads += 1;
    return betweenMs[state % betweenMs.length] ?? 0;
  };
}
