/** The stream that open pages follow: its places are given back by whoever leaves, asks for its head alone, or reads nothing. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import type { HttpPorts } from '../../src/http/ports.js';
import { askAsItIs } from '../support/ask-as-it-is.js';
import { createReadsDatabase, type ReadsDatabase } from '../support/reads-database.js';
import { type HttpStage, startHttp } from '../support/stages/http.js';

const PLACES = 300;

let database: ReadsDatabase;
let stage: HttpStage;
beforeAll(async () => {
  database = await createReadsDatabase();
});
afterEach(() => stage.close());
afterAll(() => database.drop());

it('is not opened by those who ask for its head, however many they are', async () => {
  stage = await startHttp(database);
  const address = new URL('/events', stage.url);
  for (let asked = 0; asked <= PLACES; asked += 1) {
    const head = await askAsItIs(address, { method: 'HEAD' });
    expect([head.status, head.headers['content-type']]).toEqual([200, 'text/event-stream']);
  }
  expect((await askAsItIs(address, {})).status).toBe(200);
});

it('ends for those who take nothing of it, and gives their places to others', async () => {
  let changes = 0;
  const changing = (ports: HttpPorts): HttpPorts => ({
    ...ports,
    reads: {
      ...ports.reads,
      lastChange: async () => {
        changes += 1;
        return String(changes);
      },
    },
  });
  stage = await startHttp(database, { decorate: changing });
  // Of another server in this process: no socket takes what nobody reads.
  const app = createApp(stage.ports, { isDraining: () => false });
  const follow = async () => app.fetch(new Request(`${stage.url}/events`, { headers: { host: 'localhost' } }));
  const silent = await Promise.all(Array.from({ length: PLACES }, follow));
  expect(new Set(silent.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await follow()).status).toBe(503);
  await expect.poll(async () => (await follow()).status, { timeout: 20_000, interval: 200 }).toBe(200);
  app.endStreams();
});
