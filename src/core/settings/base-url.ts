/**
 * Which addresses a key may be sent to: https anywhere, http only where nobody can listen in, which is this machine, or
 * where somebody who knows the network says so by naming the host. An address holds no key and no password itself.
 */

/** Why this address is refused and what is allowed, without repeating what may be a password; null when it is taken. */
export function baseUrlProblem(text: string, httpHosts: readonly string[]): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return `is ${JSON.stringify(withoutLogin(text))}; allowed is a URL that begins with https:// or http://`;
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return 'holds a user name, a password, a query or a fragment (not shown); allowed is scheme, host, port and path alone, and the key stands in its own variable';
  }
  if (url.protocol === 'https:' || isLoopback(url.hostname) || httpHosts.includes(url.hostname)) return null;
  return `is ${JSON.stringify(text)}; over http everybody between here and ${url.hostname} can read the key and the payments. Allowed is https, http to this machine itself, or http to a host that ALLOW_HTTP_HOSTS names (ALLOW_HTTP_HOSTS=${url.hostname})`;
}

/** The host names of a list with commas, as URLs spell them; undefined when an entry is not a host name alone. */
export function parseHosts(text: string): readonly string[] | undefined {
  const hosts = text.split(',').map((entry) => {
    const url = URL.canParse(`http://${entry.trim()}`) ? new URL(`http://${entry.trim()}`) : null;
    return url !== null && url.href === `http://${url.hostname}/` && url.hostname !== '*' ? url.hostname : undefined;
  });
  return hosts.every((host) => host !== undefined) ? hosts : undefined;
}

/** By name only what resolvers must answer with this machine (RFC 6761): `localhost` and what ends with it. */
export function isLoopback(hostname: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[::1\]|([^.]+\.)*localhost)$/.test(hostname);
}

function withoutLogin(text: string): string {
  return text.replace(/^.*@/s, '…@');
}
