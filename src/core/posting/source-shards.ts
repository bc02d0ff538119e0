/**
 * The mirror's own balances. Blnk applies one transaction after the other to a balance, so a mirror of very many payments spreads
 * its source over several: each payment goes out of one of them, always the same, and each is a lane. Pure.
 */

export interface OwnBalances {
  /** Balance that all payments come from, or what the names of all such balances begin with. */
  readonly source: string;
  /** How many there are. With one it is the source itself. */
  readonly sourceShards: number;
}

/** Each is a balance for each currency, and what a proof has to ask for. */
export const SHARDS_MAX = 64;

/** Of the balance that this payment goes out of: `@stripe`, or `@stripe_0` to `@stripe_7` of eight. */
export function sourceOf(paymentId: string, { source, sourceShards }: OwnBalances): string {
  return sourceShards === 1 ? source : shardName(source, hashOf(paymentId) % sourceShards);
}

/** Of all of them, in their order. */
export function ownBalancesOf({ source, sourceShards }: OwnBalances): string[] {
  if (sourceShards === 1) return [source];
  return Array.from({ length: sourceShards }, (_, shard) => shardName(source, shard));
}

/** The name that another balance must not have: the balances themselves, and what their names are made of. */
export function isOwnBalance(name: string, own: OwnBalances): boolean {
  // Almost no customer has such a name, so the list of own balances is rarely built.
  return name.startsWith(own.source) && (name === own.source || ownBalancesOf(own).includes(name));
}

function shardName(source: string, shard: number): string {
  return `${source}_${shard}`;
}

/**
 * FNV-1a with 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/), of the id's UTF-16 units: what it answers is in ledgers, so
 * it is never changed. Mixed once more, because its last bits alone, which choose among two or four, follow the last letter.
 */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
