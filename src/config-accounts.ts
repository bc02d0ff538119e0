/** The part of the configuration that says where customers' money lands in Blnk. */
import * as z from 'zod';
import {
  ACCOUNTS_ALLOWED,
  ACCOUNTS_MODES,
  type AccountsMode,
  DEFAULT_LEDGER_NAME,
} from './core/accounts/accounts-mode.js';

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
