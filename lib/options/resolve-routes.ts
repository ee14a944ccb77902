import { OidcConfigError } from '../errors/oidc-config.error.js';
import { routeDefaults } from './option-defaults.js';
import type { RouteOptions } from './route-options.js';
import { refuseUnknownOptions } from './unknown-option.js';
import { isRecord } from './value-rules.js';

/** The routes by name. */
export type RouteName = Exclude<keyof RouteOptions, 'prefix' | 'metadata' | 'apiTag'>;

/** Routes that take a form by POST; the others are asked by GET. */
export const formRoutes: readonly RouteName[] = [
  'token',
  'device',
  'revoke',
  'introspect',
  'backchannelLogout',
];

/** Routes that only broker mode has. */
export const brokerRoutes: readonly RouteName[] = ['jwks', 'introspect', 'backchannelLogout'];

/** Each route's path, {@link RouteOptions.prefix} included, absent when it is switched off. */
export type ResolvedRoutes = Readonly<Partial<Record<RouteName, string>>> & {
  readonly prefix: string;
  /** Where clients that log in look for device logins although they are switched off. */
  readonly noDevice?: string;
  /** Whether the well-known documents, whose paths are not ours to choose, are published. */
  readonly metadata: boolean;
  /** The tag of the routes in a document of the API. */
  readonly apiTag: string;
  /** Whether the host wrote a path for the list of providers. */
  readonly listsProviders: boolean;
  /** Whether browsers may log in by cookie: a factory says it only later. */
  readonly browserSessions?: true;
  /** Whether providers may send their answers by POST, likewise. */
  readonly formPost?: true;
};

export const routeNames = [
  'login',
  'callback',
  'token',
  'device',
  'logout',
  'userinfo',
  'revoke',
  'jwks',
  'clientJwks',
  'introspect',
  'backchannelLogout',
  'providers',
  'session',
] as const satisfies readonly RouteName[];

/** Begins with `/`, does not end with it, and means itself: no parameters, no wildcards. */
function isPlainPath(path: string): boolean {
  return /^(\/[\w.~-]+)+$/.test(path);
}

function pathOf(name: RouteName | 'prefix', value: unknown): string | undefined {
  if (value === false && name !== 'prefix') return undefined;
  if (value === '' && name === 'prefix') return '';
  if (typeof value === 'string' && isPlainPath(value)) return value;
  throw new OidcConfigError(
    `Option "routes.${name}" must be a plain path such as "${routeDefaults[name] || '/api'}"` +
      `${name === 'prefix' ? '' : ', or false'}; got ${JSON.stringify(value) ?? String(value)}. ` +
      'It begins with "/", does not end with it, and holds letters, digits, "/", "-", "_", "." and "~" only.',
  );
}

/**
 * The list of providers leads to the login route: without that there is none, unless the host wants one. Without sessions by cookie there is
 * nothing to be told of them.
 */
function isIdle(
  name: RouteName,
  { login, providers, session }: RouteOptions,
  mayHaveSessions: boolean,
): boolean {
  if (name === 'session') return !mayHaveSessions && session === undefined;
  return name === 'providers' && login === false && providers === undefined;
}

/** What a factory of options may still bring. */
export interface RouteDemands {
  /** Whether the option `session` is set. */
  readonly sessions?: boolean;
  /** Whether some provider has the `responseMode` `form_post`. */
  readonly formPost?: boolean;
}

/**
 * Completes and checks the routes, at registration.
 *
 * @param demands what is set, or may be set by a factory.
 * @throws {@link OidcConfigError} for an unknown route, an unusable path, or two routes at one path.
 */
export function resolveRoutes(
  given: RouteOptions = {},
  { sessions: mayHaveSessions = false, formPost = false }: RouteDemands = {},
): ResolvedRoutes {
  if (!isRecord(given)) {
    throw new OidcConfigError(
      `Option "routes" must be an object such as { prefix: '/api', device: false }; got ${given === null ? 'null' : typeof given}.`,
    );
  }
  refuseUnknownOptions(given, 'routes');
  const { metadata = routeDefaults.metadata, apiTag = routeDefaults.apiTag } = given;
  if (typeof metadata !== 'boolean') {
    throw new OidcConfigError(
      `Option "routes.metadata" must be true or false; got ${JSON.stringify(metadata)}. ` +
        'The paths of the well-known documents are fixed by RFC 8414 and RFC 9728.',
    );
  }
  if (typeof apiTag !== 'string' || apiTag === '') {
    throw new OidcConfigError(
      `Option "routes.apiTag" must be a non-empty string; got ${JSON.stringify(apiTag) ?? String(apiTag)}. It names the tag of these routes ` +
        'in OpenAPI documents.',
    );
  }
  const prefix =
    pathOf('prefix', given.prefix === undefined ? routeDefaults.prefix : given.prefix) ?? '';
  const taken = new Map<string, RouteName>();
  const resolved: { -readonly [Member in keyof ResolvedRoutes]: ResolvedRoutes[Member] } = {
    metadata,
    apiTag,
    prefix,
    listsProviders: typeof given.providers === 'string',
    ...(mayHaveSessions ? { browserSessions: true } : {}),
    ...(formPost ? { formPost: true } : {}),
  };
  for (const name of routeNames) {
    const path = pathOf(name, given[name] === undefined ? routeDefaults[name] : given[name]);
    if (path === undefined || isIdle(name, given, mayHaveSessions)) continue;
    const other = taken.get(path.toLowerCase());
    if (other !== undefined) {
      throw new OidcConfigError(
        `Options "routes.${other}" and "routes.${name}" are both "${path}". Give each route a path of its own.`,
      );
    }
    taken.set(path.toLowerCase(), name);
    resolved[name] = prefix + path;
  }
  if (given.device === false && resolved.login && !taken.has(routeDefaults.device)) {
    resolved.noDevice = prefix + routeDefaults.device;
  }
  return Object.freeze(resolved);
}
