// Reads one transaction of a post: types first (anything wrong there is one opaque "Invalid input"), then Core's rules.
// Fields that are absent or null count as empty. It decides nothing about balances or references.

import { randomUUID } from 'node:crypto';
import { NumberLiteral, withoutLiterals } from './exact-body.js';
import { parseRfc3339 } from './rfc3339.js';
import type { Metadata } from './transaction-row.js';

export interface PostRequest {
  preciseAmount: bigint | undefined;
  amount: number;
  precision: number;
  overdraftLimit: number;
  allowOverdraft: boolean;
  skipQueue: boolean;
  inflight: boolean;
  hasSplit: boolean;
  source: string;
  destination: string;
  reference: string;
  description: string;
  currency: string;
  /** As sent: Core's answer repeats it so, and stores UTC. */
  effectiveDate: string | undefined;
  effectiveMicros: number | undefined;
  scheduledFor: string;
  metadata: Metadata;
}

type Fields = Record<string, unknown>;

/** The request, or a word on what has the wrong type. */
export function readPostRequest(value: unknown): PostRequest | string {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return 'json: cannot unmarshal into Go value of type model.RecordTransaction';
  }
  const fields = value as Fields;
  const wrong =
    wrongType(fields, 'string', [
      'source',
      'destination',
      'reference',
      'description',
      'currency',
      'balance_id',
      'scheduled_for',
    ]) ??
    wrongType(fields, 'number', ['amount', 'precision', 'overdraft_limit']) ??
    wrongType(fields, 'boolean', ['allow_overdraft', 'skip_queue', 'inflight', 'atomic']);
  if (wrong !== undefined) {
    return wrong;
  }
  const preciseAmount = readAmount(fields.precise_amount);
  const metadata = readMetadata(fields.meta_data);
  const effective = readEffectiveDate(fields.effective_date);
  if (preciseAmount === 'wrong' || metadata === undefined || effective === 'wrong') {
    return preciseAmount === 'wrong'
      ? `math/big: cannot unmarshal ${JSON.stringify(JSON.stringify(fields.precise_amount))} into a *big.Int`
      : 'json: cannot unmarshal into Go struct field RecordTransaction';
  }
  return {
    preciseAmount,
    amount: asNumber(fields.amount),
    precision: asNumber(fields.precision),
    overdraftLimit: asNumber(fields.overdraft_limit),
    allowOverdraft: fields.allow_overdraft === true,
    skipQueue: fields.skip_queue === true,
    inflight: fields.inflight === true,
    hasSplit: isFilledList(fields.sources) || isFilledList(fields.destinations),
    source: asText(fields.source),
    destination: asText(fields.destination),
    reference: asText(fields.reference),
    description: asText(fields.description),
    currency: asText(fields.currency),
    effectiveDate: effective?.text,
    effectiveMicros: effective?.micros,
    scheduledFor: asText(fields.scheduled_for),
    metadata,
  };
}

/** What the Cloud's proxy fills in before Core sees a transaction. */
export function fillAsCloud(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return value;
  }
  const fields = value as Fields;
  const filled: Fields = { ...fields };
  filled.precision ??= 100;
  if (filled.reference === undefined || filled.reference === null || filled.reference === '') {
    filled.reference = `ref_${randomUUID()}`;
  }
  return filled;
}

/** The broken rules in one text, fields in alphabetical order; undefined when all hold. */
export function brokenRules(request: PostRequest): string | undefined {
  const broken: string[] = [];
  if (request.preciseAmount === undefined && request.amount === 0) {
    broken.push('amount: either amount or precise_amount is required');
  } else if (request.preciseAmount !== undefined && request.amount !== 0) {
    broken.push('amount: either amount or precise_amount should be provided, not both');
  }
  if (request.currency === '') {
    broken.push('currency: cannot be blank');
  }
  if (request.description === '') {
    broken.push('description: cannot be blank');
  }
  if (request.destination === '' && !request.hasSplit) {
    broken.push('destination: either destination or destinations is required, not both');
  }
  if (!Number.isInteger(request.precision)) {
    broken.push('precision: precision must be an integer value');
  }
  if (request.reference === '') {
    broken.push('reference: cannot be blank');
  }
  if (request.scheduledFor !== '' && parseRfc3339(request.scheduledFor) === undefined) {
    broken.push(
      "scheduled_for: please format the scheduled date as 'YYYY-MM-DDTHH:MM:SS+00:00' (e.g., 2024-04-22T15:28:03+00:00)",
    );
  }
  if (request.source === '' && !request.hasSplit) {
    broken.push('source: either source or sources is required, not both');
  }
  return broken.length === 0 ? undefined : `${broken.join('; ')}.`;
}

/** The amount in minor units; `amount` is scaled by the precision, in decimal. */
export function minorUnits(request: PostRequest): bigint {
  return request.preciseAmount ?? scaleToMinor(request.amount, request.precision || 1);
}

/** A decimal number times a precision, rounded half up to a whole number. */
export function scaleToMinor(amount: number, precision: number): bigint {
  return BigInt(Math.round(Number((amount * precision).toPrecision(15))));
}

function wrongType(fields: Fields, type: 'string' | 'number' | 'boolean', names: string[]): string | undefined {
  const wrong = names.find(
    (name) => fields[name] !== undefined && fields[name] !== null && typeof fields[name] !== type,
  );
  return (
    wrong &&
    `json: cannot unmarshal ${typeof fields[wrong]} into Go struct field RecordTransaction.${wrong} of type ${type}`
  );
}

function readAmount(value: unknown): bigint | undefined | 'wrong' {
  if (value === undefined || value === null) {
    return undefined;
  }
  if (value instanceof NumberLiteral) {
    return /^-?\d+$/.test(value.text) ? BigInt(value.text) : 'wrong';
  }
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : 'wrong';
}

function readMetadata(value: unknown): Metadata | undefined {
  if (value === undefined || value === null) {
    return {};
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    return undefined;
  }
  return withoutLiterals(value) as Metadata;
}

function readEffectiveDate(value: unknown): { text: string; micros: number } | undefined | 'wrong' {
  if (value === undefined || value === null) {
    return undefined;
  }
  const micros = typeof value === 'string' ? parseRfc3339(value) : undefined;
  return typeof value === 'string' && micros !== undefined ? { text: value, micros } : 'wrong';
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function asNumber(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function isFilledList(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
