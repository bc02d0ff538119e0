/** `accounts`: looks at every balance of the mirror's own ledger now, and compares their sums with the source. */
import type { Command } from 'commander';
import type { AccountsChecked } from '../operations/check-accounts.js';
import { accountsLines } from '../views/accounts-text.js';
import { toJson } from '../views/json.js';
import { jsonOption, printLines } from './command.js';
import type { CommandEnvironment } from './ports.js';

export interface AccountsOptions {
  readonly json?: boolean;
}

export function addAccountsCommand(program: Command, check: (options: AccountsOptions) => Promise<void>): void {
  program
    .command('accounts')
    .description("look at every balance of the mirror's own ledger, and compare their sums with the source")
    .addOption(jsonOption())
    .action(check);
}

/** The operation that the command shows. */
export interface AccountsOperation {
  checkAccounts(): Promise<AccountsChecked>;
}

/** Sets the exit code: 0 when every sum is equal, or moving, and nothing is beside the balances in use. */
export async function checkAccounts(
  environment: CommandEnvironment,
  operation: AccountsOperation,
  { json = false }: AccountsOptions,
): Promise<void> {
  const checked = await operation.checkAccounts();
  printLines(environment, json ? [toJson(checked)] : accountsLines(checked, environment.output.columns));
  const { accounts, sums } = checked;
  const isSound =
    sums.every(({ verdict }) => verdict !== 'different') && accounts.missing === 0 && accounts.marksLost === 0;
  environment.exit(isSound ? 0 : 1);
}
