/** Histories for tests of wrong clocks: a database for the suite, a history for each test, and minutes in which all work. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type HistoryDatabase, openHistoryDatabase } from '../history/database.js';
import { MINUTE, SECOND } from '../history/time.js';
import { History } from '../history/world.js';
import { homes } from '../homes.js';

export interface ClockHistories {
  readonly database: HistoryDatabase;
  readonly history: History;
  open(workers?: number): Promise<History>;
  setDatabaseOff(ms: number): Promise<void>;
  pay(count: number): void;
  /** A minute passes, so many payments succeed, and a worker works. */
  minute(of?: { readonly worker?: number; readonly payments?: number }): Promise<void>;
}

/** Within `describe` or at the top of a file. */
export function clockHistories(seed: number): ClockHistories {
  const all = homes();
  const home = all.find(({ name }) => name === 'postgres') ?? all[0];
  let database: HistoryDatabase | undefined;
  let history: History | undefined;
  const within = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('it is there within tests, once it is opened');
    return value;
  };
  beforeAll(async () => {
    database = await openHistoryDatabase(within(home));
  });
  afterAll(() => database?.remove());
  afterEach(async () => {
    await history?.close();
    history = undefined;
  });
  const pay = (count: number): void => {
    for (let n = 0; n < count; n += 1) {
      within(history).stripe.createIntent({ kind: 'card_usd', moves: [{ move: 'succeed' }] });
    }
  };
  return {
    get database() {
      return within(database);
    },
    get history() {
      return within(history);
    },
    async open(workers = 1) {
      history = await History.open(within(database), { style: 'cloud', workers, eventsLateByMs: 0, seed });
      return history;
    },
    async setDatabaseOff(ms) {
      within(history).databaseOffMs = ms;
      await within(history).alignDatabase();
    },
    pay,
    async minute({ worker = 0, payments = 0 } = {}) {
      const now = within(history);
      await now.advance(MINUTE);
      pay(payments);
      await now.worker(worker).sync();
      // Within each step the database's clock goes on, and it begins anew with the next: what was stored is due a moment later.
      await now.advance(SECOND);
      await now.worker(worker).askForDue();
      await now.worker(worker).takeJobs();
    },
  };
}
