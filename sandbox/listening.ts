// How both sandboxes are started by hand: what their options hold, that a port is taken, what goes into `.env`, and their end.

import { InvalidArgumentError } from 'commander';

/** The sandbox, or the process ends with words that say which port and what to do. */
export async function orPortTaken<Sandbox>(
  start: Promise<Sandbox>,
  { port, command }: { readonly port: number; readonly command: string },
): Promise<Sandbox> {
  try {
    return await start;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const next = port + 2 > 65_535 ? 0 : port + 2;
    const why =
      error.code === 'EADDRINUSE'
        ? `Port ${port} is taken, perhaps by another sandbox. Stop that one, or name another port`
        : `Port ${port} cannot be listened on (${String(error.code)}). Name another port`;
    process.stderr.write(`${why}: npm run ${command} -- --port ${next} (0 takes any free one)\n`);
    process.exit(1);
  }
}

/** Lines that a person pastes. */
export function environmentLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Ends the process once the sandbox is closed: 0, or 1 with what went wrong. */
export function closeWhenTold(sandbox: { close(): Promise<void> }): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      sandbox.close().then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(`${String(error)}\n`);
          process.exit(1);
        },
      );
    });
  }
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number is needed');
  return Number(text);
}
