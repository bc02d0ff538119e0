/**
 * `worker`, `serve`, `health`, `migrate` and `demo`: the commands that run something. What they run is handed in by the
 * composition root.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';

export interface ProcessActions {
  worker(options: { readonly adopt: boolean }): Promise<void>;
  serve(): Promise<void>;
  health(): Promise<void>;
  migrate(): Promise<void>;
  demo(options: { readonly once: boolean; readonly payments: number }): Promise<void>;
}

/** The stand-in for Stripe holds them all in memory. */
const DEMO_PAYMENTS_MAX = 1_000_000;

/** Adds the commands that run processes. The first one is what `npm start` runs. */
export function addProcessCommands(program: Command, actions: ProcessActions): void {
  program
    .command('worker')
    .description('run the mirror until SIGINT, SIGTERM or SIGHUP: sync at once, then on schedule, and post')
    .option(
      '--adopt',
      'go on over a ledger that already holds transactions of this software although the database is empty',
    )
    .action((options: { readonly adopt?: boolean }) => actions.worker({ adopt: options.adopt ?? false }));
  program
    .command('serve')
    .description('pages, API and health of a mirror without a worker, until SIGINT, SIGTERM or SIGHUP')
    .action(() => actions.serve());
  program
    .command('health')
    .description('whether the worker of this machine is ready, for supervisors: asks its HTTP server')
    .action(() => actions.health());
  program
    .command('migrate')
    .description('create or upgrade the tables in DATABASE_URL; safe to run again')
    .action(() => actions.migrate());
  program
    .command('demo')
    .description(
      'see it work without any account: stand-ins for Stripe and Blnk, the payments of a shop, a real worker',
    )
    .option('--once', 'exit when the demonstration is over, instead of keeping everything running')
    .addOption(
      new Option('--payments <number>', 'how many PaymentIntents the stand-in for Stripe holds')
        .default(600)
        .argParser(parsePayments),
    )
    .action((options: { readonly once?: boolean; readonly payments: number }) =>
      actions.demo({ once: options.once ?? false, payments: options.payments }),
    );
}

function parsePayments(text: string): number {
  const payments = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (payments >= 1 && payments <= DEMO_PAYMENTS_MAX) return payments;
  throw new InvalidArgumentError(`Allowed: 1 to ${DEMO_PAYMENTS_MAX}.`);
}
