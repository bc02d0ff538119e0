// What Cores of other versions do differently from 0.15.2, which the rest of this folder plays: tried on 0.12.2, 0.13.2, 0.13.4 and
// on main of August 2026 (0.15.3); 0.15.4 as others published it. Only what a client of posts and look-ups meets.

import { type Answer, failureAnswer, jsonAnswer, notFoundPage } from './answers.js';
import type { FilterRequest } from './filter-request.js';
import type { PostRequest } from './post-request.js';

const versions = ['0.12.2', '0.13.2', '0.13.4', '0.15.2', '0.15.3', '0.15.4'] as const;

export type CoreVersion = (typeof versions)[number];

export const coreVersions: readonly CoreVersion[] = versions;

/** Whether a version has what came with another one. */
export function hasSince(version: CoreVersion, since: CoreVersion): boolean {
  return versions.indexOf(version) >= versions.indexOf(since);
}

/** Before 0.15.0 there are no codes, nearly every refusal is a 400, and lists hide parents. A filter came with 0.13. */
export function answerAsVersion(version: CoreVersion, routeKey: string, answer: Answer): Answer {
  if (!hasSince(version, '0.13.2') && routeKey.endsWith('/filter')) {
    return notFoundPage;
  }
  if (hasSince(version, '0.15.2')) {
    return answer;
  }
  if (routeKey === 'POST /transactions/filter' && answer.status === 200) {
    return { ...answer, body: answer.body.replace(/"parent_transaction":"[^"]*"/g, '"parent_transaction":""') };
  }
  if (answer.status < 400 || answer.type === 'text/plain') {
    return answer;
  }
  const { error_detail: _detail, ...body } = JSON.parse(answer.body) as Record<string, unknown>;
  const keepsStatus = answer.status === 401 || answer.status === 403;
  const words = answer.olderText === undefined ? {} : { error: answer.olderText };
  return jsonAnswer(keepsStatus ? answer.status : 400, { ...body, ...words });
}

/** Before 0.15.0 an unknown operator is no filter at all; up to 0.13.3 a list of two values or more fails in the database. */
export function filterAsVersion(
  version: CoreVersion,
  request: FilterRequest | Answer,
  what: string,
): FilterRequest | Answer {
  if (!('filters' in request) || hasSince(version, '0.15.2')) {
    return request;
  }
  const isBroken = request.filters.some(({ operator, values }) => operator === 'in' && values.length > 1);
  if (isBroken && !hasSince(version, '0.13.4')) {
    const message = `INTERNAL_SERVER_ERROR: Failed to retrieve ${what}`;
    return failureAnswer({ status: 400, code: 'GEN_BAD_REQUEST', message });
  }
  const known = /^(?:eq|ne|gt|gte|lt|lte|in|between|i?like|is(?:not)?null)$/;
  return { ...request, filters: request.filters.filter(({ operator }) => known.test(operator)) };
}

/** Rules on fields that came with 0.15.3; the text of each field that breaks one. */
export function newerRules(version: CoreVersion, request: PostRequest): { amount?: string; destination?: string } {
  if (!hasSince(version, '0.15.3')) {
    return {};
  }
  const isNegative = request.amount < 0 || (request.preciseAmount ?? 0n) < 0n;
  const name = request.amount < 0 ? 'amount' : 'precise_amount';
  const isSame = request.source !== '' && request.source === request.destination;
  return {
    ...(isNegative ? { amount: `amount: ${name} cannot be negative` } : {}),
    ...(isSame ? { destination: 'destination: source and destination cannot be the same balance' } : {}),
  };
}
