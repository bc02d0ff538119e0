// Who may use the Cloud's routes and its proxy: tokens with scopes, for one instance. The bodies of its refusals are not documented but for
// the one without a token; the others are invented and deliberately unlike Core's, so that a client branches on the status alone.

import { type Answer, jsonAnswer } from './answers.js';

export type CloudScope = 'proxy:write' | 'proxy:read' | 'data:read';

export const cloudScopes: readonly CloudScope[] = ['proxy:write', 'proxy:read', 'data:read'];

interface Token {
  scopes: ReadonlySet<CloudScope>;
  expired: boolean;
}

export class CloudAccess {
  readonly #tokens = new Map<string, Token>();
  #instanceId: string;

  constructor(instanceId: string) {
    this.#instanceId = instanceId;
  }

  get instanceId(): string {
    return this.#instanceId;
  }

  /** The same ledger answers under another id from now on, and no more under this one. */
  renameInstance(instanceId: string): void {
    this.#instanceId = instanceId;
  }

  /** Makes a token valid, with these scopes and no others. */
  allow(token: string, scopes: readonly CloudScope[] = cloudScopes): void {
    this.#tokens.set(token, { scopes: new Set(scopes), expired: false });
  }

  /** Makes a token expired: 401 from now on. */
  expire(token: string): void {
    const known = this.#tokens.get(token);
    this.#tokens.set(token, { scopes: known?.scopes ?? new Set(), expired: true });
  }

  /** Makes a token unknown. */
  revoke(token: string): void {
    this.#tokens.delete(token);
  }

  /** Why this request may not pass, if so. */
  refuse(request: {
    authorization: string | undefined;
    instanceId: string | null;
    scope: CloudScope;
  }): Answer | undefined {
    const bearer = /^Bearer (.+)$/.exec(request.authorization ?? '')?.[1];
    if (request.authorization === undefined) {
      return jsonAnswer(401, { error: 'Authorization header is required' });
    }
    const token = bearer === undefined ? undefined : this.#tokens.get(bearer);
    if (token === undefined || token.expired) {
      const message = token === undefined ? 'Invalid or missing access token' : 'The access token has expired';
      return jsonAnswer(401, {
        success: false,
        message,
        reason: token === undefined ? 'invalid_token' : 'token_expired',
      });
    }
    if (request.instanceId !== this.#instanceId) {
      return request.instanceId === null || request.instanceId === ''
        ? jsonAnswer(400, { success: false, message: 'instance_id is required' })
        : jsonAnswer(404, { success: false, message: `Instance ${request.instanceId} not found` });
    }
    return token.scopes.has(request.scope)
      ? undefined
      : jsonAnswer(403, {
          success: false,
          message: `Missing required scope: ${request.scope}`,
          reason: 'insufficient_scope',
        });
  }
}
