import { OAuthError } from '../errors/oauth.error.js';
import { claimReason } from './claim-reasons.js';
import { UNMET } from './upstream-refusal.js';

/** What a login asked for beside a user. */
export interface AskedAuthentication {
  /** The earliest `auth_time` that meets the `max_age`, in seconds since 1970: that long before the login was begun. */
  readonly authTimeFrom?: number | undefined;
  /** The `acr` must be one of them. */
  readonly acrValues?: readonly string[] | undefined;
}

/**
 * Holds what the provider says of a login against what was asked for (OpenID Connect Core §3.1.3.7, steps 12 and 13). What it does not say
 * meets nothing.
 *
 * @throws {@link OAuthError} 400 `unmet_authentication_requirements`
 */
export function checkAuthentication(
  claims: Readonly<Record<string, unknown>> | undefined,
  { authTimeFrom, acrValues = [] }: AskedAuthentication,
  toleranceSec: number,
): void {
  const { acr, auth_time: authTime } = claims ?? {};
  if (acrValues.length > 0 && !acrValues.some((one) => one === acr)) {
    throw unmet('acr', { expected: acrValues, came: acr });
  }
  if (authTimeFrom === undefined) return;
  if (typeof authTime === 'number' && authTime >= authTimeFrom - toleranceSec) return;
  throw unmet('auth_time', { expected: `${authTimeFrom} or later`, came: authTime });
}

function unmet(claim: string, values: { expected: unknown; came: unknown }): OAuthError {
  const cause = claimReason('ID token', claim, values);
  return new OAuthError('unmet_authentication_requirements', UNMET, { cause });
}
