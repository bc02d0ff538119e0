/**
 * The order of the test files: those that are known to take longest come first, so that none of them is begun when the
 * others are done and runs alone to the end. The rest stays as vitest has it. A name that is missing here costs time only.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** By how long they take, the longest first. */
const SLOWEST = [
  // Not next to each other: what takes more connections than others of a server that has a hundred.
  ...[
    'process/job',
    'http/pages',
    'crash/first-start-kills',
    'process/outages',
    'fault-matrix/blnk',
    'db/embedded-postgres',
  ],
  ...['project/package', 'crash/crash', 'clock/lies', 'process/ledger-identity', 'queue/lies', 'process/interruptions'],
  ...[
    'upgrade/data',
    'process/source-shards',
    'rebuild/rebuild',
    'history/first-start',
    'db/connection-settings',
    'fault-matrix/stripe',
  ],
  ...['security/canaries', 'db/own-schema', 'repair/command', 'upgrade/locks', 'history/random', 'security/roles'],
  ...[
    'collect/history',
    'queue/redis',
    'cli/prove-process',
    'process/start',
    'db/connection-checks',
    'accounts/process',
  ],
  ...[
    'operations/accept-process',
    'history/queue',
    'queue/conformance',
    'security/tls',
    'clock/ahead',
    'process/doctor',
  ],
  ...['project/architecture', 'collect/fallback', 'repair/damage', 'post/doubt', 'repair/interrupted', 'post/faults'],
  ...['post/kills', 'cli/init', 'operations/mirror-move', 'process/stuck-told', 'collect/sweep', 'collect/dry-run'],
  ...['http/api', 'process/events', 'process/verdict'],
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification) => {
      const index = SLOWEST.indexOf(nameOf(moduleId));
      return index === -1 ? SLOWEST.length : index;
    };
    return sorted.sort((one, other) => place(one) - place(other));
  }
}

/** `post/doubt` of `…/test/post/doubt.test.ts`. */
function nameOf(path: string): string {
  return path.replace(/^.*\/test\//, '').replace(/\.test\.ts$/, '');
}
