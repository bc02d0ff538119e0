// Reads filters, from a body (POST …/filter) or from query parameters (GET …?reference_in=a,b), and checks them as Core does.
// It does not look at rows.

import { type Answer, badRequest, failureAnswer, jsonAnswer } from './answers.js';
import type { Call } from './call.js';
import { parseBody } from './exact-body.js';

const operators = [
  'eq',
  'ne',
  'gt',
  'gte',
  'lt',
  'lte',
  'in',
  'between',
  'like',
  'ilike',
  'isnull',
  'isnotnull',
] as const;
/** What the Cloud's own routes have besides, for keys of metadata. */
const cloudOperators = ['exists', 'notexists'] as const;
type Operator = (typeof operators)[number] | (typeof cloudOperators)[number];

/** Core's own filters, or the Cloud's, which know a little more. */
export type FilterDialect = 'core' | 'cloud';

export interface FieldFilter {
  field: string;
  operator: Operator;
  value: unknown;
  values: readonly unknown[];
}

export interface FilterRequest {
  filters: FieldFilter[];
  combine: 'and' | 'or';
  limit: number;
  offset: number;
  sortBy: string;
  ascending: boolean;
  includeCount: boolean;
  dialect: FilterDialect;
}

const limitDefault = 20;
const limitMax = 100;
const inValuesMaxInQuery = 100;
const filtersMaxInQuery = 20;
const valueBytesMaxInQuery = 1000;
const metadataKey = /^[a-zA-Z][a-zA-Z0-9_]*$/;
const metadataPath = /^[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)*$/;
/** Core's parameters that are never filters, and the Cloud's. */
const reserved = new Set([
  'page',
  'pagesize',
  'per_page',
  'limit',
  'offset',
  'sort',
  'order',
  'order_by',
  'order_dir',
  'logical_operator',
  'instance_id',
  'org_id',
]);

/** The filters of a request body. */
export function readFilterBody(call: Call, dialect: FilterDialect = 'core'): FilterRequest | Answer {
  const refuse = (message: string): Answer => failureAnswer({ status: 400, code: 'GEN_VALIDATION_ERROR', message });
  const parsed = parseBody(call.text);
  if ('problem' in parsed) {
    return refuse(parsed.problem);
  }
  const body = (parsed.value ?? {}) as Record<string, unknown>;
  const wrong = wrongBodyType(body);
  if (wrong !== undefined) {
    return refuse(`json: cannot unmarshal ${typeof body[wrong]} into Go struct field FilterRequest.${wrong}`);
  }
  const combine =
    String(body.logical_operator ?? 'and')
      .trim()
      .toLowerCase() || 'and';
  if (combine !== 'and' && combine !== 'or') {
    return refuse("invalid logical_operator: must be 'and' or 'or'");
  }
  const limit = Number(body.limit ?? 0);
  return {
    filters: ((body.filters ?? []) as Partial<FieldFilter>[]).map(({ field = '', operator, value, values }) => ({
      field,
      operator: operator as Operator,
      value,
      values: values ?? [],
    })),
    combine,
    limit: limit <= 0 || limit > limitMax ? limitDefault : limit,
    offset: Math.max(0, Number(body.offset ?? 0)),
    sortBy: String(body.sort_by ?? '')
      .trim()
      .toLowerCase(),
    ascending:
      String(body.sort_order ?? '')
        .trim()
        .toLowerCase() === 'asc',
    includeCount: body.include_count === true,
    dialect,
  };
}

/** The filters of query parameters `<field>_<operator>=<value>`; other parameters are no filters. */
export function readFilterQuery(query: URLSearchParams, dialect: FilterDialect = 'core'): FilterRequest | Answer {
  const problems: { Param: string; Message: string }[] = [];
  const filters: FieldFilter[] = [];
  for (const [name, text] of query) {
    const cut = name.lastIndexOf('_');
    const operator = operatorsOf(dialect).find((known) => known === name.slice(cut + 1));
    if (cut <= 0 || operator === undefined || reserved.has(name.toLowerCase())) {
      continue;
    }
    const texts = operator === 'in' ? text.split(',').map((part) => part.trim()) : text.split('|');
    const problem =
      filters.length >= filtersMaxInQuery
        ? `exceeded maximum number of filters (${filtersMaxInQuery})`
        : queryProblem(operator, { text, texts });
    if (problem !== undefined) {
      problems.push({ Param: name, Message: problem });
    } else {
      const values = operator === 'in' || operator === 'between' ? texts.map(queryValue) : [];
      filters.push({ field: name.slice(0, cut), operator, value: queryValue(text), values });
    }
  }
  if (problems.length > 0) {
    const detail = { code: 'GEN_VALIDATION_ERROR', message: 'invalid filter parameters', details: problems };
    return jsonAnswer(400, { errors: problems, error_detail: detail });
  }
  const limit = Number.parseInt(query.get('limit') ?? '', 10);
  const offset = Number.parseInt(query.get('offset') ?? '', 10);
  return {
    filters,
    combine: query.get('logical_operator')?.toLowerCase() === 'or' ? 'or' : 'and',
    limit: limit > 0 ? limit : limitDefault,
    offset: Number.isNaN(offset) ? 0 : Math.max(0, offset),
    sortBy: '',
    ascending: false,
    includeCount: false,
    dialect,
  };
}

function queryProblem(
  operator: Operator,
  { text, texts }: { text: string; texts: readonly string[] },
): string | undefined {
  if (Buffer.byteLength(text) > valueBytesMaxInQuery) {
    return `value exceeds maximum length (${valueBytesMaxInQuery} chars)`;
  }
  if (operator === 'in' && texts.length > inValuesMaxInQuery) {
    return `IN operator exceeds maximum values (${inValuesMaxInQuery})`;
  }
  return operator === 'between' && texts.length !== 2
    ? 'between operator requires exactly 2 pipe-separated values (value1|value2)'
    : undefined;
}

/** Core's check of fields and operators; undefined when all may be used. */
export function refuseFilters(
  { filters, dialect }: Pick<FilterRequest, 'filters' | 'dialect'>,
  table: { name: string; fields: ReadonlySet<string> },
): Answer | undefined {
  const keys = dialect === 'cloud' ? metadataPath : metadataKey;
  for (const { field, operator, values } of filters) {
    const key = field.startsWith('meta_data.') ? field.slice('meta_data.'.length) : undefined;
    const text =
      (operatorsOf(dialect).includes(operator)
        ? undefined
        : `invalid operator '${operator}' for field '${field}': must be one of ${operatorsOf(dialect).join(', ')}`) ??
      (operator === 'in' && values.length === 0
        ? `operator 'in' for field '${field}' requires at least one value in 'values'`
        : undefined) ??
      (operator === 'between' && values.length !== 2
        ? `operator 'between' for field '${field}' requires exactly two values in 'values', got ${values.length}`
        : undefined) ??
      (key !== undefined && !keys.test(key)
        ? `invalid JSON key '${key}' in field '${field}': must match pattern ${keys.source}`
        : undefined) ??
      (key === undefined && !table.fields.has(field)
        ? `invalid field '${field}' for table '${table.name}'`
        : undefined);
    if (text !== undefined) {
      return failureAnswer(badRequest(`Invalid filter: ${text}`));
    }
  }
  return undefined;
}

function operatorsOf(dialect: FilterDialect): readonly Operator[] {
  return dialect === 'cloud' ? [...operators, ...cloudOperators] : operators;
}

function wrongBodyType(body: Record<string, unknown>): string | undefined {
  const types = {
    limit: 'number',
    offset: 'number',
    logical_operator: 'string',
    sort_by: 'string',
    sort_order: 'string',
    include_count: 'boolean',
  };
  const wrong = Object.entries(types).find(
    ([name, type]) => body[name] !== undefined && body[name] !== null && typeof body[name] !== type,
  );
  return wrong?.[0] ?? (body.filters !== undefined && !isFilterList(body.filters) ? 'filters' : undefined);
}

function isFilterList(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((item: unknown) => {
      const filter = item as Record<string, unknown> | null;
      return (
        filter !== null &&
        typeof filter === 'object' &&
        typeof (filter.field ?? '') === 'string' &&
        typeof (filter.operator ?? '') === 'string' &&
        Array.isArray(filter.values ?? [])
      );
    })
  );
}

/** Query text becomes a number or a boolean when it looks like one: Core's "007" is 7. */
function queryValue(text: string): unknown {
  if (text === 'true' || text === 'false') {
    return text === 'true';
  }
  return text.trim() !== '' && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : text;
}
