/**
 * Everything that commands, pages and the API read, behind one interface. It changes nothing. Every answer is plain values:
 * Dates, bigints, strings.
 */

import type { Window } from '../../core/base/window.js';
import type { Mirror } from '../../core/posting/mirror.js';
import { type ActionPage, type ActionsQuery, listActions } from '../actions/action-store.js';
import { readProofRequests } from '../actions/proof-requests.js';
import type { Drizzle } from '../connection/open.js';
import { findMirror } from '../mirror/mirror-store.js';
import {
  type CertificatePage,
  type CertificatePageQuery,
  type CertificateRecord,
  type CertificatesQuery,
  type DayCertificates,
  type DayQuery,
  listCertificates,
  pageCertificates,
  readDay,
} from './certificates.js';
import { type DatabaseRecord, readDatabase } from './database.js';
import { type DayTotalRecord, type DayTotalsQuery, readDayTotals } from './days.js';
import { countFindings, type FindingCount } from './finding-counts.js';
import { readLastChange } from './last-change.js';
import {
  listParked,
  type ParkedPage,
  type ParkedQuery,
  type PaymentSides,
  showPayment,
  standingOf,
  storedOf,
} from './parked.js';
import { type BatchQuery, type PaymentPage, readBatch } from './payments.js';
import {
  type ItemsQuery,
  listRepairs,
  type RepairPage,
  type RepairShown,
  type RepairsQuery,
  showRepair,
} from './repairs.js';
import {
  type FirstRunQuery,
  findFirstRunAfter,
  findRun,
  listRuns,
  type RunAnswer,
  type RunPage,
  type RunProgress,
  type RunsQuery,
  readProgress,
} from './runs.js';
import { findPayments, type PaymentsQuery } from './search.js';
import { readEarlierDays } from './standings.js';
import {
  type ReadSettings,
  readCompleteTo,
  readDatabaseNow,
  readLivingWorkers,
  readStatus,
  type StatusRecord,
  type WorkerRecord,
} from './status.js';

export interface ReadModel {
  /** The database's clock, rounded up to a millisecond. */
  databaseNow(): Promise<Date>;
  status(): Promise<StatusRecord>;
  /** From the mirror's start to the end of completeness; null while nothing is complete. */
  known(): Promise<Window | null>;
  /** Days before the start's that have payments of the mirror, oldest first. */
  earlierDays(): Promise<readonly string[]>;
  /** Null while nothing is mirrored. */
  mirror(): Promise<Mirror | null>;
  /** Its version, its size, and our migrations. */
  database(): Promise<DatabaseRecord>;
  /** Processes seen within the last 30 seconds. */
  livingWorkers(): Promise<WorkerRecord[]>;
  /** Newest first; a run with parts stands for its parts. */
  runs(query: RunsQuery): Promise<RunPage>;
  /** @param id a whole run id or the beginning of one, at least four digits */
  run(id: string): Promise<RunAnswer>;
  /** The payments that a run stored first. */
  runBatch(id: string, query: BatchQuery): Promise<PaymentPage>;
  /** The run that serves a request made at `startedAfter`; null while there is none. */
  firstRunAfter(query: FirstRunQuery): Promise<string | null>;
  progress(runId: string): Promise<RunProgress | null>;
  /** Newest first by creation: all of them, those of a state or of days, or those that an id names. */
  payments(query: PaymentsQuery): Promise<PaymentPage>;
  parked(query: ParkedQuery): Promise<ParkedPage>;
  /** A text that is another one as soon as one of these postings stands otherwise. */
  standingOf(references: readonly string[]): Promise<string>;
  /** Which of these references can be shown: proofs also name what only Stripe or only the ledger has. */
  storedOf(references: readonly string[]): Promise<ReadonlySet<string>>;
  /** One posting, parked or not, with both of its sides. */
  show(reference: string): Promise<PaymentSides | null>;
  /** Sums of each day and currency, the newest day first. */
  dayTotals(query: DayTotalsQuery): Promise<DayTotalRecord[]>;
  /** What people did, the newest first: all of it, or to one payment, run or day. */
  actions(query: ActionsQuery): Promise<ActionPage>;
  /** Another text whenever something that people look at may have changed. A few probes of indexes. */
  lastChange(): Promise<string>;
  /** Repair plans, the newest first. */
  repairs(query: RepairsQuery): Promise<RepairPage>;
  /** Null: there is no plan of this id. */
  repair(id: string, query: ItemsQuery): Promise<RepairShown | null>;
  /** The newest certificate of each day and currency, newest day first. */
  certificates(query: CertificatesQuery): Promise<CertificateRecord[]>;
  /** What keeps days of these from being sealed, by day and kind. */
  findingCounts(days: { readonly from: string; readonly to: string }): Promise<FindingCount[]>;
  /** The same, page by page. */
  certificatePage(query: CertificatePageQuery): Promise<CertificatePage>;
  /** When a person asked workers to prove each of the days last; days that never were are missing. */
  proofRequests(days: readonly string[]): Promise<Map<string, Date>>;
  /** Null when the day was never proven, or never in that currency. */
  certificatesOfDay(query: DayQuery): Promise<DayCertificates | null>;
}

export function createReadModel(db: Drizzle, settings: ReadSettings): ReadModel {
  return {
    databaseNow: () => readDatabaseNow(db),
    status: () => readStatus(db, settings),
    async known() {
      const [found, to] = await Promise.all([findMirror(db), readCompleteTo(db, settings.lagMs)]);
      return found === null || to === null ? null : { from: found.startsAt, to };
    },
    async earlierDays() {
      const found = await findMirror(db);
      return found === null ? [] : readEarlierDays(db, found.startsAt);
    },
    mirror: () => findMirror(db),
    database: () => readDatabase(db),
    livingWorkers: () => readLivingWorkers(db),
    runs: (query) => listRuns(db, query),
    run: (id) => findRun(db, id),
    runBatch: (id, query) => readBatch(db, id, query),
    firstRunAfter: (query) => findFirstRunAfter(db, query),
    progress: (runId) => readProgress(db, runId),
    payments: (query) => findPayments(db, query),
    parked: (query) => listParked(db, query),
    standingOf: (references) => standingOf(db, references),
    storedOf: (references) => storedOf(db, references),
    show: (reference) => showPayment(db, reference),
    dayTotals: (query) => readDayTotals(db, query),
    actions: (query) => listActions(db, query),
    lastChange: () => readLastChange(db),
    repairs: (query) => listRepairs(db, query),
    repair: (id, query) => showRepair(db, id, query),
    certificates: (query) => listCertificates(db, query),
    findingCounts: (days) => countFindings(db, days),
    certificatePage: (query) => pageCertificates(db, query),
    proofRequests: (days) => readProofRequests(db, days),
    certificatesOfDay: (query) => readDay(db, query),
  };
}
