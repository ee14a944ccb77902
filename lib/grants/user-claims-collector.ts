import { Inject, Injectable } from '@nestjs/common';
import type { UserClaims } from '../broker/session-content.js';
import { Clock } from '../clock/clock.js';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { type EventSink, OidcEvents } from '../events/oidc-events.js';
import { IdentityProvider, OTHER_SUBJECT } from '../idp/identity-provider.js';
import type { ProviderClaims } from '../options/broker-options.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { claimAt, meetsDemand } from '../tokens/claim-path.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { type ClaimSources, sourceOf, textOf, verifierOf } from './claim-sources.js';
import {
  type CollectedClaims,
  combineClaims,
  displayClaims,
  hasRoles,
} from './collected-claims.js';
import { LoginTokenIssuers } from './login-token-issuers.js';
import { MappedClaims } from './mapped-claims.js';
import { MintedSubjects } from './minted-subjects.js';

const NAMES = ['name', 'given_name', 'family_name'];

/** Puts together what the identity provider says of a user, and makes of it what minted tokens say. */
@Injectable()
export class UserClaimsCollector {
  readonly #verifier: TokenVerifier;
  readonly #mapped: MappedClaims;

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly provider: IdentityProvider,
    @Inject(Clock) clock: Clock,
    private readonly subjects: MintedSubjects,
    @Inject(OidcEvents) events: EventSink,
  ) {
    // An access token that is meant for somebody else is no alarm: it is only not a source of claims.
    const quiet: EventSink = {
      emit: (name, event) => (name === 'claim-mistyped' ? events.emit(name, event) : undefined),
    };
    this.#verifier = new TokenVerifier(new LoginTokenIssuers(provider), clock, quiet, options);
    this.#mapped = new MappedClaims(options.broker?.mapClaims, events, provider.name);
  }

  /**
   * Asks userinfo where the tokens leave something open: a source of roles, user name, e-mail, the subject claim, or a
   * claim that the option `claims` names.
   *
   * @param remembered claims of an earlier ID token, where the provider repeats none at a refresh: they give way to all others.
   * @throws {@link OAuthError} 502 when userinfo is about another subject (OpenID Connect Core §5.3.2).
   */
  async collect(
    tokens: { accessToken: string; idTokenClaims: ProviderClaims | undefined },
    user: UserIdentity,
    remembered?: ProviderClaims,
  ): Promise<CollectedClaims> {
    const { idTokenClaims: idToken } = tokens;
    const accessToken = await this.#claimsOf(tokens.accessToken, user);
    const sources = { accessToken, idToken, userinfo: undefined, incomplete: false };
    const known = { ...remembered, ...idToken, ...accessToken };
    const rolesKnown = hasRoles(idToken) || accessToken !== undefined;
    if (rolesKnown && !this.#leavesOpen(known, sources)) {
      return this.#combined(sources, remembered);
    }
    try {
      const userinfo = await this.provider.userinfo(tokens.accessToken, user.sub);
      return this.#combined({ ...sources, userinfo }, remembered);
    } catch (error) {
      if (error instanceof OAuthError && error.cause === OTHER_SUBJECT) throw error;
      return this.#combined({ ...sources, incomplete: true }, remembered);
    }
  }

  /**
   * @throws {@link OAuthError} 403 `insufficient_scope` when the option `claims` does not hold; 502 when nobody can tell, because
   * userinfo could not be had.
   */
  checkDemands({ unabridged, roles, sources }: CollectedClaims): void {
    const { claims } = this.options;
    if (claims.every((demand) => meetsDemand(unabridged, demand, roles ?? []))) return;
    if (sources.incomplete)
      throw badUpstreamAnswer('a demanded claim is missing, and so is userinfo');
    throw new OAuthError('insufficient_scope', 'The claims of this user do not allow a login here');
  }

  /**
   * What minted tokens say of the user.
   *
   * @param before of the session's last mint: the subject stays, and what the provider does not repeat.
   * @throws {@link OAuthError} 502 without the claim that is to become `sub`, or when it is an address that nobody verified.
   */
  async toUserClaims(
    collected: CollectedClaims,
    user: UserIdentity,
    before?: UserClaims,
  ): Promise<UserClaims> {
    const { all, roles, sources } = collected;
    const { email_verified: verified, ...ours } = displayClaims(sources, before);
    const mapped = await this.#mapped.of(collected);
    // What was said of an address does not travel with another one of the host's.
    const travels = verified !== undefined && !Object.hasOwn(mapped, 'email');
    return {
      sub: before?.sub ?? (await this.subjects.of(user, all, sources)),
      ...ours,
      ...(travels ? { email_verified: verified } : {}),
      roles: roles ?? before?.['roles'] ?? [],
      ...mapped,
    };
  }

  /** Names for the userinfo route. */
  profileOf({ all }: CollectedClaims): Readonly<Record<string, unknown>> {
    return Object.fromEntries(
      NAMES.flatMap((name) => {
        const value = textOf(all, name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  async #claimsOf(
    accessToken: string,
    { iss, sub }: UserIdentity,
  ): Promise<ProviderClaims | undefined> {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(accessToken)) return undefined; // opaque
    try {
      const { claims } = await this.#verifier.verify(accessToken);
      return claims.sub === sub && claims.iss === iss ? claims : undefined;
    } catch (error) {
      if (error instanceof OAuthError) return undefined;
      throw error;
    }
  }

  #leavesOpen(known: ProviderClaims, sources: ClaimSources): boolean {
    const { broker, claims } = this.options;
    const subject = broker?.subjectClaim ?? 'sub';
    const wanted = ['preferred_username', 'email', subject];
    if (wanted.some((name) => textOf(known, name) === undefined)) return true;
    const flag = verifierOf(subject);
    if (flag !== undefined && typeof sourceOf(sources, subject)?.[flag] !== 'boolean') return true;
    return claims.some(({ path }) => path !== undefined && claimAt(known, path) === undefined);
  }

  #combined(sources: ClaimSources, remembered: ProviderClaims | undefined): CollectedClaims {
    return combineClaims(sources, remembered, this.options.roleClients);
  }
}
