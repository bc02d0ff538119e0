/** A fresh proof of the closed days of a round, and what it must say. */
import { expect } from 'vitest';
import type { StripeSandbox } from '../../../sandbox/stripe/sandbox.js';
import type { Variables } from '../process/session.js';
import { runUnhurried } from './command.js';
import { CRASH_DAYS } from './stage.js';

interface Shown {
  readonly day: string;
  readonly state: string;
  readonly findings: readonly { readonly payment_id: string | null }[];
}

/** A fresh proof seals every closed day but those of payments that are parked, and these are open for that alone. */
export async function expectProven(stripe: StripeSandbox, variables: Variables): Promise<void> {
  const proof = await runUnhurried(['prove', '--json', ...closedDays(stripe.clock.now())], variables);
  const certificates: readonly Shown[] = JSON.parse(proof.output).certificates;
  const parked = new Set(
    [...stripe.expected()].flatMap(({ id, expected }) => (expected.outcome === 'parked' ? [id] : [])),
  );
  const isRight = ({ state, findings }: Shown) =>
    state === 'sealed' || (state === 'open' && findings.every(({ payment_id }) => parked.has(payment_id ?? '')));
  expect(certificates.filter((certificate) => !isRight(certificate))).toEqual([]);
  expect(new Set(certificates.map(({ day }) => day)).size, proof.errors).toBe(CRASH_DAYS);
}

const DAY_MS = 86_400_000;

function closedDays(now: Date): string[] {
  const day = (ago: number) => new Date(now.getTime() - ago * DAY_MS).toISOString().slice(0, 10);
  return ['--from', day(CRASH_DAYS), '--to', day(1)];
}
