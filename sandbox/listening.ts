// What both sandboxes say when they are started by hand: that a port is taken, and what goes into `.env`.

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
