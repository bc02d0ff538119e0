// What a sandbox can be told at its start.

import type { SandboxClock } from '../clock.js';
import type { CloudScope } from './cloud-access.js';
import type { CoreVersion } from './core-version.js';

export interface BlnkSandboxOptions {
  /** 0, the default: any free port. */
  port?: number;
  host?: string;
  coreKey?: string;
  /** Whose answers are given where versions differ. */
  coreVersion?: CoreVersion;
  cloudToken?: string;
  cloudScopes?: readonly CloudScope[];
  instanceId?: string;
  /** Stamps rows, while lock waits and delays use real time. Default: a clock that runs with the machine's. */
  clock?: SandboxClock;
  /** Every request takes this long before it is handled. */
  latencyMs?: number;
  /** Every posted transaction holds its locks this long (a real Core: about 3.5 ms). */
  itemMs?: number;
  lockWaitMs?: number;
  /** How long locks stay whose client dropped its connection; 0: they do not leak, as since 0.15.3. */
  leakLockMs?: number;
  queuedChildren?: 'soon' | 'held';
  queueDelayMs?: number;
  recoverQueuedAfterMs?: number;
  /** `all` lets every route of Core through /proxy, documented or not. */
  proxyRoutes?: 'documented' | 'all';
  /** The Cloud's rows come without `precise_amount`. */
  cloudOmitsPreciseAmount?: boolean;
  /** The Cloud's filters count roughly, and say so, unless `strict_total=true` asks for the number. */
  cloudEstimatesTotals?: boolean;
  seed?: number;
}

/** The options with nothing left out, besides those whose default is made at the start. */
export type SandboxSettings = Required<Omit<BlnkSandboxOptions, 'clock' | 'cloudScopes' | 'seed'>>;

/** What holds without options. */
export const sandboxDefaults: SandboxSettings = {
  port: 0,
  host: '127.0.0.1',
  coreKey: 'test-master-key',
  coreVersion: '0.15.2',
  cloudToken: 'blnk_test_key',
  instanceId: 'inst_test',
  latencyMs: 0,
  itemMs: 0,
  lockWaitMs: 3_000,
  leakLockMs: 300_000,
  queuedChildren: 'soon',
  queueDelayMs: 5,
  recoverQueuedAfterMs: 2 * 60 * 60 * 1_000,
  proxyRoutes: 'documented',
  cloudOmitsPreciseAmount: false,
  cloudEstimatesTotals: false,
};
