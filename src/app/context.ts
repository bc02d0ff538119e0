/**
 * Composition: what everything in a process that sends requests to Stripe and Blnk is made of, be it a worker or a command. The
 * functions beside this one that join a part of the work (collecting, posting, proving) take it and nothing else of the process.
 */
import type { WorkerConfig } from '../config/config.js';
import type { Database } from '../db/connection/open.js';
import { createTally, type Tally } from '../observability/tally.js';
import { packageVersion } from '../package-root.js';
import { POSTING } from '../post/posting-sizes.js';
import { type Overrides, type Surroundings, surroundingsOf } from './overrides.js';
import { createVendors, type VendorOptions, type Vendors } from './vendors.js';

export interface Context extends Surroundings, Pick<VendorOptions, 'events' | 'timings' | 'flows'> {
  readonly config: WorkerConfig;
  readonly database: Database;
  readonly vendors: Vendors;
  /** Of this software: kept with what it stores. */
  readonly version: string;
  readonly tally: Tally;
  readonly sizes: typeof POSTING;
}

export interface ContextParts extends Omit<VendorOptions, 'database' | 'overrides'> {
  readonly database: Database;
}

/** Opens no connection yet. The vendors are to be closed by whoever asked for it. */
export function createContext(config: WorkerConfig, parts: ContextParts, overrides: Overrides = {}): Context {
  const { database, events, timings, flows } = parts;
  const surroundings = surroundingsOf(overrides);
  return {
    ...{ config, database, events, timings, ...surroundings },
    ...(flows === undefined ? {} : { flows }),
    vendors: createVendors(config, { ...parts, overrides }),
    version: packageVersion(),
    tally: createTally(events, surroundings.clock.monotonicMs),
    sizes: { ...POSTING, ...overrides.posting },
  };
}
