/** A `redis-server` of a test's own, with the settings that the test is about. It keeps nothing unless it is told to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { until } from './process/wait.js';

const servers: ChildProcess[] = [];

/** Null where there is no such program. */
export async function startRedis(...settings: string[]): Promise<{ readonly url: string } | null> {
  const port = await freePort();
  const server = spawn(
    'redis-server',
    [
      ...['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', ...settings],
      ...['--dir', '/tmp', '--cluster-config-file', `nodes-${port}.conf`, '--appenddirname', `appended-${port}`],
    ],
    { stdio: 'ignore' },
  );
  const missing = new Promise<null>((resolve) => server.once('error', () => resolve(null)));
  servers.push(server);
  const url = `redis://127.0.0.1:${port}`;
  const answers = until('redis answers', async () => {
    const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, enableReadyCheck: false });
    probe.on('error', () => {});
    try {
      await probe.connect();
      return true;
    } catch (error) {
      return /NOAUTH|closed/.test(String(error)) && server.exitCode === null && settings.includes('--requirepass');
    } finally {
      probe.disconnect();
    }
  }).then(() => ({ url }));
  return Promise.race([missing, answers]);
}

/** All that were started in this file. */
export async function endRedisServers(): Promise<void> {
  for (const server of servers.splice(0)) {
    if (server.exitCode !== null || server.pid === undefined) continue;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  }
}
