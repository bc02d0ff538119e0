/**
 * All kinds of Stripe objects that are mirrored, by their ids and how our metadata names them. A further kind is a file beside this one, a
 * line here, and what is its own: a feed that reads it (src/collect), its mapping (src/core/posting), and its side of a proof (src/core/proof).
 */
import type { ObjectKind } from './object-kind.js';
import { PAYMENT } from './payment.js';

export const OBJECT_KINDS = [PAYMENT] as const satisfies readonly ObjectKind[];

/** What a posting is made of. */
export type PostingObject = (typeof OBJECT_KINDS)[number]['object'];

/** Whether a reference begins like the id of a mirrored object: it is one, or is derived from one. */
export function isMadeOfMirroredId(reference: string): boolean {
  return OBJECT_KINDS.some(({ idPrefix }) => reference.startsWith(idPrefix));
}

/** Under which key of our metadata an object's id stands. Ids of no kind that is mirrored are looked for as payments. */
export function metadataKeyOf(id: string): string {
  return (OBJECT_KINDS.find(({ idPrefix }) => id.startsWith(idPrefix)) ?? PAYMENT).metadataKey;
}

/** Whether a text can be the id of a mirrored object. Without a colon: what is derived from an id begins there. */
export function isMirroredId(text: string): boolean {
  return (
    !text.includes(':') &&
    OBJECT_KINDS.some(({ idPrefix }) => text.length > idPrefix.length && text.startsWith(idPrefix))
  );
}
