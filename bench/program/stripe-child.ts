/** The stand-in for Stripe as a process of its own; its options are the first argument as JSON, with seconds for times. */
import { startStripeSandbox } from '../../sandbox/stripe/sandbox.js';
import type { StripeOrder } from './stripe-process.js';

const order = JSON.parse(process.argv[2] ?? '{}') as StripeOrder;
const sandbox = await startStripeSandbox({
  ...{ latencyMs: order.latencyMs, livemode: true, apiKey: 'sk_live_sandbox' },
  ...(order.endpointPerSecond === null ? {} : { limits: { endpointPerSecond: order.endpointPerSecond } }),
  population: {
    size: order.intents,
    from: new Date(order.from * 1_000),
    to: new Date(order.to * 1_000),
    ...(order.newestTenth === null ? {} : { newestTenth: order.newestTenth }),
  },
});
process.on('disconnect', () => process.exit(0));
process.send?.({ url: sandbox.url, apiKey: sandbox.apiKey });
