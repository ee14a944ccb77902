import { Inject, Injectable } from '@nestjs/common';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { CheckedAuthRule } from './auth-rule.js';
import { authorize } from './authorize.js';
import { bearerToken } from './bearer-token.js';
import type { Credentials, Identity } from './identity.js';
import { rolesOf } from './roles.js';
import { TokenVerifier } from './token-verifier.js';

/**
 * Verifies the token of a request and holds its claims against a rule. What every guard and {@link OidcService} ask: a test that
 * overrides it decides who the caller is.
 */
@Injectable()
export class Authenticator {
  constructor(
    private readonly verifier: TokenVerifier,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * The caller of a request, when its bearer token is valid and meets the rule.
   *
   * @throws {@link OAuthError} 401 `invalid_token`, 400 `invalid_request` for two `Authorization` headers, 403
   * `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  async identify({ headers, rawHeaders }: Credentials, rule: CheckedAuthRule): Promise<Identity> {
    return this.authenticate(bearerToken(headers, rawHeaders), rule);
  }

  /**
   * The same for a token.
   *
   * @throws {@link OAuthError} 401 `invalid_token`, 403 `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  async authenticate(token: string, rule: CheckedAuthRule): Promise<Identity> {
    const { claims, issuer, holds } = await this.verifier.verify(token);
    const identity = { claims, roles: rolesOf(claims, this.options.roleClients), holds };
    authorize(identity, rule, [
      ...issuer.demands,
      ...(rule.defaultClaims ? issuer.defaultDemands : []),
    ]);
    return identity;
  }
}
