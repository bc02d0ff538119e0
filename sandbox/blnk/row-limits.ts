// What PostgreSQL below Core cannot store, measured on Core 0.15.2: a NUL in any text, a row whose JSON text is longer than
// 7,962 bytes (a trigger sends each row through pg_notify), and an incompressible reference above 2,704 bytes (its index).

import { constants, deflateRawSync } from 'node:zlib';
import { databaseFailure, type Failure } from './answers.js';
import type { Metadata } from './transaction-row.js';

const rowBytesMax = 7_962;
const rowBytesFixed = 570;
const parentBytes = 41;
const referenceIndexBytesMax = 2_690;

interface RowTexts {
  rowNumber: number;
  reference: string;
  description: string;
  currency: string;
  preciseAmount: bigint;
  precision: number;
  metadata: Metadata;
  inBulk: boolean;
}

/** Why the row cannot be stored, if it cannot. */
export function findRowLimit(row: RowTexts): Failure | undefined {
  const metadataJson = JSON.stringify(row.metadata);
  if (row.description.includes('\u0000')) {
    return databaseFailure('Failed to record transaction', nulInText);
  }
  if (metadataJson.includes('\\u0000') && hasNul(row.metadata)) {
    return databaseFailure('Failed to record transaction', {
      code: '22P05',
      message: 'unsupported Unicode escape sequence',
    });
  }
  // Four bytes a unit is more than any text can need: most rows end here.
  if ((row.reference.length + row.description.length + row.currency.length + metadataJson.length) * 4 < 6_500) {
    return undefined;
  }
  if (row.reference.length > referenceIndexBytesMax / 4 && indexedBytes(row.reference) > referenceIndexBytesMax) {
    return databaseFailure('Failed to record transaction', {
      code: '54000',
      message: 'index row size exceeds btree version 4 maximum 2704 for index "idx_transactions_reference_unique"',
    });
  }
  return rowBytes(row) > rowBytesMax
    ? databaseFailure('Failed to record transaction', { code: '22023', message: 'payload string too long' })
    : undefined;
}

export const nulInText = { code: '22021', message: 'invalid byte sequence for encoding "UTF8": 0x00' };

function rowBytes(row: RowTexts): number {
  const amount = Number(row.preciseAmount) / row.precision;
  return (
    rowBytesFixed +
    [String(row.rowNumber + 1), String(amount), String(row.preciseAmount), String(row.precision)].join('').length +
    textBytes(row.reference) +
    textBytes(row.description) +
    textBytes(row.currency) +
    jsonBytes(row.metadata) +
    (row.inBulk ? parentBytes : 0)
  );
}

/** Bytes of a JSON value as PostgreSQL writes jsonb: a space after each colon and comma. */
function jsonBytes(value: unknown): number {
  if (typeof value === 'string') {
    return textBytes(value) + 2;
  }
  if (value === null || typeof value !== 'object') {
    return String(value).length;
  }
  if (Array.isArray(value)) {
    return 2 + Math.max(0, value.length - 1) * 2 + value.reduce<number>((sum, item) => sum + jsonBytes(item), 0);
  }
  const entries = Object.entries(value);
  const commas = Math.max(0, entries.length - 1) * 2;
  return entries.reduce((sum, [key, child]) => sum + textBytes(key) + 4 + jsonBytes(child), 2 + commas);
}

// JSON.stringify escapes exactly as PostgreSQL does: two bytes for the short escapes, six for other controls.
function textBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

// PostgreSQL's own compression finds repetitions but does not shorten single letters: deflate with fixed codes comes close.
function indexedBytes(reference: string): number {
  return deflateRawSync(reference, { strategy: constants.Z_FIXED }).length;
}

function hasNul(value: unknown): boolean {
  if (typeof value === 'string') {
    return value.includes('\u0000');
  }
  if (value === null || typeof value !== 'object') {
    return false;
  }
  return Object.entries(value).some(([key, child]) => key.includes('\u0000') || hasNul(child));
}
