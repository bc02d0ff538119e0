/**
 * Proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`) are not spoken to. Whoever sets one means that nothing
 * goes around it, so an address that it stands for is refused, and no request leaves by another way unseen. Pure.
 */
import { isLoopback } from './base-url.js';

type Variables = Readonly<Record<string, string | undefined>>;

/** @returns the problem of the variable that stands for this address; null when none does, or `NO_PROXY` leaves it out */
export function proxyProblem(address: string, variables: Variables): string | null {
  if (!URL.canParse(address)) return null;
  const { protocol, hostname, port } = new URL(address);
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = names.find((one) => isSet(variables[one]));
  if (name === undefined || isLoopback(hostname)) return null;
  const exceptions = [variables.no_proxy, variables.NO_PROXY].find(isSet) ?? '';
  const ofHost = { hostname, port: port === '' ? (protocol === 'https:' ? '443' : '80') : port };
  if (exceptions.split(/[\s,]+/).some((entry) => leavesOut(entry.toLowerCase(), ofHost))) return null;
  return (
    `${name}: is set (not shown, it may hold a password), and this software speaks to no proxy. Where ${hostname} is ` +
    `reached without one, add ${hostname} to NO_PROXY, or leave ${name} out for this process; else run it where that host is reached`
  );
}

/** An entry is `*`, or a host with all that is below it: `stripe.com`, `.stripe.com`, `*.stripe.com`, each with a port if need be. */
function leavesOut(entry: string, { hostname, port }: { readonly hostname: string; readonly port: string }): boolean {
  if (entry === '*') return true;
  const [, host = '', ofPort] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  if (host === '' || (ofPort !== undefined && ofPort !== port)) return false;
  return hostname === host || hostname.endsWith(`.${host}`);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
