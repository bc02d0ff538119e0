/** Whether the worker can listen for pages, API and metrics, and what comes of Stripe's webhook. */
import { type Check, type Finding, faulty, fine, found, ofAnswer, skipped } from './finding.js';

export const portCheck: Check = {
  part: 'http',
  judge({ port }) {
    // Without pages a worker does all of its work.
    if (port.kind === 'fault') return [faulty(port.fault, 'warn')];
    return ofAnswer(
      port,
      {
        who: 'The network of this machine',
        code: 'http_not_listening',
        check: 'Check HTTP_HOST, or set HTTP_PORT to off',
      },
      (facts) => {
        const place = `${facts.host}:${facts.port}`;
        if (facts.state === 'free') return [fine(`${place} is free`)];
        if (facts.state === 'own') return [fine(`${place} is served by this software already`)];
        const holder = facts.holder === null ? 'something that does not say what it is' : facts.holder;
        const taken: Finding = {
          ...{ state: 'warn', code: 'http_port_taken' },
          text: `Port ${facts.port} of ${facts.host} (HTTP_PORT) is taken by ${holder}: a worker works on without pages, API and metrics, and serve does not start`,
          do: 'Set HTTP_PORT to a free port, or to off',
        };
        return [taken];
      },
    );
  },
};

export const webhookCheck: Check = {
  part: 'webhook',
  judge({ webhook }) {
    if (webhook === null) return [skipped('its variables are not known yet')];
    const { secrets, isServed } = webhook;
    if (secrets === 0) return [fine('none: payments are found by polling, once per interval')];
    if (isServed)
      return [
        fine(
          `${secrets === 1 ? 'a secret is' : `${secrets} secrets are`} set: Stripe wakes the worker at /webhooks/stripe`,
        ),
      ];
    return [
      found(
        'webhook_not_heard',
        'STRIPE_WEBHOOK_SECRET is set and HTTP_PORT is off, so webhooks are not received; payments are found by polling',
        'Set HTTP_PORT to a port, or leave STRIPE_WEBHOOK_SECRET out',
      ),
    ];
  },
};
