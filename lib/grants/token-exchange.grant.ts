import type { Revocations } from '../sessions/revocations.js';
import type { TokenMinter } from '../sessions/token-minter.js';
import { type Clock, epochSeconds } from '../clock/clock.js';
import { invalidProof } from '../dpop/dpop-proof.js';
import { invalidScope } from '../errors/invalid-scope.js';
import { OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { withoutDetails } from '../errors/shown-value.js';
import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import type { Providers } from '../providers/providers.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { boundKeyOf } from '../tokens/bound-key.js';
import { authorizedParty } from '../tokens/check-claims.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { scopesOf } from '../tokens/roles.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import type { ExchangeIssuers } from './exchange-issuers.js';
import type { LoginAdmission } from '../login/login-admission.js';
import type { ClaimsCollectors } from '../users/claims-collectors.js';
import type { ProvedTokenRequest, TokenRequest } from './select-grant.js';
import type { TokenResponse } from '../tokens/token-response.js';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

function invalidRequest(description: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', description, { cause });
}

/**
 * Token exchange (RFC 8693): an access token of the identity provider for one of ours, no longer and no wider than it. It
 * belongs to no session and cannot be refreshed.
 */
export class TokenExchangeGrant {
  readonly #verifier: TokenVerifier;

  constructor(
    private readonly providers: Providers,
    issuers: ExchangeIssuers,
    private readonly collectors: ClaimsCollectors,
    private readonly admission: LoginAdmission,
    private readonly minter: TokenMinter,
    private readonly revocations: Revocations,
    private readonly events: OidcEvents,
    private readonly clock: Clock,
    private readonly options: ResolvedOptions,
    private readonly broker: ResolvedBrokerOptions,
  ) {
    this.#verifier = new TokenVerifier(issuers, clock, events, options);
  }

  /**
   * A subject token that is bound to a key needs the proof of that key; what is minted is bound to the key of the proof.
   *
   * @throws {@link OAuthError} 400 `invalid_request`, `invalid_scope`, `invalid_target`, `invalid_dpop_proof`; 403; 503 without keys.
   */
  async redeem(subjectToken: string, request: ProvedTokenRequest): Promise<TokenResponse> {
    this.#checkRequest(request);
    await this.minter.prepare();
    const { subject, provider } = await this.#verified(subjectToken);
    const { key: proved } = request.client;
    const bound = boundKeyOf(subject);
    if (bound !== undefined && bound !== proved) {
      throw invalidProof(400, new Reason('the subject token is bound to another key'));
    }
    const { exchangeClients, clientId } = provider.options;
    if (!exchangeClients.some((client) => client === authorizedParty(subject))) {
      const cause = new Reason('subject_token was issued to another client', {
        expected: exchangeClients,
        came: authorizedParty(subject),
        option: this.providers.several ? '"exchangeClients"' : '"broker.exchangeClients"',
      });
      throw invalidRequest('subject_token was issued to another client', cause);
    }
    const scope = grantedScope(subject, request.scope);
    const collector = this.collectors.of(provider);
    const collected = await collector.collect(
      { accessToken: subjectToken, isBound: bound !== undefined, idTokenClaims: subject },
      subject,
    );
    collector.checkDemands(collected);
    const { sub } = subject;
    const iss = await provider.identityIssuer(subject.iss);
    await this.admission.check({
      provider: provider.name,
      grant: 'token_exchange',
      claims: { ...collected.unabridged, iss, sub },
    });
    const userClaims = await collector.toUserClaims(collected, subject);
    if (this.revocations.coversSubject(userClaims.sub, subject.iat ?? 0)) {
      throw invalidRequest('subject_token was issued before its user was logged out everywhere');
    }
    const minted = await this.minter.mint({
      claims: userClaims,
      provider: provider.name,
      clientId,
      providerIssuer: iss,
      scope,
      boundTo: proved,
      sessionId: undefined,
      notAfter: new Date(subject.exp * 1000),
    });
    this.events.emit('login', {
      provider: provider.name,
      grant: 'token_exchange',
      subject: hashedId(sub),
    });
    return {
      access_token: minted.token,
      token_type: proved === undefined ? 'Bearer' : 'DPoP',
      expires: minted.expiresAt,
      expires_in: Math.max(0, minted.expiresAt - epochSeconds(this.clock)),
      scope,
      issued_token_type: ACCESS_TOKEN,
    };
  }

  #checkRequest(request: TokenRequest): void {
    const { subjectTokenType = ACCESS_TOKEN, requestedTokenType = ACCESS_TOKEN } = request;
    if (subjectTokenType !== ACCESS_TOKEN) {
      throw invalidRequest('subject_token_type must be that of an access token');
    }
    if (requestedTokenType !== ACCESS_TOKEN) {
      throw invalidRequest('requested_token_type must be that of an access token');
    }
    if (request.actorToken !== undefined) throw invalidRequest('actor_token is not supported');
    const { issuer, audience } = this.broker;
    const { publicUrl = issuer } = this.options;
    // URL parsers of clients write an origin with a slash at its end.
    const urls = [issuer, publicUrl].flatMap((url) => [url, `${url}/`]);
    for (const target of [request.audience, request.resource]) {
      const expected = [audience, ...urls];
      if (target === undefined || expected.includes(target)) continue;
      const came = withoutDetails(target);
      const cause = new Reason('audience or resource of the exchange', {
        expected,
        came,
        option: '"broker.audience"',
      });
      throw new OAuthError('invalid_target', 'Tokens for this target are not issued here', {
        cause,
      });
    }
  }

  async #verified(
    subjectToken: string,
  ): Promise<{ subject: IdTokenClaims; provider: IdentityProvider }> {
    try {
      const { claims: subject, issuer } = await this.#verifier.verifyUnproved(subjectToken);
      const provider = await this.providers.find(issuer.provider);
      if (provider === undefined) throw invalidToken('its provider is gone');
      return { subject, provider };
    } catch (error) {
      if (!(error instanceof OAuthError) || error.error !== 'invalid_token') throw error;
      throw invalidRequest(
        'subject_token is no valid access token of the identity provider',
        error,
      );
    }
  }
}

/** What was asked for, if the subject token has it, else all that it has. */
function grantedScope(subject: IdTokenClaims, asked: string | undefined): string {
  const held = scopesOf(subject);
  const wanted = (asked ?? '').split(' ').filter(Boolean);
  const came = wanted.filter((scope) => !held.includes(scope));
  if (came.length === 0) return (wanted.length > 0 ? wanted : held).join(' ');
  throw invalidScope('subject_token does not have these scopes', { expected: held, came });
}
