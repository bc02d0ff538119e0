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
    'crash/first-start-kills',
    'fault-matrix/blnk',
    'db/embedded-postgres',
    'crash/crash',
    'project/package',
    'fault-matrix/stripe',
  ],
  ...['security/canaries', 'rebuild/rebuild', 'repair/command', 'history/first-start'],
  ...['clock/ahead', 'clock/lies', 'upgrade/data'],
  ...[
    'upgrade/live',
    'queue/lies',
    'db/connection-fail-over',
    'security/tls',
    'process/interruptions',
    'process/outages',
    'db/connection-settings',
    'collect/history',
    'history/random',
  ],
  ...[
    'history/queue',
    'collect/fallback',
    'repair/totals',
    'repair/forms',
    'process/beside-other-code',
    'cli/prove-process',
    'process/start',
  ],
  ...['db/transactions', 'security/read-only', 'post/kills', 'collect/dry-run', 'collect/sweep', 'repair/interrupted'],
  ...[
    'collect/first-start',
    'repair/random',
    'process/other-ledger',
    'process/ledger-identity',
    'operations/mirror-move',
    'security/roles',
    'post/random',
    'prove/day',
    'accounts/identities',
    'accounts/process',
  ],
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
