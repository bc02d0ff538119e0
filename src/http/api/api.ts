/** The JSON API under `/api/v1`, with the document that describes it. */
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { type Environment, knownOnly } from '../access.js';
import type { HttpPorts } from '../ports.js';
import { refuse } from '../problem.js';
import { wholeTextOnly } from '../whole-text.js';
import { addChanging } from './changing.js';
import { addDays } from './days.js';
import { addReading } from './reading.js';
import { addRepairs } from './repairs.js';

const BODY_BYTES_MAX = 64 * 1_024;

export function createApi(ports: HttpPorts): OpenAPIHono<Environment> {
  const api = new OpenAPIHono<Environment>();
  api.use('/v1/*', knownOnly);
  const limited = bodyLimit({
    maxSize: BODY_BYTES_MAX,
    onError: () => {
      throw refuse(413, 'http_body_too_large', `The body is larger than ${BODY_BYTES_MAX} bytes`);
    },
  });
  // Other methods have no body that anything reads.
  api.use('/v1/*', (c, next) => (c.req.method === 'POST' ? limited(c, next) : next()));
  api.use('/v1/*', wholeTextOnly);
  const v1 = new OpenAPIHono<Environment>();
  addReading(v1, ports);
  addDays(v1, ports);
  addRepairs(v1, ports);
  addChanging(v1, ports);
  api.route('/v1', v1);
  api.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  api.get('/openapi.json', (c) => {
    return c.json(
      api.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'stripe-blnk-sync',
          version: ports.version,
          description: 'What the mirror knows, and what may be asked of it',
        },
        servers: [{ url: '/api' }],
      }),
    );
  });
  return api;
}
