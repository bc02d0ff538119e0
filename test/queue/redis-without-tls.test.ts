/** A Redis without TLS, under an address that asks for TLS: it leaves the greeting unanswered, and is asked in plain text meanwhile. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { createRedisConnection } from '../../src/queue/redis.js';

/** First byte of a TLS record that holds a handshake (RFC 8446, 5.1). */
const HANDSHAKE = 0x16;

it('is told while the greeting is unanswered, not when its time is over, and nothing is logged as tried again', async () => {
  const greeted = new Set<Socket>();
  const unansweredWhenAsked: number[] = [];
  const server = createServer((socket) => {
    socket.on('close', () => greeted.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => {
      if (data[0] === HANDSHAKE) greeted.add(socket);
      else {
        unansweredWhenAsked.push(greeted.size);
        socket.write('+PONG\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const logged: string[] = [];
  const redis = createRedisConnection({
    ...{ url: `rediss://127.0.0.1:${port}`, prefix: 'bull', failFast: false },
    onError: ({ message }) => void logged.push(message),
  });
  onTestFinished(() => redis.close());

  await expect(redis.ready()).rejects.toMatchObject({ code: 'queue_refused', kind: 'fatal' });
  expect(unansweredWhenAsked).toEqual([1]);
  expect(redis.lastFault()?.code).toBe('queue_refused');
  // What the connection that was taken away says comes as an event, before its sockets are gone.
  await expect.poll(() => greeted.size).toBe(0);
  expect(logged).toEqual([]);
});
