/**
 * Which customers were posted to, so that each gets an identity: those that this worker just posted to, and on a walk through all
 * postings whoever posted them, or when. The walk goes page by page in the order of names; it finds the customers of a mirror that
 * is older than the wish for identities, and whatever a crash let get lost.
 */
import { customerOf } from '../core/accounts/identity.js';
import type { Mirror } from '../core/posting/mirror.js';
import { ownBalancesOf } from '../core/posting/source-shards.js';
import type { CustomerCurrency } from './identity-ports.js';

export interface PostedTo {
  readonly destination: string;
  readonly currency: string;
}

export interface CustomerFinder {
  /** Balances that postings with these references were posted to, each once. */
  postedToBy(references: readonly string[]): Promise<PostedTo[]>;
  /**
   * The next balances, by name, that something was posted to; `end` is null when these were the last ones.
   *
   * @param but balances that are left out: of those of guests all payments would be read, for their currencies
   */
  nextPostedTo(
    after: string,
    limit: number,
    but: readonly string[],
  ): Promise<{ readonly found: PostedTo[]; readonly end: string | null }>;
  /** Stores those that are not known; a currency that is new makes the customer due. */
  want(found: readonly CustomerCurrency[]): Promise<void>;
  /** Name that the walk has come to; null: it is over. */
  walkedTo(): Promise<string | null>;
  noteWalk(to: string | null): Promise<void>;
}

export interface FindingOptions {
  readonly mirror: Pick<Mirror, 'source' | 'sourceShards' | 'guestDestination'>;
  /** Names on a page of the walk. */
  readonly page: number;
}

/** Of postings that this process has just marked. Bounded: what is more is found by the next walk. */
export interface PostedReferences {
  add(references: readonly string[]): void;
  take(): readonly string[];
}

const REFERENCES_MAX = 50_000;

export function createPostedReferences(): PostedReferences {
  let noted: string[] = [];
  return {
    add(references) {
      if (noted.length < REFERENCES_MAX) noted.push(...references);
    },
    take() {
      const taken = noted;
      noted = [];
      return taken;
    },
  };
}

const REFERENCES_A_STATEMENT = 5_000;

/** What was posted here since the last call, and one page of the walk. @returns whether the walk goes on */
export async function findCustomers(
  finder: CustomerFinder,
  posted: PostedReferences,
  { mirror, page }: FindingOptions,
): Promise<boolean> {
  const wantedOf = (found: readonly PostedTo[]): CustomerCurrency[] =>
    found.flatMap(({ destination, currency }) => {
      const customer = customerOf(destination, mirror);
      return customer === null ? [] : [{ customer, currency }];
    });
  const references = posted.take();
  try {
    for (let at = 0; at < references.length; at += REFERENCES_A_STATEMENT) {
      await finder.want(wantedOf(await finder.postedToBy(references.slice(at, at + REFERENCES_A_STATEMENT))));
    }
  } catch (error) {
    posted.add(references);
    throw error;
  }
  const after = await finder.walkedTo();
  if (after === null) return false;
  const { found, end } = await finder.nextPostedTo(after, page, [mirror.guestDestination, ...ownBalancesOf(mirror)]);
  await finder.want(wantedOf(found));
  // After what it found: a crash between the two reads a page again.
  await finder.noteWalk(end);
  return end !== null;
}
