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
  get allOf() {
    return z.array(schema).optional();
  },
  get oneOf() {
    return z.array(schema).optional();
  },
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
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
  responses: z.record(z.string(), z.object({ description: z.string(), content: content.optional() })),
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
  // What `default` stands for is told once, before all requests.
  const answers = Object.entries(responses).filter(([status]) => status !== 'default');
  return [
    `### ${title}`,
    `${summary}.`,
    ...(rows.length === 0 ? [] : [['| parameter | what |', '|---|---|', ...rows].join('\n')]),
    ...(body === null ? [] : [`Body: ${shapeText(body)}.`]),
    ...answers.map(([status, answer], at) => answerText(status, { answer, isFirst: at === 0 })),
  ].join('\n\n');
}

interface AnswerToTell {
  readonly answer: Operation['responses'][string];
  readonly isFirst: boolean;
}

function answerText(status: string, { answer, isFirst }: AnswerToTell): string {
  const shape = shapeText(jsonOf(answer.content) ?? {});
  return isFirst ? `Answers ${status}: ${shape}.` : `Or ${status}, ${lowerFirst(answer.description)}: ${shape}.`;
}

/** An abbreviation stays one. */
function lowerFirst(text: string): string {
  if (/^[A-Z]{2}/.test(text)) return text;
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

function jsonOf(parts: z.infer<typeof content> | undefined): Schema | null {
  return parts?.['application/json']?.schema ?? null;
}

function fieldTable(one: Schema): string {
  const { properties, required = [], allOf } = one;
  if (allOf !== undefined) {
    const [base, ...further] = allOf;
    return [`All fields of ${typeText(base ?? {})}, and:`, ...further.map(fieldTable)].join('\n\n');
  }
  if (properties === undefined) return `${valueText(one)}.`;
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
  const described = one.description === undefined ? '' : `, ${lowerFirst(one.description)}`;
  const limits = one.maximum === undefined ? '' : ` of ${one.minimum ?? 0} to ${one.maximum}`;
  const fallback = one.default === undefined ? '' : `, default \`${String(one.default)}\``;
  return `${typeText(one)}${limits}${described}${fallback}`.replaceAll('|', '\\|');
}

function typeText(one: Schema): string {
  const named = one.$ref?.split('/').at(-1);
  if (named !== undefined) return `[${named}](#${named.toLowerCase()})`;
  const parts = one.anyOf ?? one.oneOf ?? one.allOf;
  if (parts !== undefined) return [...new Set(parts.map(typeText))].join(one.allOf === undefined ? ' or ' : ' with ');
  const types = [one.type ?? 'object'].flat();
  const [type] = types.filter((name) => name !== 'null');
  if (type === undefined) return 'null';
  const orNull = types.includes('null') ? ' or null' : '';
  if (one.enum !== undefined) {
    const values = one.enum.filter((value) => value !== null).map((value) => `\`${String(value)}\``);
    return `${values.join(', ')}${orNull}`;
  }
  if (type === 'array') return `list of ${typeText(one.items ?? {})}${orNull}`;
  if (type === 'object' && one.properties !== undefined && Object.keys(one.properties).length > 0)
    return orNull === '' ? shapeText(one) : `null, or ${shapeText(one)}`;
  return `${one.format ?? type}${orNull}`;
}
