/** The API as docs/api.md has it: every path, what it takes and answers, out of its own OpenAPI document. */
import { z } from 'zod';
import { createApi } from '../../src/http/api/api.js';
import type { HttpPorts } from '../../src/http/ports.js';

const schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  format: z.string().optional(),
  description: z.string().optional(),
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  required: z.array(z.string()).optional(),
  get items() {
    return schema.optional();
  },
  get anyOf() {
    return z.array(schema).optional();
  },
  enum: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
});
type Schema = z.infer<typeof schema>;

const content = z.record(z.string(), z.object({ schema }));
const operation = z.object({
  summary: z.string(),
  parameters: z
    .array(z.object({ name: z.string(), in: z.string(), required: z.boolean().optional(), schema }))
    .optional(),
  requestBody: z.object({ content }).optional(),
  responses: z.record(z.string(), z.object({ content: content.optional() })),
});
const description = z.object({
  paths: z.record(z.string(), z.record(z.string(), operation)),
  components: z.object({ schemas: z.record(z.string(), schema) }),
});
type Operation = z.infer<typeof operation>;

export async function apiReference(): Promise<string> {
  // Only described, never asked.
  const api = createApi({ version: '' } as HttpPorts);
  const answer = await (await api.request('/openapi.json')).json();
  const { paths, components } = description.parse(answer);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => operationText(`${method.toUpperCase()} /api${path}`, one)),
  );
  const shapes = Object.entries(components.schemas).map(([name, one]) => `### ${name}\n\n${fieldTable(one)}`);
  return ['## Requests', ...operations, '## Shapes', ...shapes].join('\n\n');
}

function operationText(title: string, { summary, parameters = [], requestBody, responses }: Operation): string {
  const rows = parameters.map(
    (one) => `| \`${one.name}\`${one.in === 'path' ? ' (in the path)' : ''} | ${valueText(one.schema)} |`,
  );
  const body = jsonOf(requestBody?.content);
  const [[status, answer] = ['200', {}]] = Object.entries(responses);
  return [
    `### ${title}`,
    `${summary}.`,
    ...(rows.length === 0 ? [] : [['| parameter | what |', '|---|---|', ...rows].join('\n')]),
    ...(body === null ? [] : [`Body: ${shapeText(body)}.`]),
    `Answers ${status}: ${shapeText(jsonOf(answer.content) ?? {})}.`,
  ].join('\n\n');
}

function jsonOf(parts: z.infer<typeof content> | undefined): Schema | null {
  return parts?.['application/json']?.schema ?? null;
}

function fieldTable({ properties = {}, required = [] }: Schema): string {
  const rows = Object.entries(properties).map(([name, one]) => {
    return `| \`${name}\`${required.includes(name) ? '' : ', may be absent'} | ${valueText(one)} |`;
  });
  return ['| field | what |', '|---|---|', ...rows].join('\n');
}

/** In a line: the fields of an object, one or another shape. */
function shapeText(one: Schema): string {
  if (one.anyOf !== undefined) return one.anyOf.map(shapeText).join(', or ');
  if (one.properties === undefined || Object.keys(one.properties).length === 0) return valueText(one);
  const fields = Object.entries(one.properties).map(([name, inner]) => {
    return `\`${name}\`${one.required?.includes(name) ? '' : ' (may be absent)'}: ${valueText(inner)}`;
  });
  return `an object with ${fields.join('; ')}`;
}

function valueText(one: Schema): string {
  const described =
    one.description === undefined ? '' : `, ${one.description.charAt(0).toLowerCase()}${one.description.slice(1)}`;
  const fallback = one.default === undefined ? '' : `, default \`${String(one.default)}\``;
  return `${typeText(one)}${described}${fallback}`.replaceAll('|', '\\|');
}

function typeText(one: Schema): string {
  const named = one.$ref?.split('/').at(-1);
  if (named !== undefined) return `[${named}](#${named.toLowerCase()})`;
  if (one.anyOf !== undefined) return one.anyOf.map(typeText).join(' or ');
  if (one.enum !== undefined) return one.enum.map((value) => `\`${String(value)}\``).join(', ');
  const types = [one.type ?? 'object'].flat();
  const [type = 'object'] = types.filter((name) => name !== 'null');
  const orNull = types.includes('null') ? ' or null' : '';
  if (type === 'array') return `list of ${typeText(one.items ?? {})}${orNull}`;
  if (type === 'object' && one.properties !== undefined && Object.keys(one.properties).length > 0)
    return shapeText(one);
  return `${one.format ?? type}${orNull}`;
}
