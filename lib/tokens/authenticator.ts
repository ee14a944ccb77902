import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { CheckedAuthRule } from './auth-rule.js';
import { meetsDemand } from './claim-path.js';
import type { IdTokenClaims } from './id-token-claims.js';
import { rolesOf, scopesOf } from './roles.js';
import { TokenVerifier } from './token-verifier.js';
import type { TokenIssuer } from './verification-keys.js';

/** Verifies a token and holds its claims against a rule. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly verifier: TokenVerifier,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /**
   * The claims of a token that is valid and meets the rule.
   *
   * @throws {@link OAuthError} 401 `invalid_token`, 403 `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  async authenticate(token: string, rule: CheckedAuthRule): Promise<IdTokenClaims> {
    const { claims, issuer } = await this.verifier.verify(token);
    this.#authorize(claims, rule, issuer);
    return claims;
  }

  #authorize(claims: IdTokenClaims, rule: CheckedAuthRule, issuer: TokenIssuer): void {
    const granted = rule.scopes.length > 0 ? scopesOf(claims) : [];
    const missing = rule.scopes.filter((scope) => !granted.includes(scope));
    if (missing.length > 0) {
      throw new OAuthError(
        'insufficient_scope',
        `The access token lacks the scopes: ${missing.join(' ')}`,
        { scopes: rule.scopes },
      );
    }
    const ofClaims = rule.claims === false ? [] : (rule.claims ?? issuer.defaultDemands);
    const demands = [...rule.demands, ...issuer.demands, ...ofClaims];
    if (demands.length === 0) return;
    const roles = rolesOf(claims, this.options.roleClients);
    if (demands.every((demand) => meetsDemand(claims, demand, roles))) return;
    throw new OAuthError(
      'insufficient_scope',
      'The claims of the access token do not allow this request',
    );
  }
}
