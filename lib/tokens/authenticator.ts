import { Inject, Injectable, Optional } from '@nestjs/common';
import { Clock, epochSeconds } from '../clock/clock.js';
import { invalidToken } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { CheckedAuthRule } from './auth-rule.js';
import { authorize } from './authorize.js';
import { type PresentedToken, bringsToken, missingToken, writtenToken } from './bearer-token.js';
import { boundKeyOf } from './bound-key.js';
import type { TimeRules } from './check-claims.js';
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
  /** Who a verification names, the same for each rule. */
  readonly #identities = new WeakMap<Verification, Identity>();
  /** Looked at only where a rule depends on the time. */
  readonly #times: Pick<TimeRules, 'nowSec' | 'toleranceSec'>;
  readonly #refusals = new WeakMap<object, { token: string; refusal: unknown }>();

  constructor(
    private readonly verifier: TokenVerifier,
    clock: Clock,
    @Inject(RESOLVED_OPTIONS) { clockToleranceSec }: Pick<ResolvedOptions, 'clockToleranceSec'>,
    @Optional() private readonly cookies?: CookieCallers,
    @Optional() private readonly possession?: Possession,
  ) {
    this.#times = {
      get nowSec() {
        return epochSeconds(clock);
      },
      toleranceSec: clockToleranceSec,
    };
  }

  /**
   * The caller of a request, when its access token is valid, comes with the proof that it needs and meets the rule; with the option `session`
   * and without an access token, the one whose session cookie it brings. At once, without a promise, where a token, or what the row of a session says,
   * is remembered.
   *
   * @throws {@link OAuthError} 401 `invalid_token`, `invalid_dpop_proof`, `use_dpop_nonce` or `insufficient_user_authentication`, 400 `invalid_request` for two
   * `Authorization` headers, 403 `insufficient_scope`, or `access_denied` where another site's page used the cookie, 503 `temporarily_unavailable`.
   */
  identify(credentials: Credentials, rule: CheckedAuthRule): Identity | Promise<Identity> {
    const { headers, rawHeaders } = credentials;
    const presented = writtenToken(headers, rawHeaders);
    if (presented === undefined) return this.#withoutToken(credentials, rule);
    const known = this.verifier.remembered(presented.token);
    const needsMore = known === undefined || this.#needsProof(presented, known);
    return needsMore ? this.#identify(presented, credentials, rule) : this.#authorized(known, rule);
  }

  /**
   * The same for a token that comes alone: one that is bound to a key is refused.
   *
   * @throws {@link OAuthError} 401 `invalid_token` or `insufficient_user_authentication`, 403 `insufficient_scope`, 503 `temporarily_unavailable`.
   */
  authenticate(token: string, rule: CheckedAuthRule): Promise<Identity> {
    return this.#identify({ scheme: 'Bearer', token }, ALONE, rule);
  }

  /** A request that means to be judged by a token is not judged by its cookie. */
  #withoutToken(credentials: Credentials, rule: CheckedAuthRule): Identity | Promise<Identity> {
    if (bringsToken(credentials.headers)) throw missingToken();
    return whenKnown(this.#byCookie(credentials, rule, true), (identity) => {
      if (identity === undefined) throw missingToken();
      return identity;
    });
  }

  #byCookie(
    credentials: Credentials,
    rule: CheckedAuthRule,
    isUse: boolean,
  ): Identity | undefined | Promise<Identity | undefined> {
    return whenKnown(this.cookies?.verify(credentials, isUse), (found) => {
      if (found === undefined) return undefined;
      const again = async (): Promise<Identity> => {
        // How recent the login had to be was asked when it opened, as of a token.
        const lasting: CheckedAuthRule = { ...rule, maxAgeSec: undefined };
        const identity = await this.#byCookie(credentials, lasting, false);
        if (identity === undefined) throw invalidToken('the session is over');
        return identity;
      };
      const { claims, provider, roles, holds } = this.#authorized(found, rule);
      const { isFresh, untilSec } = found;
      const look = { isFresh, untilSec, again };
      return { claims, provider, roles, holds, byCookie: true, look };
    });
  }

  async #identify(
    presented: PresentedToken,
    credentials: Credentials,
    rule: CheckedAuthRule,
  ): Promise<Identity> {
    const { token } = presented;
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
    if (!this.#needsProof(presented, verification)) return this.#authorized(verification, rule);
    if (this.possession === undefined) throw unprovable();
    const key = boundKeyOf(verification.claims);
    const dpopNonce = await this.possession.prove(presented, key, credentials);
    const identity = this.#authorized(verification, rule);
    return dpopNonce === undefined ? identity : { ...identity, dpopNonce };
  }

  /** Not what comes as a bearer token and is one (RFC 9449 §7.2), unless all have to prove that they hold a key. */
  #needsProof({ scheme }: PresentedToken, { claims }: Verification): boolean {
    return (
      scheme !== 'Bearer' || this.possession?.required === true || boundKeyOf(claims) !== undefined
    );
  }

  #authorized(verification: Verification, rule: CheckedAuthRule): Identity {
    const { demands, defaultDemands } = verification.issuer;
    const identity = this.#identities.get(verification) ?? this.#remember(verification);
    const ofIssuer = rule.defaultClaims ? [...demands, ...defaultDemands] : demands;
    authorize(identity, rule, ofIssuer, this.#times);
    return identity;
  }

  #remember(verification: Verification): Identity {
    const { claims, issuer, holds } = verification;
    const provider = providerOf(issuer, claims);
    const roles = Object.freeze(rolesOf(claims, issuer.roleClients));
    const identity = { claims, provider, roles, holds };
    this.#identities.set(verification, identity);
    return identity;
  }
}

/** Goes on at once with what is known already. */
function whenKnown<T, R>(value: T | Promise<T>, read: (known: T) => R): R | Promise<R> {
  return value instanceof Promise ? value.then(read) : read(value);
}

/** Of our own tokens `idp` says it; those of a version before have none, and there was one provider only. */
function providerOf({ kind, provider }: TokenIssuer, { idp }: IdTokenClaims): string | undefined {
  if (kind === 'peer') return undefined;
  return kind === 'own' && typeof idp === 'string' ? idp : provider;
}
