/**
 * The log as a person reads it on a terminal: when, how grave, and the sentence. The fields are for programs, which get them
 * as JSON; what a person needs of them is in the sentence.
 */
import { styleText } from 'node:util';

export interface LogTerminal {
  write(text: string): unknown;
  readonly inColours: boolean;
  /** One line as the terminal takes it: harmless, and broken between words, the later ones beneath the text of the first. */
  toLines(line: string): readonly string[];
}

const LEVELS: Readonly<Record<number, readonly [name: string, colour: 'red' | 'yellow' | 'green' | 'blue']>> = {
  ...{ 60: ['FATAL', 'red'], 50: ['ERROR', 'red'], 40: ['WARN', 'yellow'] },
  ...{ 30: ['INFO', 'green'], 20: ['DEBUG', 'blue'], 10: ['TRACE', 'blue'] },
};

/** What pino writes, a line of JSON at a time, as lines for a terminal. */
export function forPeople({ write, inColours, toLines }: LogTerminal): { write(line: string): void } {
  return {
    write(json) {
      const { time, level, msg } = JSON.parse(json) as { time: number; level: number; msg: string };
      const [name, colour] = LEVELS[level] ?? [`${level}`, 'blue'];
      const at = `${new Date(time).toISOString().slice(11, 19)}Z`;
      // Two spaces: what stands before them leads, and the text is broken beside it.
      const [first = '', ...others] = toLines(`${at} ${name.padEnd(5)}  ${msg}`);
      // Whether this terminal takes colours is decided by whoever opened it.
      const painted = inColours ? first.replace(name, styleText(colour, name, { validateStream: false })) : first;
      write(`${[painted, ...others].join('\n')}\n`);
    },
  };
}
