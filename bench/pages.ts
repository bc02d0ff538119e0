/**
 * How long each page and each list of the API takes on a mirror as years leave it, while payments are stored beside: fills a database of its own, and asks one
 * page after the other as a person does.
 *
 *   node --import tsx bench/pages.ts --database-url postgres://… --postings 1000000 --runs 100000
 */
import { apiOf, pagesOf, timePages, writeBeside } from '../test/support/pages-at-work.js';
import { startHttp } from '../test/support/stages/http.js';
import { openLargeMirror, readLargeMirrorOptions } from './program/large-mirror-home.js';

const options = readLargeMirrorOptions();
const home = await openLargeMirror(options);
const shown = await home.openAnother();
const http = await startHttp(shown);
const writer = writeBeside(home.database.db);
const addresses = [...pagesOf(options.size), ...apiOf(options.size)];
for (const { address, p50Ms, p99Ms, bytes } of await timePages(http.url, addresses, options.asked)) {
  const [p50, p99] = [p50Ms, p99Ms].map((ms) => ms.toFixed(1).padStart(7));
  console.log(`${address.padEnd(48)} p50 ${p50} ms   p99 ${p99} ms   ${bytes} bytes`);
}
await writer.stop();
await http.close();
await shown.close();
await home.close(options.keep);
