// The shape of the recorded cases and the reading of their files. It does not run them (run-case.ts).
// The JSON files are data and stay as recorded; see README.md for what each key means.

import { readdirSync, readFileSync } from 'node:fs';

export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

/** One answer out of several sent at once. */
export interface AnswerCount {
  status?: number;
  code?: string;
  one_of?: { status: number; code?: string }[];
  times?: number;
}

export interface ExpectedResponse {
  status: number;
  body?: Json;
  absent?: string[];
}

export interface CaseRequest {
  method: string;
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string | null>;
  body?: Json;
  rawBody?: string;
}

export interface ContractStep {
  request: CaseRequest;
  wait_ms?: number;
  repeat_until_ms?: number;
  parallel?: number;
  response?: ExpectedResponse;
  responses?: AnswerCount[];
}

export interface ContractCase {
  id: string;
  title: string;
  core: string;
  steps: ContractStep[];
  only?: 'direct' | 'proxy';
  main?: string;
}

/** Every case of this folder, in the order of the files. */
export function readContractCases(): ContractCase[] {
  const folder = new URL('./', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return names.sort().flatMap((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as ContractCase[]);
}
