/** What the HTTP server needs of whoever starts it: what is read, what is done in somebody's name, and how the parts are. */
import type { HttpConfig } from '../config/http.js';
import type { Actor } from '../core/base/action.js';
import type { LoginLinkUse } from '../db/login/login-link-store.js';
import type { ReadModel } from '../db/reads/read-model.js';
import type { AskSides } from '../operations/ask-sides.js';
import type { RequestOperations } from '../operations/request-operations.js';

/** A part that has to work for requests to be answered, or for payments to go on. */
export interface PartHealth {
  readonly name: 'database' | 'schema' | 'queue' | 'worker';
  readonly isReady: boolean;
  /** Why not, in words without secrets; null when it is. */
  readonly why: string | null;
  readonly tookMs: number;
}

export interface SettingRecord {
  readonly variable: string;
  /** Null: of a secret. */
  readonly value: string | null;
  readonly from: 'default' | 'variable' | 'file';
  /** Of a secret its kind, or where it is read from; of others null. */
  readonly note: string | null;
}

export interface HttpPorts {
  readonly config: HttpConfig;
  readonly version: string;
  readonly reads: ReadModel;
  /** In that person's name. */
  operationsFor(actor: Actor): Promise<RequestOperations>;
  /** What asks Stripe and Blnk themselves. */
  readonly sides: AskSides;
  /** Of this process: whether each part answers. Asks neither Stripe nor Blnk. */
  health(): Promise<readonly PartHealth[]>;
  settings(): readonly SettingRecord[];
  /** The signature of a webhook over its raw body; null when it is of none of the secrets, or too old. */
  verifyWebhook(body: string, signature: string): { readonly type: string } | null;
  /** What this process did, for Prometheus. */
  readonly flows: { text(): Promise<string> };
  /** Uses up a link for one log-in, by the hash of what it ends with. */
  useLoginLink(hash: string): Promise<LoginLinkUse>;
  /** A payment succeeded: it is fetched now instead of with the next run. */
  wakeTail(): Promise<void>;
  /** Of this process, in milliseconds. */
  monotonicMs(): number;
  now(): Date;
  /** Told what nobody expected: a fault in a handler. */
  onFault(error: unknown, path: string): void;
  /** Told once a minute at most for each address. */
  onWrongToken(address: string): void;
  /** Told once a minute at most: webhooks whose signature was none of ours, since it was told last. */
  onWebhookRefused(refused: { readonly count: number }): void;
}
