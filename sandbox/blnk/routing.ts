// Finds out whom a request is meant for, by its path and credentials, and whether it may pass: Core (X-Blnk-Key, routes at the
// root), the Cloud's proxy (/proxy/<Core's route>) or the Cloud's own reading routes (Bearer token and instance_id).

import { type Answer, failureAnswer, jsonAnswer, notFoundPage } from './answers.js';
import type { Api, Call } from './call.js';
import type { CloudAccess } from './cloud-access.js';
import { answerCloud, cloudRouteKey, noCloudRoute } from './cloud-routes.js';
import { type CoreParts, findCoreRoute } from './core-routes.js';
import { answerAsVersion, type CoreVersion } from './core-version.js';
import type { Exchange } from './exchange.js';
import { UnreadableValue } from './filter-match.js';

export interface Destination {
  api: Api;
  /** Method and path of the route, with `:` for parameters. */
  key: string;
  segments: readonly string[];
  refusal?: Answer;
  handle(parts: CoreParts, call: Call): Promise<Answer>;
}

interface RoutingSettings {
  coreKey: string;
  coreVersion: CoreVersion;
  access: CloudAccess;
  proxyRoutes: 'documented' | 'all';
  cloudOmitsPreciseAmount: boolean;
  cloudEstimatesTotals: boolean;
}

/** The destination of a request; with a refusal when it must not reach it. */
export function findDestination({ request, url }: Exchange, settings: RoutingSettings): Destination {
  const method = request.method ?? 'GET';
  const segments = decodePath(url.pathname);
  const key = `${method} ${url.pathname}`;
  if (segments === undefined) {
    return refused({ api: 'core', key, segments: [] }, jsonAnswer(400, { error: 'invalid path' }));
  }
  const isProxy = segments[0] === 'proxy';
  const isCloud =
    segments[0] === 'data' || (url.searchParams.has('instance_id') && request.headers['x-blnk-key'] === undefined);
  if (!isProxy && !isCloud) {
    return coreDestination({ method, segments, given: request.headers['x-blnk-key'] }, settings);
  }
  const scope = isProxy ? (method === 'GET' ? 'proxy:read' : 'proxy:write') : 'data:read';
  const instanceId = url.searchParams.get('instance_id');
  const refusal = settings.access.refuse({ authorization: request.headers.authorization, instanceId, scope });
  const destination = isProxy
    ? proxyDestination(method, segments.slice(1), settings)
    : cloudDestination(method, segments, settings);
  return refusal === undefined ? destination : refused(destination, refusal);
}

function coreDestination(
  { method, segments, given }: { method: string; segments: readonly string[]; given: string | string[] | undefined },
  { coreKey, coreVersion }: RoutingSettings,
): Destination {
  const destination = throughCore('core', method, segments, coreVersion);
  if (given === coreKey || destination.key === 'GET /health') {
    return destination;
  }
  const missing = given === undefined || given === '';
  const code = missing ? 'AUTH_MISSING_API_KEY' : 'AUTH_INVALID_API_KEY';
  const message = missing ? 'Authentication required. Use X-Blnk-Key header' : 'Invalid API key';
  return refused(
    destination,
    answerAsVersion(coreVersion, destination.key, failureAnswer({ status: 401, code, message })),
  );
}

function proxyDestination(
  method: string,
  segments: readonly string[],
  { proxyRoutes, coreVersion }: RoutingSettings,
): Destination {
  const isDocumented = findCoreRoute(method, segments)?.route.documentedProxyRoute === true;
  const destination = throughCore('proxy', method, segments, coreVersion);
  return isDocumented || proxyRoutes === 'all' ? destination : refused(destination, noCloudRoute);
}

function cloudDestination(method: string, segments: readonly string[], settings: RoutingSettings): Destination {
  const key = cloudRouteKey(method, segments);
  const handle = guarded((parts, call) =>
    answerCloud(parts, call, {
      omitsPreciseAmount: settings.cloudOmitsPreciseAmount,
      estimatesTotals: settings.cloudEstimatesTotals,
    }),
  );
  const destination: Destination = { api: 'cloud', key: key ?? `${method} /${segments.join('/')}`, segments, handle };
  return key === undefined ? refused(destination, noCloudRoute) : destination;
}

function throughCore(
  api: Api,
  method: string,
  segments: readonly string[],
  version: RoutingSettings['coreVersion'],
): Destination {
  const found = findCoreRoute(method, segments);
  const key = found?.route.key ?? `${method} (no route)`;
  const handle = guarded((parts, call) => found?.route.handle(parts, call, found.parameters) ?? notFoundPage);
  return {
    api,
    key,
    segments,
    handle: async (parts, call) => answerAsVersion(version, key, await handle(parts, call)),
  };
}

/** A value that the database could not read is an answer, not a crash. */
function guarded(handle: (parts: CoreParts, call: Call) => Answer | Promise<Answer>): Destination['handle'] {
  return async (parts, call) => {
    try {
      return await handle(parts, call);
    } catch (error) {
      if (error instanceof UnreadableValue) {
        return failureAnswer(error.failure);
      }
      throw error;
    }
  };
}

function refused(destination: Omit<Destination, 'handle'>, refusal: Answer): Destination {
  return { ...destination, refusal, handle: async () => refusal };
}

/** Segments after decoding, so that an encoded slash splits too, as in Core. */
function decodePath(pathname: string): string[] | undefined {
  try {
    return decodeURIComponent(pathname).split('/').slice(1);
  } catch (error) {
    if (error instanceof URIError) {
      return undefined;
    }
    throw error;
  }
}
