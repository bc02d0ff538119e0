/**
 * What a test hands the composition in place of production's: time, chance, how the vendors are asked, and one function that
 * every port passes through. Production hands in nothing; whatever is not named here is joined alike for both.
 */
import type { LedgerOptions } from '../blnk/ledger.js';
import type { Clock, Random } from '../core/base/clock.js';
import type { POSTING } from '../post/posting-sizes.js';
import type { StripeClientOptions } from '../stripe/client.js';
import type { Ports } from './decorated-ports.js';
import { systemClock } from './system-clock.js';
import { tracedPort } from './traced-ports.js';

/** Answers the port that is used instead: the same one, or one around it. Asked once for each port that is made. */
export type Decorate = <Name extends keyof Ports>(name: Name, port: Ports[Name]) => Ports[Name];

export interface Overrides {
  readonly clock?: Clock;
  /** This machine's wall clock. */
  readonly machineNow?: () => Date;
  readonly random?: Random;
  /** How Stripe is asked. */
  readonly stripe?: Partial<
    Pick<StripeClientOptions, 'answerBytesMax' | 'limiter' | 'requestTimeoutMs' | 'retries' | 'time'>
  >;
  /** How Blnk is asked. */
  readonly blnk?: Partial<
    Pick<
      LedgerOptions,
      'lookUpAttemptsMax' | 'lookUpFirstWaitMs' | 'lookUpTimeoutMs' | 'postTimeoutMs' | 'responseBytesMax'
    >
  >;
  /** In what sizes postings are sent to it. */
  readonly posting?: Partial<typeof POSTING>;
  readonly decorate?: Decorate;
  /** Room on the disk of a folder, as `doctor` sees it. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** Time and chance, as everything in a process has them. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  machineNow(): Date;
  readonly decorate: Decorate;
}

export function surroundingsOf({ clock, random, machineNow, decorate }: Overrides): Surroundings {
  return {
    clock: clock ?? systemClock,
    random: random ?? Math.random,
    machineNow: machineNow ?? (() => new Date()),
    decorate: (name, port) => {
      const traced = tracedPort(name, port);
      return decorate?.(name, traced) ?? traced;
    },
  };
}
