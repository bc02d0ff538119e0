/** What is said of a Redis that cannot be used or reached, without one. */
import { expect, it } from 'vitest';
import { describeQueueFault } from '../../src/core/queue/queue-fault.js';
import { redisFault } from '../../src/queue/redis-faults.js';

const NO_HOST = Object.assign(new Error('getaddrinfo ENOTFOUND cache'), { code: 'ENOTFOUND' });

it('a host that is not known may be one that is not there yet: it is waited for, and the variable is named', () => {
  expect(redisFault(NO_HOST, 'redis://:secret@cache:6379/0')).toMatchObject({
    ...{ kind: 'transient', code: 'queue_unreachable' },
    message: 'Redis does not answer at redis://cache:6379/0. There is no such host now; check the host in REDIS_URL',
  });
});

it('a port that answers nothing to TLS is reported as that', () => {
  expect(redisFault(new Error('connect ETIMEDOUT'), 'rediss://cache:6379').message).toBe(
    'Redis does not answer at rediss://cache:6379. Check that it runs, that REDIS_URL is right, and that this port speaks ' +
      'TLS, as rediss:// asks; without TLS it is redis://',
  );
});

it('the words of a server are quoted without their full stop', () => {
  const fault = { kind: 'unreachable', queue: null, detail: 'Connection is closed.' } as const;
  expect(describeQueueFault(fault)).toBe(
    'The queue does not answer: Connection is closed. Check the server that keeps it',
  );
});
