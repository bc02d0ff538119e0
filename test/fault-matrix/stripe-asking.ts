/**
 * The cells in which Stripe is asked for a start, for a proof, or because the key changed. What is said under the fault is
 * the truth, or an error; and without the fault it is the truth again.
 */

import { readMirror } from '../../src/db/mirror/mirror-store.js';
import { createStripeAccountReader } from '../../src/stripe/account.js';
import type { StripeClient } from '../../src/stripe/client.js';
import { createPaymentFeeds } from '../../src/stripe/feeds.js';
import { createStripeSide } from '../../src/stripe/listing.js';
import { refuseOtherMirror } from '../../src/worker/claim-mirror.js';
import { certificateOf, DAMAGED_DAY } from '../support/stages/proof.js';
import type { SoundStage } from './blnk-reading.js';
import type { Cell } from './cell.js';
import { openDoor } from './door.js';
import { outcomeOf, type StripeCell } from './stripe-collecting.js';
import { connectStripe } from './stripe-connection.js';

type Ask = (world: SoundStage, client: StripeClient) => Promise<string>;

export async function askUnder(world: SoundStage, { fault, column, ways }: StripeCell): Promise<Cell> {
  const { sandbox } = world.stage;
  const door = await openDoor(sandbox.url);
  const ask = ASKS[column.title];
  if (ask === undefined) throw new Error(`nothing is asked for ${column.title}`);
  const open = (url: string) => {
    const keys = column.during === 'key change' ? ['sk_test_withdrawn'] : [];
    const readKey = async () => keys.shift() ?? sandbox.apiKey;
    const client = connectStripe(sandbox, { url, limitMs: fault.limitMs, readKey });
    client.expectAccount(sandbox.account);
    return client;
  };
  const client = open(await ways.urlOf(door, fault.way ?? 'plain'));
  if (fault.act !== undefined) door.strike(column.matches, fault.act(column));
  let healed: StripeClient | null = null;
  try {
    const cell = await outcomeOf(() => ask(world, client), { door, fault });
    door.heal();
    await door.open();
    healed = fault.act === undefined ? open(door.url) : client;
    const after = await ask(world, healed);
    if (after !== 'ok' && after !== 'sealed') throw new Error(`without the fault it is ${after}`);
    return cell;
  } finally {
    client.close();
    healed?.close();
    await ways.closeOf(door);
    await door.close();
  }
}

const ASKS: Readonly<Record<string, Ask>> = {
  'intents, proof': async ({ stage, sound }, client) => {
    const stripe = createStripeSide({ feeds: createPaymentFeeds({ client }) });
    const said = certificateOf(await stage.prove(DAMAGED_DAY, { ports: { stripe } }), 'USD');
    const isSameStripe = said.stripe.hash === sound.stripe.hash && said.stripe.count === sound.stripe.count;
    if (said.state.startsWith('sealed') && !isSameStripe) throw new Error(`${said.state} over other payments`);
    return said.state.replaceAll('_', ' ');
  },

  'account, start': async ({ stage }, client) => {
    const { id, livemode } = await createStripeAccountReader({ client }).readAccount();
    const mirror = await readMirror(stage.db);
    refuseOtherMirror(mirror, { ...mirror, livemode }, { accountId: id });
    return id === null ? 'unnamed' : 'ok';
  },

  'intents `limit=1`, start': async (_world, client) => {
    const account = createStripeAccountReader({ client });
    const { missing } = await account.checkPermissions();
    if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
    return (await account.serverTime()) === null ? 'no time' : 'ok';
  },

  'account, new key': async (_world, client) => {
    await createStripeAccountReader({ client }).serverTime();
    return 'ok';
  },
};
