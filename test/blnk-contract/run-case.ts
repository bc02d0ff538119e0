// Runs one recorded case over HTTP against whatever answers at a base URL: the sandbox, or a real Core.
// `direct` talks to Core with X-Blnk-Key; `proxy` as to the Cloud: /proxy before every path, a Bearer token, instance_id.
// It throws an Error that names the step and the difference; it never repairs anything.

import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerCount, CaseRequest, ContractCase, ContractStep, ExpectedResponse, Json } from './case-file.js';
import { parseExactJson } from './exact-json.js';
import { findDifference } from './match-answer.js';
import { fillJson, fillText, type Names } from './templates.js';

export interface ContractTarget {
  baseUrl: string;
  mode: 'direct' | 'proxy';
  /** Core's key when direct, the Cloud's token through the proxy. */
  key: string;
  instanceId?: string;
}

interface Answer {
  status: number;
  body: Json;
}

/** Plays every step of a case; resolves when all answers fit. */
export async function runContractCase(contractCase: ContractCase, target: ContractTarget): Promise<void> {
  const run = Array.from(randomBytes(10), (byte) => (byte % 36).toString(36)).join('');
  let names: Names = new Map([
    ['run', run],
    ['uuid', randomUUID()],
  ]);
  for (const [index, step] of contractCase.steps.entries()) {
    try {
      names = await runStep(step, names, target);
    } catch (error) {
      const { method, path } = step.request;
      throw new Error(`case ${contractCase.id}, step ${index + 1} (${method} ${path}): ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

async function runStep(step: ContractStep, names: Names, target: ContractTarget): Promise<Names> {
  if (step.wait_ms !== undefined) {
    await sleep(step.wait_ms);
  }
  if (step.parallel !== undefined) {
    const sent = Array.from({ length: step.parallel }, (_unused, index) =>
      send(step.request, new Map(names).set('i', String(index)), target),
    );
    checkMultiset(step.responses ?? [], await Promise.all(sent));
    return names;
  }
  if (step.response === undefined) {
    throw new Error('the step expects nothing');
  }
  const deadline = Date.now() + (step.repeat_until_ms ?? 0);
  for (;;) {
    const answer = await send(step.request, names, target);
    const stored = new Map(names);
    const difference = differenceOf(step.response, answer, stored);
    if (difference === undefined) {
      return stored;
    }
    if (Date.now() >= deadline) {
      throw new Error(difference);
    }
    await sleep(50);
  }
}

async function send(request: CaseRequest, names: Names, target: ContractTarget): Promise<Answer> {
  const url = new URL(`${target.mode === 'proxy' ? '/proxy' : ''}${fillText(request.path, names)}`, target.baseUrl);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    url.searchParams.set(name, fillText(value, names));
  }
  const headers = new Headers({ 'content-type': 'application/json' });
  if (target.mode === 'proxy') {
    url.searchParams.set('instance_id', target.instanceId ?? '');
    headers.set('authorization', `Bearer ${target.key}`);
  } else {
    headers.set('x-blnk-key', target.key);
  }
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    if (value === null) {
      headers.delete(name);
    } else {
      headers.set(name, value);
    }
  }
  const response = await fetch(url, { method: request.method, headers, ...bodyOf(request, names) });
  return { status: response.status, body: parseExactJson(await response.text()) };
}

function bodyOf(request: CaseRequest, names: Names): { body?: string } {
  if (request.rawBody !== undefined) {
    return { body: fillText(request.rawBody, names) };
  }
  return request.body === undefined ? {} : { body: JSON.stringify(fillJson(request.body, names)) };
}

function differenceOf(expected: ExpectedResponse, answer: Answer, stored: Map<string, string>): string | undefined {
  if (answer.status !== expected.status) {
    const body = JSON.stringify(answer.body, (_key, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    return `expected status ${expected.status}, got ${answer.status}: ${body.slice(0, 400)}`;
  }
  const known = new Map(stored);
  if (expected.body !== undefined) {
    const wanted = fillJson(expected.body, known);
    const difference = findDifference({ expected: wanted, actual: answer.body }, stored);
    if (difference !== undefined) {
      return difference;
    }
  }
  const present = (expected.absent ?? []).find((path) => hasPath(answer.body, path.split('.')));
  return present === undefined ? undefined : `body.${present} must not exist`;
}

function hasPath(value: Json, keys: string[]): boolean {
  const [key, ...rest] = keys;
  if (key === undefined) {
    return true;
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value) || !Object.hasOwn(value, key)) {
    return false;
  }
  const child = value[key];
  return child !== undefined && hasPath(child, rest);
}

function checkMultiset(expected: AnswerCount[], answers: Answer[]): void {
  const left = [...answers];
  for (const { times = 1, one_of: oneOf, ...single } of expected) {
    const allowed = oneOf ?? [single];
    for (let count = 0; count < times; count += 1) {
      const index = left.findIndex((answer) =>
        allowed.some(({ status, code }) => answer.status === status && (code === undefined || codeOf(answer) === code)),
      );
      if (index < 0) {
        throw new Error(`no answer like ${JSON.stringify(allowed)} among ${left.map(describe).join(', ')}`);
      }
      left.splice(index, 1);
    }
  }
  if (left.length > 0) {
    throw new Error(`unexpected answers: ${left.map(describe).join(', ')}`);
  }
}

function describe(answer: Answer): string {
  return `${answer.status} ${codeOf(answer) ?? ''}`.trim();
}

function codeOf(answer: Answer): string | undefined {
  const { body } = answer;
  if (body === null || typeof body !== 'object' || Array.isArray(body)) {
    return undefined;
  }
  const detail = body.error_detail;
  if (detail === undefined || detail === null || typeof detail !== 'object' || Array.isArray(detail)) {
    return undefined;
  }
  return typeof detail.code === 'string' ? detail.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
