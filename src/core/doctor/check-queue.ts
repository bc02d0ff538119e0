/** Whether the queue's server keeps what it is given: its version, what it drops when it is full, what lives through a restart. */
import { describeQueueFault } from '../queue/queue-fault.js';
import type { QueueFacts } from './facts.js';
import { type Check, type Finding, fine, found, ofAnswer } from './finding.js';

/** BullMQ begins with the first, and recommends the second. */
const VERSION_MIN = [5, 0];
const VERSION_ADVISED = [6, 2];

export const queueCheck: Check = {
  part: 'queue',
  judge: ({ queue }) =>
    ofAnswer(
      queue,
      {
        who: 'Redis',
        code: 'queue_unreachable',
        check: 'Check that it runs, and that REDIS_URL leads to it (a firewall, DNS)',
      },
      (facts) => {
        if (facts.kind === 'database') {
          return [fine(`in the database${facts.isPooled ? '; behind the pooler a job waits up to 5s' : ''}`)];
        }
        const faults = redisFindings(facts);
        return faults.length > 0 ? faults : [fine(redisText(facts))];
      },
    ),
};

type RedisFacts = Extract<QueueFacts, { kind: 'redis' }>;

function redisText({ product, version, policy, isKept, at }: RedisFacts): string {
  const unseen = policy === null || isKept === null ? ' (not all may be asked)' : '';
  const words = [policy, isKept === true ? 'on disk' : null].filter((word) => word !== null);
  return `${[`${product}${version === null ? '' : ` ${version}`}`, ...words, at].join(', ')}${unseen}`;
}

function redisFindings({ product, version, policy, isKept, at }: RedisFacts): Finding[] {
  const findings: Finding[] = [];
  if (version !== null && isOlder(version, VERSION_MIN)) {
    findings.push({
      ...{ state: 'fail', code: 'queue_refused', do: 'Update it, or name another server in REDIS_URL' },
      text: `${product} at ${at} is version ${version}; allowed is ${VERSION_MIN.join('.')} or newer`,
    });
  } else if (version !== null && isOlder(version, VERSION_ADVISED)) {
    findings.push(
      found(
        'queue_server_old',
        `${product} at ${at} is version ${version}; it works, but BullMQ recommends ${VERSION_ADVISED.join('.')} or newer`,
        'Update it when it suits',
      ),
    );
  }
  if (policy !== null && policy !== 'noeviction') {
    const detail = `its maxmemory-policy is ${policy}, and allowed is noeviction`;
    findings.push({
      ...{ state: 'warn', code: 'queue_evicts', text: describeQueueFault({ kind: 'evicts', queue: null, detail }) },
      do: 'redis-cli config set maxmemory-policy noeviction, and the same in redis.conf; of a hosted Redis in its parameter group',
    });
  }
  if (isKept === false) {
    findings.push(
      found(
        'queue_not_kept',
        `${product} at ${at} keeps nothing on disk (no save points, appendonly no): after a restart, requested work starts up to a minute late. No payment is lost`,
        'redis-cli config set appendonly yes, and the same in redis.conf',
      ),
    );
  }
  return findings;
}

function isOlder(version: string, [major = 0, minor = 0]: readonly number[]): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}
