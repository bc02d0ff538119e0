/**
 * What single variables may hold: zod types whose messages say what is allowed. Rules between variables, and which
 * variable has which type, stand in `config.ts`.
 */
import * as z from 'zod';
import {
  ACCOUNTS_ALLOWED,
  ACCOUNTS_MODES,
  type AccountsMode,
  DEFAULT_LEDGER_NAME,
} from '../core/accounts/accounts-mode.js';
import { parseDuration, parseMoment } from '../core/base/time-text.js';
import { parseHosts } from '../core/settings/base-url.js';
import { isDecodable } from '../core/settings/database-address.js';
import type { SyncStart } from '../core/settings/ignored-start.js';
import { loginProblem } from '../core/settings/login-problem.js';

interface Bound {
  readonly text: string;
  readonly ms: number;
}

const EXAMPLES = ['1s', '30s', '10m', '12h', '7d'];

/** Whole bounds: what is refused names both, and examples that are taken. */
export const duration = (fallback: string, { least, most }: { readonly least: Bound; readonly most: Bound }) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== undefined && ms >= least.ms && ms <= most.ms) return ms;
      const taken = EXAMPLES.filter((example) => {
        const exampleMs = parseDuration(example) ?? 0;
        return exampleMs >= least.ms && exampleMs <= most.ms;
      });
      context.addIssue({
        code: 'custom',
        message: `allowed is a duration such as ${taken.slice(-3).join(' or ')}, at least ${least.text} and at most ${most.text}`,
      });
      return z.NEVER;
    });

const url = (...protocols: readonly string[]) =>
  z.string().superRefine((text, context) => {
    const message = urlProblem(text, protocols);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

function urlProblem(text: string, protocols: readonly string[]): string | null {
  const isKnown = protocols.some((protocol) => text.toLowerCase().startsWith(`${protocol}//`));
  const unclear = isKnown ? loginProblem(text) : null;
  if (unclear !== null) return unclear;
  if (isKnown && URL.canParse(text) && isDecodable(text)) return null;
  return `allowed is a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`;
}

/** Redis numbers its databases; ioredis takes what is no number for a part of a key, and a missing one for 0. */
export const redisUrl = url('redis:', 'rediss:').refine(
  (text) => !/^rediss?:/i.test(text) || !URL.canParse(text) || isDatabaseNumber(text),
  {
    error:
      'allowed is / and the number of a database behind the host, e.g. redis://host:6379/2, or nothing (database 0)',
  },
);

function isDatabaseNumber(text: string): boolean {
  return /^(\/\d{0,5})?$/.test(new URL(text).pathname);
}

/** @param problemOf what is wrong with a key, without repeating it; null when it may be one */
export const key = (needed: string, problemOf: (text: string) => string | null) =>
  z.string({ error: needed }).superRefine((text, context) => {
    const message = problemOf(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

export const httpHosts = z
  .string()
  .refine((text) => parseHosts(text) !== undefined, {
    error: 'allowed are host names with commas between, without ports',
  })
  .optional();

export const balanceName = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .refine((text) => /^@[^\s:\p{Cc}\p{Cs}]{1,100}$/u.test(text), {
      error: 'allowed is @ and a name without spaces and colons, e.g. @stripe',
    });

export const syncStart = z
  .string()
  .default('30d')
  .transform((text, context): SyncStart => {
    if (text === 'all') return { kind: 'all' };
    const moment = parseMoment(text);
    if (moment !== undefined) return moment;
    context.addIssue({
      code: 'custom',
      message: 'allowed is a date (2026-01-31), a duration back from now (30d) or all',
    });
    return z.NEVER;
  });

/** A whole number from 1 on. */
export function countUpTo(most: number) {
  const error = `allowed is a whole number from 1 to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(1, { error }).max(most, { error });
}

const DEFAULT_SHARE = 0.4;
const SHARE_ALLOWED = 'allowed is a number above 0, at most 1, or auto';

const share = z.coerce
  .number({ error: SHARE_ALLOWED })
  .refine((part) => part > 0 && part <= 1, { error: SHARE_ALLOWED });

export const stripeShare = z.union([z.literal('auto'), share], { error: SHARE_ALLOWED }).default(DEFAULT_SHARE);

export interface StripeShares {
  readonly stripeShare: number;
  readonly stripeReadShare: number;
  readonly yieldsAtStripe: boolean;
}

/**
 * `auto` leaves a fifth to whatever else reads now and then, and makes room when that is not enough. The allocation over 30 days,
 * of which nothing comes back, is shared as it is by default.
 */
export function shareOf(given: number | 'auto'): StripeShares {
  if (given === 'auto') return { stripeShare: 0.8, stripeReadShare: DEFAULT_SHARE, yieldsAtStripe: true };
  return { stripeShare: given, stripeReadShare: given, yieldsAtStripe: false };
}

export interface AccountsConfig {
  readonly mode: AccountsMode;
  /** Of the ledger that is made with `ledger`. */
  readonly ledgerName: string;
}

export const accountsShape = {
  BLNK_ACCOUNTS: z.enum(ACCOUNTS_MODES, { error: ACCOUNTS_ALLOWED }).default('indicators'),
  BLNK_LEDGER_NAME: z
    .string()
    .default(DEFAULT_LEDGER_NAME)
    .refine((text) => /^[^\p{Cc}\p{Cs}]{1,200}$/u.test(text) && text.trim() !== '', {
      error: 'allowed is a name of up to 200 characters',
    }),
};
