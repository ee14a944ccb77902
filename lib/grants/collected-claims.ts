import type { ProviderClaims } from '../options/broker-options.js';
import { isRecord } from '../options/value-rules.js';
import { claimAt } from '../tokens/claim-path.js';
import { rolesOf } from '../tokens/roles.js';
import { type ClaimSources, sourceOf, textOf } from './claim-sources.js';

/** A user's claims, put together. */
export interface CollectedClaims {
  /** All that the provider said of the user, for `mapClaims`. */
  readonly all: ProviderClaims;
  /** And of its tokens (`acr`, `amr`, `aud`): what the option `claims` is held against, and `onLogin` sees. */
  readonly unabridged: ProviderClaims;
  readonly roles: readonly string[] | undefined;
  /** The one source of {@link roles}. */
  readonly roleSource: ProviderClaims | undefined;
  readonly sources: ClaimSources;
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

function without(claims: ProviderClaims | undefined, names: readonly string[]): ProviderClaims {
  return Object.fromEntries(Object.entries(claims ?? {}).filter(([name]) => !names.includes(name)));
}

/**
 * User name and address as minted tokens say them. Address and `email_verified` travel together, from one source, that says both
 * where there is one.
 *
 * @param earlier gives way to all sources.
 */
export function displayClaims(
  sources: ClaimSources,
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
 * Puts the sources together: of a claim that several have the access token's counts, else the ID token's, else that of userinfo. Roles
 * come from one source alone; user name and address as {@link displayClaims} says.
 *
 * @param remembered claims of an earlier ID token: they give way to all others.
 */
export function combineClaims(
  sources: ClaimSources,
  remembered: ProviderClaims | undefined,
  roleClients: readonly string[],
): CollectedClaims {
  const { accessToken, idToken, userinfo } = sources;
  const said = [remembered, userinfo, idToken, accessToken];
  const unabridged = {
    ...Object.fromEntries(said.flatMap((one) => Object.entries(without(one, DISPLAY_CLAIMS)))),
    ...displayClaims(sources, remembered),
  };
  const roleSource = accessToken ?? [idToken, userinfo].find(hasRoles);
  return {
    all: without(unabridged, OF_THE_TOKEN),
    unabridged,
    roles: roleSource && rolesOf(roleSource, roleClients),
    roleSource,
    sources,
  };
}
