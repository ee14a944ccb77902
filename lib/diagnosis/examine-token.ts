import type { JWTPayload } from 'jose';
import { decodeProtectedHeader } from 'jose/decode/protected_header';
import { decodeJwt } from 'jose/jwt/decode';
import { protocolWord } from '../errors/shown-value.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import type { ProviderMetadata } from '../providers/provider-metadata.js';
import type { Notes } from './notes.js';

interface ReadToken {
  readonly claims: JWTPayload;
  readonly alg: unknown;
}

function read(token: string): ReadToken | undefined {
  try {
    return { claims: decodeJwt(token), alg: decodeProtectedHeader(token).alg };
  } catch {
    return undefined;
  }
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'none';

/** Looks at an access token of the provider: whether the guard could take it in passthrough mode. It need not be valid. */
export function examineToken(
  token: string,
  options: ResolvedProvider,
  { issuers, accessTokenIssuers }: Pick<ProviderMetadata, 'issuers' | 'accessTokenIssuers'>,
  notes: Notes,
): void {
  const jwt = read(token);
  if (jwt === undefined) {
    notes.find('opaque-tokens', 'the access token is no JWT, and the guard has nothing to verify');
    return;
  }
  const { claims, alg } = jwt;
  const names = [...issuers, ...accessTokenIssuers];
  if (!names.some((name) => name === claims.iss)) {
    notes.find('token-issuer', `access tokens are of ${shown(claims.iss)}, not of ${shown(names)}`);
  }
  if (typeof alg !== 'string' || !options.tokenAlgorithms.includes(alg)) {
    notes.find('token-algorithm', `access tokens are signed with ${protocolWord(String(alg))}`);
  }
  examineAudience(claims, options, notes);
  if (typeof claims.sub !== 'string' || claims.sub === '') {
    notes.find('no-sub', 'access tokens have no "sub": nobody could tell whose they are');
  }
  examineRoles(claims, options, notes);
}

function examineAudience(claims: JWTPayload, { audience }: ResolvedProvider, notes: Notes): void {
  if (audience === false) return;
  const came = [claims.aud ?? []].flat();
  if (came.some((one) => audience.includes(one))) return;
  notes.find(
    'audience-missing',
    `access tokens are for ${shown(came)}, and "audience" is ${shown(audience)}`,
  );
}

/** Of Keycloak alone is it known where they would be. */
function examineRoles(claims: JWTPayload, options: ResolvedProvider, notes: Notes): void {
  if (!options.discoveryUrl.includes('/realms/')) return;
  const places = ['realm_access', 'resource_access', 'roles'];
  if (places.some((place) => claims[place] !== undefined)) return;
  notes.find('no-roles', `access tokens have none of ${places.join(', ')}`);
}
