import type { SaidClaims } from '../sessions/session-content.js';
import type { ProviderClaims } from '../options/broker-options.js';
import { isRecord } from '../options/value-rules.js';
import { claimAt } from '../tokens/claim-path.js';
import { rolesOf } from '../tokens/roles.js';
import { sourceOf, textOf } from './claim-sources.js';

/** A user's claims, put together. */
export interface CollectedClaims {
  /** All that the provider said of the user, for `mapClaims`. */
  readonly all: ProviderClaims;
  /** And of its tokens (`acr`, `amr`, `aud`): what the option `claims` is held against, and `onLogin` sees. */
  readonly unabridged: ProviderClaims;
  /** `undefined` at a login where nobody said any. */
  readonly roles: readonly string[] | undefined;
  /** The one source of {@link roles}. */
  readonly roleSource: ProviderClaims | undefined;
  /** Roles that the provider said before, and does not say any more. */
  readonly withdrawn: readonly string[];
  /** What was said now. */
  readonly sources: SaidClaims;
  /** What the next refresh remembers: what was said now, and of before what that leaves open. */
  readonly said: SaidClaims;
  /** Whether a source was wanted and could not be had. */
  readonly incomplete: boolean;
  /** Whether nothing is remembered of such a source either. */
  readonly unknown: boolean;
}

/** What {@link combineClaims} is to know beside what was said. */
export interface Combination {
  /** Sources that were wanted and could not be had. */
  readonly missing: readonly (keyof SaidClaims)[];
  /** What was said before; `undefined` at a login, where nothing is remembered. */
  readonly before: SaidClaims | undefined;
  readonly roleClients: readonly string[];
}

/** What minted tokens say of a user beside `sub` and `roles`. */
export const DISPLAY_CLAIMS: readonly string[] = ['preferred_username', 'email', 'email_verified'];
/** Claims that make roles. */
export const ROLE_CLAIMS: readonly string[] = [
  'realm_access',
  'resource_access',
  'groups',
  'roles',
];
/** About the token rather than the user. */
const OF_THE_TOKEN: readonly string[] =
  'aud exp iat nbf jti azp typ nonce at_hash c_hash s_hash auth_time acr amr sid scope scp client_id ver uti rh'.split(
    ' ',
  );

/** Whether a source says anything of roles, if only that there are none. */
export function hasRoles(claims: ProviderClaims | undefined): claims is ProviderClaims {
  const values = ROLE_CLAIMS.map((name) => claims && claimAt(claims, name));
  return values.some((value) => Array.isArray(value) || isRecord(value));
}

function without(claims: ProviderClaims, names: readonly string[]): ProviderClaims {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)));
}

/**
 * User name and address as minted tokens say them. Address and `email_verified` travel together, from one source, that says both
 * where there is one.
 *
 * @param earlier gives way to all sources.
 */
export function displayClaims(
  sources: SaidClaims,
  earlier: ProviderClaims | undefined,
): ProviderClaims {
  const { idToken, accessToken, userinfo } = sources;
  const username = [idToken, accessToken, userinfo, earlier]
    .map((one) => textOf(one, 'preferred_username'))
    .find((one) => one !== undefined);
  const withEmail = sourceOf(sources, 'email') ?? earlier;
  const email = textOf(withEmail, 'email');
  const verified = email === undefined ? undefined : withEmail?.['email_verified'];
  return {
    ...(username === undefined ? {} : { preferred_username: username }),
    ...(email === undefined ? {} : { email }),
    ...(typeof verified === 'boolean' ? { email_verified: verified } : {}),
  };
}

/**
 * One layer of claims over another: of a claim that several sources have the access token's counts, else the ID token's, else that of
 * userinfo. Only who names the same address says whether it was verified.
 */
function layered(
  { accessToken, idToken, userinfo }: SaidClaims,
  below: ProviderClaims = {},
): ProviderClaims {
  const weakestFirst = [below, userinfo, idToken, accessToken];
  const claims: ProviderClaims = Object.assign({}, ...weakestFirst);
  const email = textOf(claims, 'email');
  if (email === undefined) return claims;
  const verified = weakestFirst
    .filter((one) => textOf(one, 'email') === email)
    .map((one) => one?.['email_verified'])
    .findLast((flag) => typeof flag === 'boolean');
  const rest = without(claims, ['email_verified']);
  return verified === undefined ? rest : { ...rest, email_verified: verified };
}

/** An access token that verifies says all roles there are; of the others whoever says any. */
function withRoles({ accessToken, idToken, userinfo }: SaidClaims): ProviderClaims | undefined {
  return accessToken ?? [idToken, userinfo].find(hasRoles);
}

/**
 * Of what was said before what is not said anew. An access token and a userinfo answer say all that they say; an ID token of a
 * refresh may be shorter than that of the login.
 */
function leftOpen(before: SaidClaims, now: SaidClaims): SaidClaims {
  return {
    accessToken: now.accessToken === undefined ? before.accessToken : undefined,
    idToken: before.idToken,
    userinfo: now.userinfo === undefined ? before.userinfo : undefined,
  };
}

/**
 * Puts the sources together; what none says now is remembered. Roles come from one source alone.
 */
export function combineClaims(
  sources: SaidClaims,
  { missing, before, roleClients }: Combination,
): CollectedClaims {
  const rest = leftOpen(before ?? {}, sources);
  const unabridged = layered(sources, layered(rest));
  const roleSource = withRoles(sources) ?? withRoles(rest);
  const listed = (one: ProviderClaims | undefined) => one && rolesOf(one, roleClients);
  const roles = listed(roleSource) ?? (before && []);
  const earlier = listed(withRoles(before ?? {})) ?? [];
  const idToken = { ...rest.idToken, ...sources.idToken };
  return {
    all: without(unabridged, OF_THE_TOKEN),
    unabridged,
    roles,
    roleSource,
    withdrawn: earlier.filter((role) => !roles?.includes(role)),
    sources,
    said: {
      accessToken: sources.accessToken ?? rest.accessToken,
      idToken: rest.idToken || sources.idToken ? idToken : undefined,
      userinfo: sources.userinfo ?? rest.userinfo,
    },
    incomplete: missing.length > 0,
    unknown: missing.some((source) => rest[source] === undefined),
  };
}
