/** Whether a worker with this configuration goes on with what the database mirrors, or may begin. */
import { formatTime } from '../base/time-text.js';
import { type Check, faulty, fine, ofKnown } from './finding.js';

export const mirrorCheck: Check = {
  part: 'mirror',
  judge: ({ mirror }) =>
    ofKnown(
      mirror,
      'what is mirrored is not known before database and keys are',
      ({ mirror: held, fault, isLedgerSeen, workers }) => {
        if (fault !== null) return [faulty(fault)];
        if (held === null)
          return [fine(`not begun${isLedgerSeen ? '; the ledger holds nothing of this software' : ''}`)];
        const running =
          workers === 0 ? 'no worker runs' : `${workers} ${workers === 1 ? 'worker runs' : 'workers run'}`;
        return [fine(`begins ${formatTime(held.startsAt)} UTC; ${running}`)];
      },
    ),
};
