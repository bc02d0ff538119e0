/** The page of a fault, as text. */
import type { Problem } from '../problem.js';
import { Fault } from './others.js';

export function faultPage(problem: Problem, requestId: string): string {
  return `<!doctype html>${<Fault problem={problem} requestId={requestId} />}`;
}
