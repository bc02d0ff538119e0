/**
 * What the stage that makes the mirror's ledger and its balances needs from outside: the map on disk, and Blnk. What Blnk says of one
 * balance is a value; faults of the surroundings are thrown as SyncError.
 */
import type { CheckedCurrency } from '../core/accounts/account-facts.js';
import type { BalanceReason } from '../core/accounts/balance-reasons.js';
import type { Mark } from '../core/accounts/identity.js';

/** A balance by what it stands for. */
export interface NamedBalance {
  /** As prepared transactions have it: `@cus_…`, or the name of the guests' balance. */
  readonly name: string;
  readonly currency: string;
}

/** A balance that is wanted and not in the map, for this process as long as its lease lasts. */
export interface WantedBalance extends NamedBalance {
  /** Opaque. */
  readonly lease: string;
  /** In use already, and somebody doubts that Blnk has it; null: it is to be made. */
  readonly balanceId: string | null;
  /** How long ago a request that makes it was written down; null: none was, or it is certain that none made it. */
  readonly sinceAttemptMs: number | null;
  readonly attempts: number;
  /** Why it was put off until a person acts; null: nobody has to. */
  readonly reason: BalanceReason | null;
}

/** A balance in the mirror's ledger as Blnk shows it. */
export interface SeenBalance {
  readonly balanceId: string;
  readonly currency: string;
  /** By its mark; null: it has none of this mirror. */
  readonly name: string | null;
  /** RFC 3339, with all digits that Blnk shows: what was made first is told by them. */
  readonly createdAt: string;
  /** Minor units; null when Blnk shows no whole number. */
  readonly amount: bigint | null;
  /** Whether anything was ever posted to it or from it, as far as Blnk shows. */
  readonly hasMoved: boolean;
}

export interface SeenLedger {
  readonly ledgerId: string;
  readonly name: string;
  readonly createdAt: string;
  readonly metadata: unknown;
}

/** What became of a request that makes something. */
export type MakeAnswer =
  | { readonly kind: 'made' }
  /** Certainly not made, and never will be as it is. */
  | { readonly kind: 'refused'; readonly message: string }
  /** Certainly not made: nobody has seen the request, or it was turned away before anything was done. */
  | { readonly kind: 'not_made'; readonly message: string }
  /** It may have been made. */
  | { readonly kind: 'unclear'; readonly message: string };

export interface AccountsAtBlnk {
  /** Those that carry the mark, in any order. */
  findLedgers(mark: Mark): Promise<SeenLedger[]>;
  hasLedger(ledgerId: string): Promise<boolean>;
  /** Sent once, and never again: each request makes another one. */
  createLedger(ledger: { readonly name: string; readonly mark: Mark }): Promise<MakeAnswer>;
  /** Likewise. @param balance.identityId null: of nobody */
  createBalance(balance: {
    readonly ledgerId: string;
    readonly currency: string;
    readonly identityId: string | null;
    readonly mark: Mark;
  }): Promise<MakeAnswer>;
  /**
   * The balances of a ledger page by page, in any order; one may come twice while others are made.
   * @param since only those that were created then or later, by Blnk's clock; null: all
   */
  listBalances(ledgerId: string, since: string | null): AsyncIterable<readonly ListedBalance[]>;
  /** At most 100 balances by their ids; without those that Blnk does not have. */
  balancesOf(balanceIds: readonly string[]): Promise<ReadonlyMap<string, ListedBalance>>;
}

export interface ListedBalance extends Omit<SeenBalance, 'name'> {
  readonly metadata: unknown;
}

export interface LedgerRow {
  /** In use; null: none yet. */
  readonly ledgerId: string | null;
  readonly sinceAttemptMs: number | null;
  readonly attempts: number;
  /** Blnk's time up to which all balances of the ledger were read; null: none were. */
  readonly readTo: string | null;
}

export interface LedgerStore {
  /** Makes the row where there is none. Null: this process works for another mirror than the database. */
  read(): Promise<LedgerRow | null>;
  /** The attempt is on disk. False: another process has it in hand, or there is a ledger. */
  noteAttempt(options: { readonly againAfterMs: number }): Promise<boolean>;
  /** It is certain that the attempt made none. */
  forgetAttempt(why: { readonly reason: string | null; readonly error: string }): Promise<void>;
  noteError(error: string): Promise<void>;
  /** What carries the mark. The oldest is used, unless one is in use already; answers the one that is. */
  use(ledgers: readonly SeenLedger[]): Promise<string | null>;
  noteReadTo(readTo: string): Promise<void>;
  /** Of the ledger in use whether Blnk has it. Where it has not, the balances in use are looked up as well. */
  noteKnown(isKnown: boolean): Promise<void>;
}

/** How a wish goes on that was not fulfilled. */
export interface PutOffBalance extends Pick<WantedBalance, 'name' | 'currency' | 'lease' | 'attempts'> {
  readonly error: string;
  /** True: it is certain that the attempt made nothing. */
  readonly isNotMade: boolean;
  /** Set: a person has to act. */
  readonly reason: BalanceReason | null;
}

export interface BalanceStore {
  /** Those of pending postings that nobody wants yet. @param options.all false: of what is due next in each lane only */
  wantPending(options: { readonly all: boolean }): Promise<number>;
  want(balances: readonly NamedBalance[]): Promise<void>;
  claim(options: { readonly limit: number; readonly leaseMs: number }): Promise<WantedBalance[]>;
  /** Of balances in use whether Blnk knows them. One that it does not know is posted to no more, and is gone once a later look says so too. */
  noteKnown(claimed: readonly WantedBalance[], isKnown: boolean): Promise<void>;
  /** Of those that are claimed the ones that are still wanted, and held. */
  stillWanted(claimed: readonly WantedBalance[]): Promise<WantedBalance[]>;
  /** Writes down that requests which make them are about to be sent. Answers those that it is written of. */
  noteAttempts(claimed: readonly WantedBalance[]): Promise<WantedBalance[]>;
  /** @param dueInMs by the number of attempts */
  putOff(balances: readonly PutOffBalance[], dueInMs: (balance: PutOffBalance) => number): Promise<void>;
  /** What Blnk showed; kept for ever. The name of one that is in use stays what it was, whatever its mark says now. */
  noteSeen(balances: readonly SeenBalance[]): Promise<void>;
  /** Ids of all that were seen under these names. */
  seenOf(balances: readonly NamedBalance[]): Promise<string[]>;
  /**
   * Puts the oldest of those that were seen into the map, where the map has none. Answers what came into it. One that something was
   * posted to goes before: it was in use when the database was lost, and an older one was shown too late to be used. Where there are
   * several such, somebody changed a mark: none is taken, and the wish is put off with `several_used`.
   * @param of these alone; null: all that were ever seen
   */
  fillMap(of: readonly NamedBalance[] | null): Promise<NamedBalance[]>;
}

/** Which balance stands for a name and a currency. */
export interface BalanceMap {
  /** Of those that are in the map. */
  idsOf(currency: string, names: Iterable<string>): Promise<ReadonlyMap<string, string>>;
  /** Ids of all balances of these names, in whatever currency, with the name of each. */
  namesById(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Blnk says that it does not know one of their balances: it is looked up. */
  doubt(currency: string, names: Iterable<string>): Promise<void>;
}

export interface CheckStore {
  /** The database's time. */
  beginCheck(): Promise<string>;
  /** Of what was seen since then: sums of the balances in use, and of others. */
  sumsSince(begunAt: string): Promise<ReadonlyArray<{ currency: string; used: bigint; surplus: bigint }>>;
  /** Keeps what came out. Balances in use that were not seen since then are looked for. */
  keepCheck(begunAt: string, sums: readonly CheckedCurrency[]): Promise<void>;
}
