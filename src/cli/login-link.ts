/** `login-link`: a link with which somebody logs in once, so that no token is handed around. */
import type { Command } from 'commander';
import type { SessionRole } from '../core/base/action.js';
import { formatTime } from '../core/base/time-text.js';
import type { LoginLink } from '../operations/make-login-link.js';
import { toJson } from '../views/json.js';
import { byOption, jsonOption } from './command.js';
import type { CommandEnvironment } from './ports.js';

export interface LoginLinkOptions {
  readonly viewer?: boolean;
  readonly by?: string;
  readonly json?: boolean;
}

export interface LoginLinkOperation {
  makeLoginLink(asked: { readonly role: SessionRole; readonly by: string }): Promise<LoginLink>;
}

export function addLoginLinkCommand(program: Command, make: (options: LoginLinkOptions) => Promise<void>): void {
  program
    .command('login-link')
    .description('print a link with which one person logs in to the pages once, within ten minutes')
    .option('--viewer', 'for a session that may read everything and change nothing')
    .addOption(byOption('who made it, in place of your user name'))
    .addOption(jsonOption())
    .action(make);
}

export async function printLoginLink(
  { output, userName }: CommandEnvironment,
  { makeLoginLink }: LoginLinkOperation,
  { viewer = false, by = userName, json = false }: LoginLinkOptions,
): Promise<void> {
  const link = await makeLoginLink({ role: viewer ? 'viewer' : 'admin', by });
  if (json) {
    output.print(toJson(link));
    return;
  }
  // Alone on its line, and never broken: it is copied, or read by a program.
  output.printData(link.url);
  const may = viewer ? 'read everything and change nothing' : 'read and change everything';
  output.note(`For one log-in, until ${formatTime(link.expiresAt)} UTC. Whoever opens it first may ${may}.`);
}
