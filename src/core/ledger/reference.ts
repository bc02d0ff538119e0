/**
 * The grammar of references in the ledger, written once: ours (the object's id, `:r<n>`, `:adj:<n>`), those that a person is told to
 * use (`:undo`), and those that a Core derives by itself: `_q` (the decided copy of a queued row), `-<n>` and `_<n>` (a leg
 * of a split), `<transaction id>_refund`. Knows references, not rows: what stands in the ledger is `current-rows.ts`.
 */
import { isMirroredId } from '../kinds/registry.js';

/**
 * `original`: under the object's id. `replacement`, `correction`: ours, beside it. `reversal`: takes another row back.
 * `leg`: one part of a split. `foreign`: no reference of ours, or of another object.
 */
export type ReferenceRole = 'original' | 'replacement' | 'correction' | 'reversal' | 'leg' | 'foreign';

export interface ParsedReference {
  /** The id of the Stripe object; null when the reference is made of none. */
  readonly objectId: string | null;
  readonly role: ReferenceRole;
  /** Of a replacement, a correction, a leg, or a numbered reversal. */
  readonly number: number | null;
  /** The reference without the mark of a queued row's decided copy. */
  readonly base: string;
  /** What a reversal takes back and a leg is a part of; else the same as `base`. */
  readonly of: string;
  readonly isQueuedChild: boolean;
}

const QUEUED_CHILD = '_q';
const SUFFIXES = [
  { role: 'reversal', pattern: /^(.+):undo(?::(\d+))?$/ },
  { role: 'leg', pattern: /^(.+)[-_](\d+)$/ },
  { role: 'replacement', pattern: /^(.+):r(\d+)$/ },
  { role: 'correction', pattern: /^(.+):adj:(\d+)$/ },
] as const;

/**
 * @param isObject whether a text is the id of an object that is asked about. An id wins over a longer derivation, so that a
 * payment whose id ends like a leg is not taken for a part of another one. Without it every derivation is reversed.
 */
export function parseReference(reference: string, isObject: (id: string) => boolean = () => false): ParsedReference {
  const whole = { objectId: reference, number: null, base: reference, of: reference, isQueuedChild: false };
  if (isObject(reference)) return { ...whole, role: 'original' };
  if (reference.endsWith(QUEUED_CHILD)) {
    const parent = parseReference(reference.slice(0, -QUEUED_CHILD.length), isObject);
    if (parent.objectId !== null && !parent.isQueuedChild) return { ...parent, isQueuedChild: true };
  }
  for (const { role, pattern } of SUFFIXES) {
    const [, of, number] = pattern.exec(reference) ?? [];
    if (of === undefined) continue;
    const inner = parseReference(of, isObject);
    if (inner.objectId === null || inner.isQueuedChild) continue;
    // Nothing of ours is derived from a replacement or a correction but what Core or a person derives.
    if ((role === 'replacement' || role === 'correction') && inner.role !== 'original') continue;
    const counted = number === undefined ? null : Number(number);
    return { objectId: inner.objectId, role, number: counted, base: reference, of, isQueuedChild: false };
  }
  if (isMirroredId(reference)) return { ...whole, role: 'original' };
  const isQueuedChild = reference.endsWith(QUEUED_CHILD);
  const base = isQueuedChild ? reference.slice(0, -QUEUED_CHILD.length) : reference;
  return { ...whole, objectId: null, role: 'foreign', base, of: base, isQueuedChild };
}

/** The reference that Core gives to the decided copy of a queued transaction. */
export function queuedChildOf(reference: string): string {
  return `${reference}${QUEUED_CHILD}`;
}

/** The reference of the transaction that Blnk's refund route makes of another one. */
export function refundOf(transactionId: string): string {
  return `${transactionId}_refund`;
}

/** The transaction that the refund route made this reference of; null when it did not. */
export function refundedBy(reference: string): string | null {
  return /^(.+)_refund(?:_q)?$/.exec(reference)?.[1] ?? null;
}

/**
 * Where a transaction that was posted as `reference` can be found whichever way somebody posted it: itself, decided from the
 * queue, or in parts. A split leaves no row under its own reference, so the absence of that one proves nothing. Core counts
 * legs from 1 and one part is no split; the second is asked for because the first may have failed.
 */
export function formsOf(reference: string): string[] {
  return [reference, queuedChildOf(reference), ...legsOf(reference, 2)];
}

/** What may stand beside one of the forms, once one was found: all its legs, and what a person took back. */
export function furtherFormsOf(reference: string): string[] {
  return [...legsOf(reference, LEGS_MAX).flatMap((form) => [form, queuedChildOf(form)]), ...reversalFormsOf(reference)];
}

/** Those with higher numbers are found by our metadata, which replacements and corrections always carry. */
const REPAIRS_ASKED = 9;

/** Under which repairs of one payment are posted. */
export function repairReferencesOf(paymentId: string): string[] {
  const numbers = Array.from({ length: REPAIRS_ASKED }, (_, index) => index + 1);
  return numbers.flatMap((number) => [`${paymentId}:r${number}`, `${paymentId}:adj:${number}`]);
}

/** Under which a person takes back what was posted as `reference`, as `undoReferenceOf` names it. */
export function reversalFormsOf(reference: string): string[] {
  const undo = `${reference}:undo`;
  return [`${undo}:2`, undo].flatMap((form) => [form, queuedChildOf(form)]);
}

/** More parts than this nobody was seen to use for one payment; the proof of the day finds them by their prefix. */
const LEGS_MAX = 9;

function legsOf(reference: string, count: number): string[] {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return numbers.flatMap((number) => [`${reference}-${number}`, `${reference}_${number}`]);
}

/** The reference under which a row is to be taken back: `<reference>:undo`, numbered when that one is used. */
export function undoReferenceOf(reference: string, isUsed: (reference: string) => boolean): string {
  const first = `${reference}:undo`;
  for (let number = 1; ; number += 1) {
    const free = number === 1 ? first : `${first}:${number}`;
    if (!isUsed(free)) return free;
  }
}
