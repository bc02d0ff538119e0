// Reads one transaction of a post: types first (anything wrong there is one opaque "Invalid input"), then Core's rules.
// Fields that are absent or null count as empty. It decides nothing about balances or references.

import { randomUUID } from 'node:crypto';
import { foldKeys, NumberLiteral, withoutLiterals } from './exact-body.js';
import { parseRfc3339 } from './rfc3339.js';
import type { Metadata } from './transaction-row.js';

/** One share of a split: `97%`, an amount in major units, or `left`; or minor units as `precise_distribution`. */
export interface Distribution {
  identifier: string;
  distribution: string;
  preciseDistribution: string;
}

export interface PostRequest {
  preciseAmount: bigint | undefined;
  amount: number;
  precision: number;
  overdraftLimit: number;
  allowOverdraft: boolean;
  skipQueue: boolean;
  inflight: boolean;
  atomic: boolean;
  sources: readonly Distribution[];
  destinations: readonly Distribution[];
  source: string;
  destination: string;
  reference: string;
  description: string;
  currency: string;
  /** As sent: Core's answer repeats it so, and stores UTC. */
  effectiveDate: string | undefined;
  effectiveMicros: number | undefined;
  scheduledFor: string;
  scheduledMicros: number | undefined;
  /** Inflight that ends by itself at a time of its own. */
  endsByItself: boolean;
  metadata: Metadata;
}

type Fields = Record<string, unknown>;

/** The request, or a word on what has the wrong type; null is a request without fields. */
export function readPostRequest(value: unknown): PostRequest | string {
  if (typeof value !== 'object' || Array.isArray(value)) {
    return 'json: cannot unmarshal into Go value of type model.RecordTransaction';
  }
  const fields = foldKeys((value ?? {}) as Fields);
  const wrong =
    wrongType(fields, 'string', [
      'source',
      'destination',
      'reference',
      'description',
      'currency',
      'balance_id',
      'scheduled_for',
      'inflight_expiry_date',
      'inflight_commit_date',
    ]) ??
    wrongType(fields, 'number', ['amount', 'precision', 'overdraft_limit']) ??
    wrongType(fields, 'boolean', ['allow_overdraft', 'skip_queue', 'inflight', 'atomic']);
  if (wrong !== undefined) {
    return wrong;
  }
  const preciseAmount = readAmount(fields.precise_amount);
  const metadata = readMetadata(fields.meta_data);
  const effective = readEffectiveDate(fields.effective_date);
  const sources = readDistributions(fields.sources);
  const destinations = readDistributions(fields.destinations);
  if (preciseAmount === 'wrong' || metadata === undefined || effective === 'wrong' || !sources || !destinations) {
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
    atomic: fields.atomic === true,
    sources,
    destinations,
    source: asText(fields.source),
    destination: asText(fields.destination),
    reference: asText(fields.reference),
    description: asText(fields.description),
    currency: asText(fields.currency),
    effectiveDate: effective?.text,
    effectiveMicros: effective?.micros,
    scheduledFor: asText(fields.scheduled_for),
    scheduledMicros: parseRfc3339(asText(fields.scheduled_for)),
    endsByItself: asText(fields.inflight_expiry_date) !== '' || asText(fields.inflight_commit_date) !== '',
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

/** The broken rules in one text, fields in alphabetical order; undefined when all hold. `newer`: of versions that have more rules. */
export function brokenRules(
  request: PostRequest,
  newer: { readonly amount?: string; readonly destination?: string } = {},
): string | undefined {
  const broken: string[] = [];
  if (request.preciseAmount === undefined && request.amount === 0) {
    broken.push('amount: either amount or precise_amount is required');
  } else if (request.preciseAmount !== undefined && request.amount !== 0) {
    broken.push('amount: either amount or precise_amount should be provided, not both');
  } else if (significantDigits(request.amount) > 15) {
    broken.push(
      'amount: amount has more than 15 significant digits which may cause rounding errors; use precise_amount instead',
    );
  } else if (newer.amount !== undefined) {
    broken.push(newer.amount);
  }
  if (request.currency === '') {
    broken.push('currency: cannot be blank');
  }
  if (request.description === '') {
    broken.push('description: cannot be blank');
  }
  if ((request.destination === '') === (request.destinations.length === 0)) {
    broken.push('destination: either destination or destinations is required, not both');
  }
  if (newer.destination !== undefined) {
    broken.push(newer.destination);
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
  if ((request.source === '') === (request.sources.length === 0)) {
    broken.push('source: either source or sources is required, not both');
  }
  return broken.length === 0 ? undefined : `${broken.join('; ')}.`;
}

/** The amount in minor units; `amount` is scaled by the precision, in decimal. */
export function minorUnits(request: PostRequest): bigint {
  return request.preciseAmount ?? scaleToMinor(request.amount, request.precision || 1);
}

/** As Core counts them: written without an exponent, zeros at the end and a minus sign included. */
function significantDigits(amount: number): number {
  const [mantissa = '', exponent = '0'] = String(amount).split('e');
  const digits = mantissa.replace('.', '').replace(/^0+/, '').length;
  return Number(exponent) > 0 ? Math.max(digits, Number(exponent) + 1) : digits;
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

/** A `precise_amount`: an integer literal and nothing else. */
export function readAmount(value: unknown): bigint | undefined | 'wrong' {
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

function readDistributions(value: unknown): Distribution[] | undefined {
  if (value === undefined || value === null) {
    return [];
  }
  const items = Array.isArray(value) ? value.map((item: unknown) => (item ?? {}) as Fields) : undefined;
  const names = ['identifier', 'distribution', 'precise_distribution', 'transaction_id'];
  return items?.every((item) => isObject(item) && wrongType(item, 'string', names) === undefined)
    ? items.map((item) => ({
        identifier: asText(item.identifier),
        distribution: asText(item.distribution),
        preciseDistribution: asText(item.precise_distribution),
      }))
    : undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
