/**
 * Under which names this server is asked. A page of somebody else whose name leads to this machine (DNS rebinding) is, to a
 * browser, the same origin as ours: the name in `Host` is all that tells it apart.
 */
import { isLoopbackName } from './addresses.js';

export interface OwnNames {
  /** As configured. */
  readonly host: string;
  /** An origin; null when there is none. */
  readonly publicUrl: string | null;
}

/** @param header the request's `Host`, or `:authority` */
export function isOwnHost(header: string | undefined, { host, publicUrl }: OwnNames): boolean {
  const name = nameOf(header);
  if (name === null) return false;
  if (isLoopbackName(name)) return true;
  if (publicUrl !== null && name === new URL(publicUrl).hostname) return true;
  return name === nameOf(host.includes(':') ? `[${host}]` : host);
}

/** Lower case, without the port; null when it is none. */
export function nameOf(header: string | undefined): string | null {
  if (header === undefined || !/^[\w.[\]:-]{1,255}$/.test(header)) return null;
  const address = `http://${header}`;
  return URL.canParse(address) ? new URL(address).hostname : null;
}

/** Whether an `Origin` is that of this request: the same name and port, or where people reach it. */
export function isOwnOrigin(
  origin: string,
  { host, publicUrl }: { readonly host: string; readonly publicUrl: string | null },
): boolean {
  if (origin === publicUrl) return true;
  return URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol) && new URL(origin).host === hostOf(host);
}

function hostOf(header: string): string | null {
  const address = `http://${header}`;
  return URL.canParse(address) ? new URL(address).host : null;
}
