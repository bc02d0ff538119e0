/** Days that may be asked about. Stripe began in 2011; the day after the last one is still one that every part can write. */
export const DAY_MIN = '2000-01-01';
export const DAY_MAX = '9998-12-31';

/** @param day `2026-11-21` */
export function isPaymentDay(day: string): boolean {
  return day >= DAY_MIN && day <= DAY_MAX;
}
