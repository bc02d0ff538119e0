/** Composition: links for one log-in, made by a command and used up by a server. */
import type { LoginLinkOperation } from '../../cli/login-link.js';
import type { HomeConfig } from '../../config/config.js';
import type { HttpConfig } from '../../config/http.js';
import { SyncError } from '../../core/base/errors.js';
import { noteActions } from '../../db/actions/action-store.js';
import type { Drizzle } from '../../db/connection/open.js';
import { createLoginLinkStore } from '../../db/login/login-link-store.js';
import type { HttpPorts } from '../../http/ports.js';
import { makeLinkSecret } from '../../http/security/tokens.js';
import { makeLoginLink } from '../../operations/make-login-link.js';
import { useLoginLink } from '../../operations/use-login-link.js';
import { localUrl } from '../server/ask-health.js';
import { type CommandContextOptions, openCommandHome } from './command-context.js';

/** Throws SyncError where no link can work, before anything is opened. */
export async function openLoginLinks(
  config: HomeConfig,
  options: Pick<CommandContextOptions, 'log' | 'signal'>,
): Promise<LoginLinkOperation & { close(): Promise<void> }> {
  const http = httpWithToken(config.http);
  const home = await openCommandHome(config, options);
  const { db } = home.database;
  const ports = {
    links: createLoginLinkStore(db),
    baseUrl: http.publicUrl ?? localUrl(http),
    makeSecret: () => makeLinkSecret(http),
    noteAs: (name: string) => noteAs(db, { name, origin: 'cli' }),
  };
  return { makeLoginLink: (asked) => makeLoginLink(ports, asked), close: () => home.close() };
}

/** Of a server. */
export function loginLinkUser(db: Drizzle): HttpPorts['useLoginLink'] {
  const ports = {
    links: createLoginLinkStore(db),
    noteAs: (name: string) => noteAs(db, { name, origin: 'web' }),
  };
  return (hash) => useLoginLink(ports, hash);
}

function noteAs(db: Drizzle, actor: Parameters<typeof noteActions>[1]) {
  return (actions: Parameters<typeof noteActions>[2]) => noteActions(db, actor, actions);
}

function httpWithToken(http: HttpConfig | null): HttpConfig {
  if (http === null) {
    throw new SyncError('HTTP_PORT is off, so there is nothing to log in to; allowed is a port', {
      kind: 'fatal',
      code: 'http_not_listening',
    });
  }
  if (http.adminToken === null) {
    throw new SyncError(
      'ADMIN_TOKEN is not set, so nobody has to log in: whoever is on this machine may open the pages. For other machines set it, for worker and command alike: openssl rand -hex 32',
      { kind: 'fatal', code: 'login_link_needs_token' },
    );
  }
  return http;
}
