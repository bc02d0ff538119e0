// Starts the stand-in for Stripe: one HTTP server with one account behind it. Importing this file starts nothing.
// What a test holds in its hands is `StripeSandbox`; another process reaches the same over `/_sandbox/…` (control.ts, ../control.ts).

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SandboxClock } from '../clock.js';
import { isControl, serveControl } from '../control.js';
import { Faults } from '../faults.js';
import type { AccessOptions, Permission } from './access.js';
import { controlled } from './control.js';
import type { CustomerChange } from './customer-book.js';
import {
  type ExpectationOptions,
  type ExpectedPayment,
  type ExpectedTotals,
  expectedPayments,
  expectedTotals,
} from './expectation.js';
import type { StripeFaults } from './faults.js';
import { createIntent, moveIntent, type NewIntent, type NewMove } from './intents.js';
import { Journal } from './journal.js';
import type { Edit } from './life.js';
import { Limiter, type Limits } from './limits.js';
import type { PopulationOptions } from './population.js';
import { type ServerParts, serveStripe } from './server.js';
import { World } from './world.js';

/** The version that stripe-node 23.1 pins. */
export const SANDBOX_API_VERSION = '2026-10-28.endive';

export interface StripeSandboxOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default `sk_test_sandbox`. */
  readonly apiKey?: string;
  /** Restricted keys with their permissions. Default: none. */
  readonly restrictedKeys?: Readonly<Record<string, readonly Permission[]>>;
  /** Default `acct_sandbox`. */
  readonly account?: string;
  /** Default false. */
  readonly livemode?: boolean;
  /** Default: a clock that runs with the machine's. */
  readonly clock?: SandboxClock;
  /** Real time before each answer. Default 0. */
  readonly latencyMs?: number;
  /** Default 1. */
  readonly seed?: number;
  /** Default: none. */
  readonly limits?: Limits;
  /** A fixed delay, or a seeded random one up to a bound for each event. Default 0. */
  readonly eventVisibilityDelayMs?: number | { readonly upToMs: number };
  /** Default 30 days, as at Stripe. */
  readonly eventLifeMs?: number;
  /** A history that is there from the start. Default: an empty account. */
  readonly population?: PopulationOptions;
}

export interface StripeSandbox {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly apiKey: string;
  readonly account: string;
  readonly clock: SandboxClock;
  readonly faults: StripeFaults;
  readonly journal: Journal;
  readonly world: World;
  /** Makes an intent and returns its id. */
  createIntent(intent?: NewIntent): string;
  succeed(id: string, options?: { at?: Date; amountReceived?: number }): void;
  fail(id: string, options?: { at?: Date }): void;
  cancel(id: string, options?: { at?: Date }): void;
  /** Changes description, metadata or customer; earlier events keep the old ones. */
  edit(id: string, edit: Edit, options?: { at?: Date }): void;
  /** Makes, changes or deletes a customer, now unless told. Its events are a list of their own. */
  changeCustomer(id: string, change: CustomerChange, options?: { at?: Date }): void;
  /** Any other move. */
  move(id: string, move: NewMove): void;
  /** What a right mirror holds, intent by intent. */
  expected(options?: ExpectationOptions & { fromRank?: number }): Generator<ExpectedPayment>;
  expectedTotals(options?: ExpectationOptions): ExpectedTotals;
  setLimits(limits: Limits): void;
  setLatency(latencyMs: number): void;
  /** Lets each request move the sandbox clock by so much; 0, the default: requests take no time on it. */
  setRequestTime(requestTakesMs: number): void;
  /** Ends hanging requests and closes the server with all its connections. */
  close(): Promise<void>;
}

export async function startStripeSandbox(options: StripeSandboxOptions = {}): Promise<StripeSandbox> {
  const host = options.host ?? '127.0.0.1';
  const parts = partsOf(options);
  const { world, access, faults, limiter, journal } = parts;
  const control = controlled(parts);
  const expected = (asked: ExpectationOptions & { fromRank?: number } = {}) => expectedPayments(world, asked);
  const server = createServer((request, response) => {
    const served = isControl(request)
      ? serveControl(control, request, response)
      : serveStripe(parts, request, response);
    served.catch((error: unknown) => response.destroy(asError(error)));
  });
  // The client decides how long a connection lives; Node's default of 5 s makes idle ones fail at random.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    host,
    port,
    apiKey: access.apiKey,
    account: access.account,
    clock: world.clock,
    faults,
    journal,
    world,
    createIntent: (intent = {}) => createIntent(world, intent),
    succeed: (id, move = {}) => moveIntent(world, id, { ...move, move: 'succeed' }),
    fail: (id, move = {}) => moveIntent(world, id, { ...move, move: 'fail' }),
    cancel: (id, move = {}) => moveIntent(world, id, { ...move, move: 'cancel' }),
    edit: (id, edit, move = {}) => moveIntent(world, id, { ...move, move: 'edit', edit }),
    changeCustomer: (id, change, { at = world.clock.now() } = {}) =>
      world.customers.change(id, change, Math.floor(at.getTime() / 1_000)),
    move: (id, move) => moveIntent(world, id, move),
    expected,
    expectedTotals: (asked = {}) => expectedTotals(world, asked),
    setLimits: (limits) => limiter.change(limits),
    setLatency: (latencyMs) => {
      parts.latencyMs = latencyMs;
    },
    setRequestTime: (requestTakesMs) => {
      parts.requestTakesMs = requestTakesMs;
    },
    close: () =>
      new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

function partsOf(options: StripeSandboxOptions): ServerParts {
  const seed = options.seed ?? 1;
  const access: AccessOptions = {
    apiKey: options.apiKey ?? 'sk_test_sandbox',
    restrictedKeys: options.restrictedKeys ?? {},
    account: options.account ?? 'acct_sandbox',
  };
  return {
    world: new World({
      clock: options.clock ?? SandboxClock.running(),
      seed,
      livemode: options.livemode ?? false,
      apiVersion: SANDBOX_API_VERSION,
      population: options.population ?? null,
      eventVisibilityDelayMs: options.eventVisibilityDelayMs ?? 0,
      eventLifeMs: options.eventLifeMs ?? EVENT_LIFE_MS,
    }),
    access,
    faults: new Faults({ seed: seed + 7 }),
    limiter: new Limiter(options.limits ?? {}),
    journal: new Journal(),
    latencyMs: options.latencyMs ?? 0,
    requestTakesMs: 0,
  };
}

/** https://docs.stripe.com/api/events: guaranteed for 30 days. */
const EVENT_LIFE_MS = 30 * 86_400_000;

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
