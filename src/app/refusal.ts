/** Composition: what may refuse a command before its work begins. */
import { describeFault } from '../core/errors.js';
import type { AppEnvironment } from './command-environment.js';

/** The one shape in which all commands that ask vendors refuse: told, with exit code 2. Null when it was refused. */
export async function orRefuse<Facts>(
  { output, exit }: AppEnvironment,
  ask: () => Promise<Facts>,
): Promise<{ readonly facts: Facts } | null> {
  try {
    return { facts: await ask() };
  } catch (error) {
    output.warn(describeFault(error));
    exit(2);
    return null;
  }
}
