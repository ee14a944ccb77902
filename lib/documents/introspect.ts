import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { type CheckedAuthRule, checkAuthRule } from '../tokens/auth-rule.js';
import { boundKeyOf } from '../tokens/bound-key.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { scopesOf } from '../tokens/roles.js';
import type { TokenVerifier } from '../tokens/token-verifier.js';

/** RFC 7662 §2.2. */
export type IntrospectionResponse =
  | { readonly active: false }
  | ({ readonly active: true; readonly token_type: 'Bearer' | 'DPoP' } & IdTokenClaims);

/** Token introspection (RFC 7662) of the access tokens that the guard takes. */
export class Introspect {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly broker: ResolvedBrokerOptions,
  ) {}

  /**
   * What a caller's own access token must hold: `broker.introspectionScope`.
   *
   * @throws {@link OAuthError} 404 when the route is off.
   */
  callersRule(): CheckedAuthRule {
    const { introspectionScope: scopes } = this.broker;
    if (scopes === undefined) {
      const cause = new Reason('introspection is off', { option: '"broker.introspectionScope"' });
      throw new OAuthError('invalid_request', 'Introspection is off', { status: 404, cause });
    }
    return checkAuthRule({ scopes, claims: false });
  }

  /** @throws {@link OAuthError} 503 */
  async introspect(token: string): Promise<IntrospectionResponse> {
    try {
      const { claims } = await this.verifier.verifyUnproved(token); // who asks looks at the proof (RFC 9449 §6.2)
      const scope = scopesOf(claims).join(' ');
      const token_type = boundKeyOf(claims) === undefined ? 'Bearer' : 'DPoP';
      return { ...claims, ...(scope === '' ? {} : { scope }), active: true, token_type };
    } catch (error) {
      if (error instanceof OAuthError && error.error === 'invalid_token') return { active: false };
      throw error;
    }
  }
}
