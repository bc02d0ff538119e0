/** What follows a person's decision, as text. */

/** After a dismissal. */
export const PROVEN_AGAIN = 'A day that was proven before is proven again by the worker, now with this decision.';
