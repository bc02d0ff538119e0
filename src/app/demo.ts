import type { AppEnvironment } from './command-environment.js';
export async function runDemo(_environment: AppEnvironment, _options: object): Promise<0 | 1> {
  return 0;
}
