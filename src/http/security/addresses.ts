/** Who asks: addresses and names of this machine, and what a proxy said. */

/** As `URL` spells it. */
export function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name);
}

/** Of a socket: IPv4 may come as IPv6. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./.test(address ?? '');
}

/**
 * The address that asks, for counting wrong tokens. Of `X-Forwarded-For` the last one, which the proxy itself added: what stands
 * before it is what the client claimed.
 */
export function clientAddress(
  remote: string | undefined,
  { forwarded }: { readonly forwarded: string | undefined },
): string {
  const last = forwarded?.split(',').at(-1)?.trim();
  return last === undefined || last === '' ? (remote ?? 'unknown') : last.slice(0, 64);
}
