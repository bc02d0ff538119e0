/**
 * Where commands write. Results go to standard output; errors, warnings and progress to standard error, as text, or with
 * `--json` each as one JSON object on a line of its own: `{"error":{"code","kind","message"}}`, `{"warning":…}`,
 * `{"progress":…}`. Exit codes are the same either way.
 */
import { describeFault, faultFields } from '../core/base/errors.js';
import type { Tone } from '../views/status-text.js';
import { wrapLine } from '../views/text-width.js';
import type { CommandOutput } from './ports.js';

export interface OutputStreams extends Pick<CommandOutput, 'columns' | 'errorTerminal'> {
  /** One line each. */
  toOutput(line: string, tone?: Tone): void;
  toErrors(line: string): void;
  /** Of the terminal behind `toErrors`; 0 when it is none. */
  readonly errorColumns: number;
}

export function createOutput(streams: OutputStreams): CommandOutput {
  const { toOutput, toErrors, columns, errorColumns, errorTerminal } = streams;
  let json = false;
  const say = (line: string, asJson: object) => {
    const lines = json ? [JSON.stringify(asJson)] : line.split('\n').flatMap((one) => wrapLine(one, errorColumns));
    for (const one of lines) toErrors(one);
  };
  return {
    print(line, tone) {
      if (json) return toOutput(line);
      for (const one of line.split('\n').flatMap((text) => wrapLine(text, columns))) toOutput(one, tone);
    },
    printData: (line) => toOutput(line),
    warn: (line) => say(line, { warning: line }),
    note: (line) => say(line, { progress: line }),
    fail: (error) => say(describeFault(error), { error: faultFields(error) }),
    expectJson() {
      json = true;
    },
    isJson: () => json,
    columns,
    errorTerminal,
  };
}
