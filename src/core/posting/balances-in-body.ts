/** The balances that a prepared transaction names, within its text. */

/**
 * The text with other balances and not a byte besides: amounts may have more digits than a parsed number keeps. The two stand one behind
 * the other in every prepared text, and no value before them can hold unescaped quotes.
 *
 * @param idOf of a name; the name itself where it is to stay
 */
export function withBalances(
  body: string,
  { source, destination }: { readonly source: string; readonly destination: string },
  idOf: (name: string) => string,
): string {
  const pairOf = (from: string, to: string) => `"source":${JSON.stringify(from)},"destination":${JSON.stringify(to)},`;
  const before = pairOf(source, destination);
  const at = body.indexOf(before);
  if (at < 0) throw new TypeError('a prepared transaction whose balances do not stand where they are written');
  return body.slice(0, at) + pairOf(idOf(source), idOf(destination)) + body.slice(at + before.length);
}
