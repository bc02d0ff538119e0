/** What may go wrong with one request to the compact ledger, and what its client then sees. */

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Half of it is sent, then the connection ends. */
  readonly isCut?: boolean;
}

const OF_POSTS = ['reset', 'answer_lost', 'repeated', '500_applied', '503', '429', 'locked', 'cut'] as const;
const OF_LOOK_UPS = ['reset', '500', '503', '429', 'cut'] as const;

export type Fault = (typeof OF_POSTS)[number] | (typeof OF_LOOK_UPS)[number];

export function drawFault(random: () => number, isPost: boolean): Fault {
  const faults: readonly Fault[] = isPost ? OF_POSTS : OF_LOOK_UPS;
  return faults[Math.floor(random() * faults.length)] ?? '503';
}

/** @param handle does what was asked and answers it; called twice when the request is repeated on its way */
export function afterRouting(fault: Fault | null, handle: () => Answer): Answer | 'reset' {
  switch (fault) {
    case null:
      return handle();
    case 'reset':
      return 'reset';
    case 'answer_lost':
      handle();
      return 'reset';
    case 'repeated':
      handle();
      return handle();
    case '500_applied':
      handle();
      return refusal(500, 'GEN_INTERNAL_ERROR');
    case 'locked':
      return refusal(423, 'GEN_RESOURCE_LOCKED');
    case 'cut':
      return { ...handle(), isCut: true };
    case '500':
      return refusal(500, 'GEN_INTERNAL_ERROR');
    case '503':
      return refusal(503, 'GEN_UNAVAILABLE');
    case '429':
      return refusal(429, 'GEN_RATE_LIMITED');
    default:
      return fault satisfies never;
  }
}

function refusal(status: number, code: string): Answer {
  const message = 'a fault of the soak';
  return { status, body: JSON.stringify({ error: message, error_detail: { code, message } }) };
}
