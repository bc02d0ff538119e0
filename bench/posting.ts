/**
 * How fast an outbox is posted, in turns with bare loops of bulks to the same ledger. Prints shares and asserts nothing, because a
 * shared machine's speed is not a property of the code.
 *
 *   npm run bench:posting -- --database-url …                            the stand-in, 40 ms away, 3 ms for each of a balance
 *   npm run bench:posting -- --database-url … --core-url … --core-key …  a Core that runs already
 *   npm run bench:posting -- --all-currencies --rounds 5 --seconds 30 …
 *   npm run bench:posting -- --accounts ledger …                         to balances in a ledger of its own; the loops to names
 *   npm run bench:posting -- --every-customer-new …                      each payment is the first one of its customer
 */
import { parseArgs } from 'node:util';
import { measurePosting, type PostingRound } from './program/measure-posting.js';

const { values } = parseArgs({
  options: {
    pending: { type: 'string', default: '20000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '15' },
    'blnk-latency': { type: 'string', default: '40' },
    'blnk-item': { type: 'string', default: '3' },
    'all-currencies': { type: 'boolean', default: false },
    'core-url': { type: 'string' },
    'core-key': { type: 'string', default: '' },
    'database-url': { type: 'string' },
    'redis-url': { type: 'string' },
    'source-shards': { type: 'string' },
    accounts: { type: 'string', default: 'indicators' },
    'every-customer-new': { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
if (values['database-url'] === undefined) throw new Error('--database-url names an empty database');

const rounds: PostingRound[] = [];
console.log('worker/s   bare/s  looking/s  of bare  of looking  worker µs  PostgreSQL µs  rss MB');
await measurePosting(
  {
    pending: Number(values.pending),
    allCurrencies: values['all-currencies'],
    rounds: Number(values.rounds),
    secondsEach: Number(values.seconds),
    blnkLatencyMs: Number(values['blnk-latency']),
    blnkItemMs: Number(values['blnk-item']),
    core: values['core-url'] === undefined ? null : { url: values['core-url'], key: values['core-key'] },
    databaseUrl: values['database-url'],
    redisUrl: values['redis-url'] ?? null,
    everyCustomerNew: values['every-customer-new'],
    variables: {
      BLNK_ACCOUNTS: values.accounts,
      ...(values['source-shards'] === undefined ? {} : { BLNK_SOURCE_SHARDS: values['source-shards'] }),
    },
    profileTo: values.profile ?? null,
  },
  (round) => {
    rounds.push(round);
    console.log(row(round));
  },
);
const median = (of: (round: PostingRound) => number): number => {
  const sorted = rounds.map(of).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
console.log(
  `median of ${rounds.length}: ${median((one) => one.worker / one.bare).toFixed(2)} of the bare loop, ${median(
    (one) => one.worker / one.looking,
  ).toFixed(2)} of the one that looks`,
);

function row(round: PostingRound): string {
  const { worker, bare, looking, workerMicros, serverMicros, residentMb } = round;
  const cells: Array<[string, number]> = [
    [worker.toFixed(0), 8],
    [bare.toFixed(0), 8],
    [looking.toFixed(0), 10],
    [(worker / bare).toFixed(2), 8],
    [(worker / looking).toFixed(2), 11],
    [String(workerMicros), 10],
    [serverMicros === null ? '–' : String(serverMicros), 14],
    [String(residentMb), 7],
  ];
  return cells.map(([text, width]) => text.padStart(width)).join(' ');
}
