import type { RealCoreAddress } from './real-core.js';

/** What `npm run test:crash` asks one of its processes for. */
export interface CrashRequest {
  readonly seeds: readonly number[];
  /** Which of the processes this is, for a person. */
  readonly part: string;
  /** The file that all of them write their rounds to. */
  readonly journal: string;
  readonly core: RealCoreAddress | null;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly crash?: CrashRequest;
  }
}
