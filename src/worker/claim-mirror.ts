/**
 * Makes sure that this worker mirrors what the database names: one Stripe account and mode into one Blnk
 * instance. Creates the mirror row at the first start, and refuses everything that would mix two mirrors.
 */

import { SyncError } from '../core/base/errors.js';
import { commandLine } from '../core/base/own-command.js';
import { floorToSecond, later } from '../core/base/window.js';
import { newMappingVersion } from '../core/posting/mapping.js';
import { type Mirror, type MirrorIdentity, type NewMirror, STRIPE_EPOCH } from '../core/posting/mirror.js';
import type { SyncStart } from '../core/settings/ignored-start.js';

/** What the configuration and the vendors say that this worker would mirror. */
export interface Wanted extends Omit<MirrorIdentity, 'mirrorId' | 'mappingVersion'> {
  readonly syncStart: SyncStart;
}

export interface MirrorPorts {
  find(): Promise<Mirror | null>;
  create(mirror: NewMirror): Promise<Mirror>;
  /** Notes the account's id, once it can be read. */
  nameAccount(stripeAccount: string): Promise<Mirror>;
  /**
   * Begins the mirror anew with another identity: what was read and prepared for the one before is dropped with its
   * coverage. Null, and nothing happened, when posting has begun.
   */
  restart(identity: MirrorIdentity): Promise<Mirror | null>;
  /** Id of one stored intent, to recognise the account by when its id cannot be read. */
  anyStoredIntent(): Promise<string | null>;
  readAccount(): Promise<{ readonly id: string | null; readonly livemode: boolean }>;
  readIntent(id: string): Promise<{ readonly kind: string }>;
  serverTime(): Promise<Date>;
  ledgerHasTransactionsOfOurs(): Promise<boolean>;
  newMirrorId(): string;
  /** Of a mirror that began over the ledger as it was found, because a person said so. */
  noteAdopted(mirror: Mirror): Promise<void>;
}

export interface ClaimOptions {
  /** Go on over a ledger that holds this software's transactions although the database is empty. */
  readonly adopt: boolean;
}

/** @returns the mirror that holds. Throws SyncError `fatal` with both values when it is another one's. */
export async function claimMirror(ports: MirrorPorts, wanted: Wanted, options: ClaimOptions): Promise<Mirror> {
  const account = await ports.readAccount();
  const existing = await ports.find();
  const held = existing ?? (await createMirror(ports, { wanted, accountId: account.id, adopt: options.adopt }));
  refuseUnfinishedRebuild(held);
  refuseOtherAccount(held, account.id);
  const differences = differencesBetween(held, wanted);
  if (differences.length === 0) return confirmAccount(ports, held, account.id);
  const restarted = held.firstPostAt === null ? await restart(ports, wanted, options) : null;
  if (restarted !== null) return confirmAccount(ports, restarted, account.id);
  throw mirrorDiffers(differences);
}

/** For who goes on with a mirror and never begins one. Throws SyncError `fatal` when account or configuration is another. */
export function refuseOtherMirror(
  mirror: Mirror,
  wanted: Omit<Wanted, 'syncStart'>,
  { accountId }: { readonly accountId: string | null },
): void {
  refuseOtherAccount(mirror, accountId);
  const differences = differencesBetween(mirror, wanted);
  if (differences.length > 0) throw mirrorDiffers(differences);
}

function mirrorDiffers(differences: readonly string[]): SyncError {
  const [only] = differences;
  const isInstance = differences.length === 1 && only?.startsWith(NAMES.blnkInstance) === true;
  const move = isInstance
    ? `. If it is the same ledger under a new instance id, stop all workers and run: ${commandLine('mirror move --instance <id>')}`
    : '';
  const isAccounts = differences.some((difference) => difference.startsWith(NAMES.accountsMode));
  const split = isAccounts
    ? '. What was posted stays where it is: with the other setting each customer would have money on two balances'
    : '';
  return new SyncError(
    `This database mirrors something else: ${differences.join('; ')}${split}. ` +
      `Set the configuration back, or use a new database for the new mirror${move}`,
    { kind: 'fatal', code: 'mirror_differs' },
  );
}

/** Nothing was posted yet: the mirror begins anew, under a new id, so that workers of the old configuration stop. */
async function restart(ports: MirrorPorts, wanted: Wanted, { adopt }: ClaimOptions): Promise<Mirror | null> {
  if (!adopt && (await ports.ledgerHasTransactionsOfOurs())) throw ledgerNotEmpty();
  const restarted = await ports.restart({ ...identityOf(wanted), mirrorId: ports.newMirrorId() });
  if (adopt && restarted !== null) await ports.noteAdopted(restarted);
  return restarted;
}

async function createMirror(
  ports: MirrorPorts,
  { wanted, accountId, adopt }: { readonly wanted: Wanted; readonly accountId: string | null; readonly adopt: boolean },
): Promise<Mirror> {
  if (!adopt && (await ports.ledgerHasTransactionsOfOurs())) {
    // Another worker may have created the mirror, and posted, since we looked.
    const meanwhile = await ports.find();
    if (meanwhile !== null) return meanwhile;
    throw ledgerNotEmpty();
  }
  const mirrorId = ports.newMirrorId();
  const startsAt = await startTime(ports, wanted.syncStart);
  const mirror = await ports.create({ ...identityOf(wanted), mirrorId, stripeAccount: accountId, startsAt });
  // Another worker may have been first.
  if (adopt && mirror.mirrorId === mirrorId) await ports.noteAdopted(mirror);
  return mirror;
}

/** Relative starts count from Stripe's clock, once; from then on the start is an absolute time. */
export async function startTime(ports: Pick<MirrorPorts, 'serverTime'>, start: SyncStart): Promise<Date> {
  if (start.kind === 'all') return STRIPE_EPOCH;
  const now = await ports.serverTime();
  if (start.kind === 'time' && start.time > now) {
    throw new SyncError(
      `SYNC_START is ${start.time.toISOString()}, which is later than Stripe's now (${now.toISOString()}); allowed is a time that has passed. ` +
        'Start the worker when that time has come',
      { kind: 'fatal', code: 'start_in_future' },
    );
  }
  if (start.kind === 'time') return later(STRIPE_EPOCH, floorToSecond(start.time));
  return later(STRIPE_EPOCH, floorToSecond(new Date(now.getTime() - start.durationMs)));
}

/** Identity is the account, not the key: keys rotate. */
function refuseOtherAccount(mirror: Mirror, accountId: string | null): void {
  if (accountId === null || mirror.stripeAccount === null || accountId === mirror.stripeAccount) return;
  throw new SyncError(
    `STRIPE_API_KEY belongs to the account ${accountId}, but this database mirrors ${mirror.stripeAccount}. ` +
      'Use a key of that account, or a new database for the new account',
    { kind: 'fatal', code: 'other_account' },
  );
}

/** As long as one of the two account ids is not known, the account is recognised by an intent that it must have. */
async function confirmAccount(ports: MirrorPorts, mirror: Mirror, accountId: string | null): Promise<Mirror> {
  if (accountId !== null && mirror.stripeAccount !== null) return mirror;
  const intentId = await ports.anyStoredIntent();
  if (intentId !== null && (await ports.readIntent(intentId)).kind === 'missing') {
    throw new SyncError(
      `Stripe does not know ${intentId}, which this database holds: STRIPE_API_KEY belongs to another account` +
        (mirror.livemode ? '' : ', or the test data was deleted (then start with a new database)'),
      { kind: 'fatal', code: 'other_account' },
    );
  }
  return accountId === null ? mirror : ports.nameAccount(accountId);
}

const NAMES = {
  livemode: 'livemode of STRIPE_API_KEY',
  blnkInstance: 'Blnk instance (BLNK_INSTANCE_ID, BLNK_API_STYLE)',
  source: 'BLNK_SOURCE',
  sourceShards: 'BLNK_SOURCE_SHARDS',
  guestDestination: 'BLNK_GUEST_DESTINATION',
  accountsMode: 'BLNK_ACCOUNTS',
} as const;

function differencesBetween(mirror: Mirror, wanted: Omit<Wanted, 'syncStart'>): string[] {
  const identity = identityOf(wanted);
  return (Object.keys(NAMES) as Array<keyof typeof NAMES>)
    .filter((field) => mirror[field] !== identity[field])
    .map((field) => `${NAMES[field]} is ${identity[field]} now, it was ${mirror[field]} when the mirror began`);
}

function identityOf({
  livemode,
  blnkInstance,
  source,
  sourceShards,
  guestDestination,
  accountsMode,
}: Omit<Wanted, 'syncStart'>): Omit<MirrorIdentity, 'mirrorId'> {
  const mappingVersion = newMappingVersion({ sourceShards });
  return { livemode, blnkInstance, source, sourceShards, guestDestination, accountsMode, mappingVersion };
}

/** Until it is finished, payments would be missing that the ledger holds. */
export function refuseUnfinishedRebuild({ rebuildingSince }: Mirror): void {
  if (rebuildingSince === null) return;
  throw new SyncError(
    `This database is being rebuilt since ${rebuildingSince.toISOString()} and is not finished; until then no worker may start. ` +
      `Run it again, it goes on where it was: ${commandLine('rebuild')}. Then start the worker`,
    { kind: 'fatal', code: 'rebuild_unfinished' },
  );
}

/** Of a database without a mirror, over a ledger that holds transactions of this software. */
export function ledgerNotEmpty(): SyncError {
  return new SyncError(
    'The database is empty, but the ledger already holds transactions of this software. Is DATABASE_URL (or DATA_DIR) the ' +
      'right one? If the database was lost, restore it from its backup; without one run ' +
      `${commandLine('rebuild')}, which adopts what is in the ` +
      'ledger, and asks before it posts what is not (it may have been dismissed). To begin a new mirror over this ledger ' +
      `instead, from SYNC_START on, start once with ${commandLine('worker --adopt')}: ` +
      'payments that are in the ledger with equal content are ' +
      'adopted, none is posted twice, and those that are missing are posted at once',
    { kind: 'fatal', code: 'ledger_not_empty' },
  );
}
