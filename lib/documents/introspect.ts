import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { checkAuthRule } from '../tokens/auth-rule.js';
import { Authenticator } from '../tokens/authenticator.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { scopesOf } from '../tokens/roles.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { brokerOptions } from '../options/broker-only.js';

/** RFC 7662 §2.2. */
export type IntrospectionResponse =
  | { readonly active: false }
  | ({ readonly active: true; readonly token_type: 'Bearer' } & IdTokenClaims);

/** Token introspection (RFC 7662) of the access tokens that the guard takes. */
@Injectable()
export class Introspect {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly verifier: TokenVerifier,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * @param callerToken the caller's own access token, which must hold `broker.introspectionScope`.
   * @throws {@link OAuthError} 404 when the route is off, 401 and 403 for the caller, 503.
   */
  async introspect(token: string, callerToken: () => string): Promise<IntrospectionResponse> {
    const { introspectionScope: scopes } = brokerOptions(this.options);
    if (scopes === undefined) {
      const cause = new Reason('introspection is off', { option: '"broker.introspectionScope"' });
      throw new OAuthError('invalid_request', 'Introspection is off', { status: 404, cause });
    }
    await this.authenticator.authenticate(callerToken(), checkAuthRule({ scopes, claims: false }));
    try {
      const { claims } = await this.verifier.verify(token);
      const scope = scopesOf(claims).join(' ');
      return { ...claims, ...(scope === '' ? {} : { scope }), active: true, token_type: 'Bearer' };
    } catch (error) {
      if (error instanceof OAuthError && error.error === 'invalid_token') return { active: false };
      throw error;
    }
  }
}
