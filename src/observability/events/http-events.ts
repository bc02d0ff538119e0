/** The HTTP server: that it listens or cannot, who shows wrong tokens, and faults that nobody expected. */
import { define, ERROR, NOTHING } from './define.js';

export const HTTP_EVENTS = {
  httpListening: define<{ readonly address: string; readonly needsToken: boolean }>({
    level: 'info',
    fields: { address: 'where pages, API, health and metrics are', needsToken: 'whether a token has to be shown' },
    sentence: ({ address, needsToken }) =>
      `pages and API at ${address}${needsToken ? '' : ', for this machine, without a token'}`,
    meaning: 'The HTTP server listens.',
    whatToDo: NOTHING,
  }),
  httpNotListening: define<{ readonly code: string; readonly error: string }>({
    level: 'warn',
    fields: { code: '`http_port_taken` or `http_not_listening`, see the runbook', error: ERROR },
    sentence: ({ code, error }) => `no pages and no API from this process: ${code}: ${error}`,
    meaning: 'The HTTP server cannot listen; payments go on without it.',
    whatToDo: 'set `HTTP_PORT` to a free port or to `off`, then start the worker again',
  }),
  httpWrongToken: define<{ readonly address: string }>({
    level: 'warn',
    isCounted: true,
    fields: { address: 'who showed it' },
    sentence: ({ address }) => `a wrong token was shown from ${address}; further ones have to wait`,
    meaning: 'Somebody showed a token that is neither `ADMIN_TOKEN` nor `VIEWER_TOKEN`.',
    whatToDo: 'nothing when it was you; else keep strangers away from the port',
  }),
  webhookRefused: define<{ readonly count: number }>({
    level: 'warn',
    fields: { count: 'how many, since it was said last' },
    sentence: ({ count }) =>
      `${count} ${count === 1 ? 'webhook was' : 'webhooks were'} refused: not signed with STRIPE_WEBHOOK_SECRET, or more than five minutes ago`,
    meaning:
      'Somebody sent webhooks without a signature of ours. At once for the first one, then at most once a minute.',
    whatToDo:
      'when they are of Stripe, set `STRIPE_WEBHOOK_SECRET` to the signing secret of that endpoint and keep the clock set; new payments are fetched every `SYNC_EVERY` meanwhile. Else nothing',
  }),
  httpFault: define<{ readonly path: string; readonly error: string }>({
    level: 'error',
    isCounted: true,
    fields: { path: 'what was asked for', error: ERROR },
    sentence: ({ path, error }) => `${path} could not be answered: ${error}`,
    meaning: 'A request failed at something that is no fault of the request.',
    whatToDo: 'nothing while PostgreSQL is away; else tell the makers of this software',
  }),
};
