/**
 * Whether the user name and password of an address are spelled so that every reader of addresses finds the same end of
 * them. With a bare `@`, `/`, `?` or `#` in a password, parts of it are taken for host, port or database, and would be
 * shown with these. Characters with another meaning are written as `%` and two digits (RFC 3986, section 2.1).
 */

const ENCODED = '@ as %40, / as %2F, : as %3A, ? as %3F, # as %23, % as %25';

/** @returns what is wrong and how to write it, without any part of the address; null when the login is clear */
export function loginProblem(address: string): string | null {
  const afterScheme = address.replace(/^[a-z][a-z\d+.-]*:\/\//i, '');
  const authority = /^[^/?#]*/.exec(afterScheme)?.[0] ?? '';
  const rest = afterScheme.slice(authority.length);
  const signs = authority.split('@').length - 1;
  const path = /^[^?]*/.exec(rest)?.[0] ?? '';
  const isClear = signs <= 1 && !path.includes('@') && (signs === 1 || !rest.includes('@'));
  return isClear ? null : `its password holds a character that ends a password in an address; allowed is ${ENCODED}`;
}
