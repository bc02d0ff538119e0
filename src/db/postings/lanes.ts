/** Lanes as statements name them. */
import { type Lane, parseLane } from '../../core/posting/posting.js';

/** @param names as the column has them, each once or more */
export function lanesOf(names: Iterable<string>): Lane[] {
  return [...new Set(names)].flatMap((name) => parseLane(name) ?? []);
}
