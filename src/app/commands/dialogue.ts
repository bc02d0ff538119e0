/** Composition: answers of whoever sits at the terminal, or of a program that writes into standard input. */
import type { Dialogue } from '../../cli/init.js';

interface DialogueParts {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Where what is entered is shown. */
  readonly output: { write(text: string): unknown };
  readonly signal: AbortSignal;
}

export async function openDialogue({ input, output, signal }: DialogueParts): Promise<Dialogue> {
  const { createInterface } = await import('node:readline');
  const { Writable } = await import('node:stream');
  const isTerminal = input.isTTY === true;
  let isMuted = false;
  // What a terminal echoes comes through here, so that a secret is not shown while it is entered.
  const echo = new Writable({
    write(piece, _encoding, done) {
      if (!isMuted) output.write(String(piece));
      done();
    },
  });
  const reader = createInterface({ input, output: echo, terminal: isTerminal, historySize: 0 });
  // Lines may come before they are asked for: a program writes them all at once.
  const lines: string[] = [];
  let isOver = false;
  let wake = (): void => {};
  const end = (): void => {
    isOver = true;
    wake();
  };
  reader.on('line', (line) => {
    lines.push(line);
    wake();
  });
  reader.on('close', end);
  reader.on('SIGINT', end);
  signal.addEventListener('abort', end, { once: true });
  return {
    async answer({ isSecret = false } = {}) {
      if (signal.aborted) return null;
      output.write('> ');
      isMuted = isSecret;
      while (lines.length === 0 && !isOver) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      isMuted = false;
      if (isSecret || !isTerminal) output.write('\n');
      return signal.aborted ? null : (lines.shift() ?? null);
    },
    close() {
      signal.removeEventListener('abort', end);
      reader.close();
    },
  };
}
