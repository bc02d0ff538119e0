/**
 * The cells in which Stripe is asked for a start, for a proof, or because the key changed. What is said under the fault is
 * the truth, or an error; and without the fault it is the truth again.
 */
import type { Vendors } from '../../src/app/vendors.js';
import { readMirror } from '../../src/db/mirror/mirror-store.js';
import { refuseOtherMirror } from '../../src/worker/claim-mirror.js';
import { openHttpProxy } from '../support/http-proxy.js';
import { certificateOf, DAMAGED_DAY } from '../support/stages/proof.js';
import type { SoundStage } from './blnk-reading.js';
import type { Cell } from './cell.js';
import { outcomeOf, type StripeCell } from './stripe-collecting.js';
import { connectStripe } from './stripe-connection.js';

type Ask = (world: SoundStage, vendors: Vendors) => Promise<string>;

export async function askUnder(world: SoundStage, { fault, column, ways }: StripeCell): Promise<Cell> {
  const { stage } = world;
  const { sandbox } = stage;
  const proxy = await openHttpProxy(sandbox.url);
  const ask = ASKS[column.title];
  if (ask === undefined) throw new Error(`nothing is asked for ${column.title}`);
  const open = (url: string) => {
    const keys = column.during === 'key change' ? ['sk_test_withdrawn'] : [];
    const readKey = async () => keys.shift() ?? sandbox.apiKey;
    const { vendors } = connectStripe(stage, { url, limitMs: fault.limitMs, readKey });
    vendors.expectAccount(sandbox.account);
    return vendors;
  };
  const vendors = open(await ways.urlOf(proxy, fault.way ?? 'plain'));
  if (fault.act !== undefined) proxy.intercept(fault.act(column), column.matches);
  let healed: Vendors | null = null;
  try {
    const cell = await outcomeOf(() => ask(world, vendors), { proxy, fault });
    proxy.passEverything();
    await proxy.open();
    healed = fault.act === undefined ? open(proxy.url) : vendors;
    const after = await ask(world, healed);
    if (after !== 'ok' && after !== 'sealed') throw new Error(`without the fault it is ${after}`);
    return cell;
  } finally {
    await vendors.close();
    if (healed !== vendors) await healed?.close();
    await ways.closeOf(proxy);
    await proxy.close();
  }
}

const ASKS: Readonly<Record<string, Ask>> = {
  'intents, proof': async ({ stage, sound }, { stripeSide: stripe }) => {
    const said = certificateOf(await stage.prove(DAMAGED_DAY, { ports: { stripe } }), 'USD');
    const isSameStripe = said.stripe.hash === sound.stripe.hash && said.stripe.count === sound.stripe.count;
    if (said.state.startsWith('sealed') && !isSameStripe) throw new Error(`${said.state} over other payments`);
    return said.state.replaceAll('_', ' ');
  },

  'account, start': async ({ stage }, { account }) => {
    const { id, livemode } = await account.readAccount();
    const mirror = await readMirror(stage.db);
    refuseOtherMirror(mirror, { ...mirror, livemode }, { accountId: id });
    return id === null ? 'unnamed' : 'ok';
  },

  'intents `limit=1`, start': async (_world, { account }) => {
    const { missing } = await account.checkPermissions();
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
    return (await account.serverTime()) === null ? 'no time' : 'ok';
  },

  'account, new key': async (_world, { account }) => {
    await account.serverTime();
    return 'ok';
  },
};
