/** What `status` would answer now. */
import { define, type Level } from './define.js';

export const VERDICT_EVENTS = {
  verdictChanged: define<{
    readonly state: string;
    readonly before: string | null;
    readonly needs: readonly string[];
    readonly severity: Level;
    readonly sentence: string;
  }>({
    level: { of: ({ severity }) => severity, text: 'info, warn or error: as the worst need' },
    fields: {
      state: '`complete`, `behind`, `incomplete`, `reading`, `unknown` or `not_started`',
      before: 'the state before; null at the first look',
      needs: 'codes of what it needs, worst first',
      severity: 'the level of this line',
      sentence: 'the first line of `status`',
    },
    sentence: ({ sentence }) => sentence,
    meaning: 'What `status` answers has changed, or what it needs.',
    whatToDo: 'run `status`: it says what to do for each need',
  }),
};
