import { Inject, Injectable, Optional } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError, invalidToken } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { CheckedAuthRule } from './auth-rule.js';
import { authorize } from './authorize.js';
import { type PresentedToken, bringsToken, presentedToken } from './bearer-token.js';
import { boundKeyOf } from './bound-key.js';
import { CookieCallers } from './cookie-callers.js';
import type { IdTokenClaims } from './id-token-claims.js';
import type { Credentials, Identity } from './identity.js';
import { Possession, unprovable } from './possession.js';
import { rolesOf } from './roles.js';
import { TokenVerifier } from './token-verifier.js';
import type { Verification } from './verification-cache.js';
import type { TokenIssuer } from './verification-keys.js';

/** A token without its request. */
const ALONE: Credentials = { headers: {} };

/**
 * Verifies the token of a request and holds its claims against a rule. What every guard and {@link OidcService} ask: a test that
 * overrides it decides who the caller is.
 */
@Injectable()
export class Authenticator {
  readonly #refusals = new WeakMap<object, { token: string; refusal: unknown }>();

  constructor(
    private readonly verifier: TokenVerifier,
    private readonly clock: Clock,
    @Inject(RESOLVED_OPTIONS) private readonly options: Pick<ResolvedOptions, 'clockToleranceSec'>,
    @Optional() private readonly cookies?: CookieCallers,
    @Optional() private readonly possession?: Possession,
  ) {}

  /**
   * The caller of a request, when its access token is valid, comes with the proof that it needs and meets the rule; with the option `session`
   * and without an access token, the one whose session cookie it brings.
   *
   * @throws {@link OAuthError} 401 `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce` or `insufficient_user_authentication`, 400 `invalid_request` for two
   * `Authorization` headers, 403 `insufficient_scope`, or `access_denied` where another site's page used the cookie, 503 `temporarily_unavailable`.
   */
  async identify(credentials: Credentials, rule: CheckedAuthRule): Promise<Identity> {
    const { headers, rawHeaders } = credentials;
    let presented: PresentedToken;
    try {
      presented = presentedToken(headers, rawHeaders);
    } catch (refusal) {
      const none = refusal instanceof OAuthError && refusal.credentialsMissing;
      if (!none || bringsToken(headers)) throw refusal;
      const byCookie = await this.#byCookie(credentials, rule, true);
      if (byCookie === undefined) throw refusal;
      return byCookie;
    }
    return this.#identify(presented, credentials, rule);
  }

  /**
   * The same for a token that comes alone: one that is bound to a key is refused.
   *
   * @throws {@link OAuthError} 401 `invalid_token` or `insufficient_user_authentication`, 403 `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  authenticate(token: string, rule: CheckedAuthRule): Promise<Identity> {
    return this.#identify({ scheme: 'Bearer', token }, ALONE, rule);
  }

  async #byCookie(
    credentials: Credentials,
    rule: CheckedAuthRule,
    isUse: boolean,
  ): Promise<Identity | undefined> {
    const found = await this.cookies?.verify(credentials, isUse);
    if (found === undefined) return undefined;
    const { isFresh, untilSec } = found;
    // How recent the login had to be was asked when it opened, as of a token.
    const lasting: CheckedAuthRule = { ...rule, maxAgeSec: undefined };
    const again = async (): Promise<Identity> => {
      const identity = await this.#byCookie(credentials, lasting, false);
      if (identity === undefined) throw invalidToken('the session is over');
      return identity;
    };
    return {
      ...this.#authorized(found, rule),
      byCookie: true,
      look: { isFresh, untilSec, again },
    };
  }

  async #identify(
    presented: PresentedToken,
    credentials: Credentials,
    rule: CheckedAuthRule,
  ): Promise<Identity> {
    const { scheme, token } = presented;
    const { request } = credentials;
    // The verifier remembers good tokens; a request of GraphQL may ask for a bad one a thousand times.
    const known = request && this.#refusals.get(request);
    if (known?.token === token) throw known.refusal;
    let verification: Verification;
    try {
      verification = await this.verifier.verifyUnproved(token);
    } catch (refusal) {
      if (request !== undefined) this.#refusals.set(request, { token, refusal });
      throw refusal;
    }
    const key = boundKeyOf(verification.claims);
    const asBearer = key === undefined && scheme === 'Bearer';
    if (asBearer && this.possession?.required !== true) return this.#authorized(verification, rule);
    if (this.possession === undefined) throw unprovable();
    const dpopNonce = await this.possession.prove(presented, key, credentials);
    const identity = this.#authorized(verification, rule);
    return dpopNonce === undefined ? identity : { ...identity, dpopNonce };
  }

  #authorized({ claims, issuer, holds }: Verification, rule: CheckedAuthRule): Identity {
    const provider = providerOf(issuer, claims);
    const identity = { claims, provider, roles: rolesOf(claims, issuer.roleClients), holds };
    const { demands, defaultDemands } = issuer;
    const ofIssuer = [...demands, ...(rule.defaultClaims ? defaultDemands : [])];
    const { clockToleranceSec: toleranceSec } = this.options;
    authorize(identity, rule, ofIssuer, { nowSec: epochSeconds(this.clock), toleranceSec });
    return identity;
  }
}

/** Of our own tokens `idp` says it; those of a version before have none, and there was one provider only. */
function providerOf({ kind, provider }: TokenIssuer, { idp }: IdTokenClaims): string | undefined {
  if (kind === 'peer') return undefined;
  return kind === 'own' && typeof idp === 'string' ? idp : provider;
}
