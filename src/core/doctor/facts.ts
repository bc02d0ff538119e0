/**
 * What `doctor` looks at: what was found of each part, or why it was not. Facts alone; what they mean is said by the checks
 * beside this file. Nothing here holds a secret.
 */
import type { ErrorCode } from '../base/error-codes.js';
import type { Mirror } from '../posting/mirror.js';
import type { SyncStart } from '../settings/ignored-start.js';

export interface Fault {
  readonly code: ErrorCode;
  /** What happened, which value, what is allowed and what to do next. */
  readonly message: string;
}

/** Of somebody who was asked. `unasked`: what is needed for asking is not there. */
export type Answer<Facts> =
  | { readonly kind: 'given'; readonly facts: Facts }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'late'; readonly limitMs: number }
  | { readonly kind: 'unasked'; readonly why: string };

export interface VariableFacts {
  /** Of those that are read. */
  readonly set: number;
  /** Each names its variable, and what is allowed. */
  readonly problems: readonly string[];
  /** A line for each name that nothing reads, with the nearest one that is read. */
  readonly unknown: readonly string[];
  /** Stripe's form for a key with what is needed filled in, in live mode. */
  readonly newKeyLink: string;
}

export interface StripeKeyFacts {
  readonly kind: 'secret' | 'restricted';
  readonly livemode: boolean;
  /** Stripe's form for a restricted key with what is needed filled in. */
  readonly newKeyLink: string;
}

export interface StripeFacts {
  /** Null: the key may not read it, and nothing depends on that. */
  readonly accountId: string | null;
  /** What the key may not read and the mirror can do without, each with the words of the fault. */
  readonly missing: ReadonlyArray<{ readonly permission: 'events' | 'charges'; readonly message: string }>;
}

/** Against this machine's clock; null where the other one is not known. */
export interface ClockFacts {
  readonly machineNow: Date;
  readonly stripeAheadMs: number | null;
  readonly databaseAheadMs: number | null;
}

export interface BlnkFacts {
  readonly style: 'cloud' | 'core';
  /** Where it is, without credentials. */
  readonly at: string;
  /** As Cores do since 0.15.0: nothing else tells their age. */
  readonly refusesEmptyBulks: boolean;
  /** Null when no answer shows it. */
  readonly mayReadBalances: boolean | null;
}

export interface DatabaseFacts {
  /** For people: no password. */
  readonly at: string;
  readonly version: number;
  /** Of server and database: what no waiting helps with. */
  readonly faults: readonly Fault[];
  readonly connections: {
    readonly needed: number;
    /** The smallest of the limits of role, database and server; null where a pooler shares them. */
    readonly given: number | null;
  };
  readonly role: string;
  /** Why the role may not do what a worker does; null when it may, or there is nothing yet to have rights on. */
  readonly rightsFault: Fault | null;
  /** Null where the rights do not suffice to look. */
  readonly tables: TableFacts | null;
}

export interface TableFacts {
  /** This code's own migrations that are not applied. */
  readonly pending: readonly string[];
  /** Applied ones that this code does not know. */
  readonly newer: readonly string[];
  /** The newest that is applied; null without tables. */
  readonly newest: string | null;
  /** False: the queue keeps its tables here, and they are missing or older than this code's. */
  readonly hasQueue: boolean;
  /** Tables that this code may not work on, or that are somebody else's. */
  readonly fault: Fault | null;
  readonly mayCreateSchema: boolean;
}

/** What the tables say of the mirror. */
export interface MirrorFacts {
  /** Null before the first start. */
  readonly mirror: Pick<Mirror, 'startsAt' | 'livemode' | 'eventsRefusedSince'> | null;
  /** Why a worker with this configuration would refuse to go on with it, or to begin. */
  readonly fault: Fault | null;
  /** Whether the ledger was asked for transactions of this software, which is only done before the first start. */
  readonly isLedgerSeen: boolean;
  readonly workers: number;
  readonly paymentsInThirtyDays: number;
  readonly reads: { readonly thirtyDays: number; readonly lastDay: number };
}

export interface EmbeddedFacts {
  readonly dataDir: string;
  /** The major version that wrote the data; null before the first start. */
  readonly version: string | null;
}

export type QueueFacts =
  | { readonly kind: 'database'; readonly isPooled: boolean }
  | {
      readonly kind: 'redis';
      readonly at: string;
      /** `Redis`, `Valkey` and such, as the server names itself. */
      readonly product: string;
      /** That it is compatible with; null where this user may not ask. */
      readonly version: string | null;
      /** `maxmemory-policy`; null where this user may not ask. */
      readonly policy: string | null;
      /** Whether keys live through a restart of the server; null where this user may not ask. */
      readonly isKept: boolean | null;
    };

export interface DiskFacts {
  readonly folder: string;
  readonly freeBytes: number;
}

export interface PortFacts {
  readonly host: string;
  readonly port: number;
  /** `own`: a worker of this software, or `serve`, answers there. */
  readonly state: 'free' | 'own' | 'taken';
  /** The process that has it, where that can be seen. */
  readonly holder: string | null;
}

export interface WebhookFacts {
  readonly secrets: number;
  readonly isServed: boolean;
}

/** What the configuration asks for. */
export interface WorkFacts {
  readonly syncStart: SyncStart;
  readonly syncEveryMs: number;
  /** Whether somebody chose the interval. */
  readonly isIntervalChosen: boolean;
  readonly stripeReadShare: number;
  readonly source: string;
  readonly sourceShards: number;
  readonly guestDestination: string;
}

export interface DoctorFacts {
  readonly variables: Answer<VariableFacts>;
  readonly stripeKey: StripeKeyFacts | null;
  readonly stripe: Answer<StripeFacts>;
  readonly clocks: ClockFacts;
  readonly blnk: Answer<BlnkFacts>;
  /** Null: the database is somebody's own server. */
  readonly embedded: Answer<EmbeddedFacts> | null;
  readonly database: Answer<DatabaseFacts>;
  readonly mirror: Answer<MirrorFacts>;
  readonly queue: Answer<QueueFacts>;
  readonly disk: Answer<DiskFacts>;
  readonly port: Answer<PortFacts>;
  readonly webhook: WebhookFacts | null;
  readonly work: WorkFacts | null;
}
