import { Inject, Injectable, Logger } from '@nestjs/common';
import type { UserClaims } from '../broker/session-content.js';
import { Clock } from '../clock/clock.js';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { IdentityProvider, OTHER_SUBJECT } from '../idp/identity-provider.js';
import type { ProviderClaims } from '../options/broker-options.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { isRecord } from '../options/value-rules.js';
import { claimAt, meetsDemand } from '../tokens/claim-path.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { rolesOf } from '../tokens/roles.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { type ClaimSources, sourceOf, textOf, verifierOf } from './claim-sources.js';
import { LoginTokenIssuers } from './login-token-issuers.js';
import { MintedSubjects } from './minted-subjects.js';

/** A user's claims, put together. */
export interface CollectedClaims {
  /** All that the provider said of the user, for `mapClaims`. */
  readonly all: ProviderClaims;
  /** And of its tokens (`acr`, `amr`, `aud`): what the option `claims` is held against, and `onLogin` sees. */
  readonly unabridged: ProviderClaims;
  readonly roles: readonly string[] | undefined;
  readonly sources: ClaimSources;
}

const ROLE_CLAIMS = ['realm_access', 'resource_access', 'groups', 'roles'];
const NAMES = ['name', 'given_name', 'family_name'];
/** About the token rather than the user. */
const OF_THE_TOKEN = new Set(
  'aud exp iat nbf jti azp typ nonce at_hash c_hash s_hash auth_time acr amr sid scope scp client_id ver uti rh'.split(
    ' ',
  ),
);
/** What a token of ours needs to mean what it says; a host's own claims do not touch it. */
const RESERVED = new Set(
  'iss sub aud exp nbf iat jti sid idp scope scp client_id azp appid cid typ token_use events nonce at_hash c_hash cnf act may_act'.split(
    ' ',
  ),
);

function hasRoles(claims: ProviderClaims | undefined): claims is ProviderClaims {
  const values = ROLE_CLAIMS.map((name) => claims && claimAt(claims, name));
  return values.some((value) => Array.isArray(value) || isRecord(value));
}

function aboutUser(claims: ProviderClaims | undefined): ProviderClaims {
  return Object.fromEntries(
    Object.entries(claims ?? {}).filter(([name]) => !OF_THE_TOKEN.has(name)),
  );
}

/** Puts together what the identity provider says of a user, and makes of it what minted tokens say. */
@Injectable()
export class UserClaimsCollector {
  readonly #logger = new Logger('OidcAuth');
  readonly #verifier: TokenVerifier;
  readonly #warned = new Set<string>();

  constructor(
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
    private readonly provider: IdentityProvider,
    @Inject(Clock) clock: Clock,
    private readonly subjects: MintedSubjects,
  ) {
    // An access token that is meant for somebody else is no alarm: it is only not a source of claims.
    const quiet = { emit: () => undefined };
    this.#verifier = new TokenVerifier(new LoginTokenIssuers(provider), clock, quiet, options);
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
    { all, roles, sources }: CollectedClaims,
    user: UserIdentity,
    before?: UserClaims,
  ): Promise<UserClaims> {
    const { accessToken, idToken, userinfo } = sources;
    const withEmail = sourceOf(sources, 'email') ?? before;
    const email = textOf(withEmail, 'email');
    const username = [idToken, accessToken, userinfo, before]
      .map((one) => textOf(one, 'preferred_username'))
      .find((one) => one !== undefined);
    const verified = withEmail?.['email_verified']; // travels with its address, from one source
    const mapped = (await this.options.broker?.mapClaims?.(Object.freeze({ ...all }))) ?? {};
    return {
      sub: before?.sub ?? (await this.subjects.of(user, all, sources)),
      ...(username === undefined ? {} : { preferred_username: username }),
      ...(email === undefined ? {} : { email }),
      ...(typeof verified === 'boolean' ? { email_verified: verified } : {}),
      roles: roles ?? before?.['roles'] ?? [],
      ...this.#permitted(mapped),
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
    const { accessToken, idToken, userinfo } = sources;
    const unabridged = { ...remembered, ...userinfo, ...idToken, ...accessToken };
    const withRoles = accessToken ?? [idToken, userinfo].find(hasRoles);
    return {
      all: {
        ...aboutUser(remembered),
        ...aboutUser(userinfo),
        ...aboutUser(idToken),
        ...aboutUser(accessToken),
      },
      unabridged,
      roles: withRoles && rolesOf(withRoles, this.options.roleClients),
      sources,
    };
  }

  #permitted(mapped: unknown): Record<string, unknown> {
    if (!isRecord(mapped)) {
      this.#logger.error('"broker.mapClaims" must return an object of claims');
      throw new TypeError('broker.mapClaims gave no object');
    }
    const entries = Object.entries(mapped);
    for (const [name] of entries) {
      if (!RESERVED.has(name) || this.#warned.has(name)) continue;
      this.#warned.add(name);
      this.#logger.warn(
        `"broker.mapClaims" gives "${name}", which a host cannot set; it is left out`,
      );
    }
    return Object.fromEntries(
      entries.filter(([name, value]) => !RESERVED.has(name) && value !== undefined),
    );
  }
}
