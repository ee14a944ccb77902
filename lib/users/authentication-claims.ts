import type { ProviderClaims } from '../options/broker-options.js';

const NAMES = ['acr', 'amr', 'auth_time'];

function saidOf(claims: ProviderClaims | undefined): ProviderClaims {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = claims && Object.hasOwn(claims, name) ? claims[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function timeOf(claims: ProviderClaims): number {
  const { auth_time: time } = claims;
  return typeof time === 'number' ? time : -Infinity;
}

/**
 * How and when the user was authenticated, as minted tokens say it: `acr`, `amr` and `auth_time`, which belong together. The ID token of a
 * refresh tells of the same login (OpenID Connect Core §12.2), and mostly less of it: only one that names a later authentication replaces what
 * is known, and one that names the same completes it.
 *
 * @param before of the session's last mint.
 */
export function authenticationClaims(
  idToken: ProviderClaims | undefined,
  before: ProviderClaims | undefined,
): ProviderClaims {
  const said = saidOf(idToken);
  if (before === undefined) return said;
  const known = saidOf(before);
  if (timeOf(said) > timeOf(known)) return said;
  return timeOf(said) === timeOf(known) && 'auth_time' in said ? { ...known, ...said } : known;
}
