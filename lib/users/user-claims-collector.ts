import type { SaidClaims, UserClaims } from '../sessions/session-content.js';
import type { Clock } from '../clock/clock.js';
import type { Deadline } from '../clock/deadline.js';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import type { EventSink } from '../events/oidc-events.js';
import { type IdentityProvider } from '../providers/identity-provider.js';
import { OTHER_SUBJECT } from '../providers/other-parties.js';
import type { ProviderClaims } from '../options/broker-options.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { unmetDemand } from '../tokens/authorize.js';
import { claimAt, meetsDemand } from '../tokens/claim-path.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { restrictClaims } from '../tokens/restrict-claims.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { authenticationClaims } from './authentication-claims.js';
import { sourceOf, textOf, verifierOf } from './claim-sources.js';
import {
  type CollectedClaims,
  ROLE_CLAIMS,
  combineClaims,
  displayClaims,
  hasRoles,
} from './collected-claims.js';
import { LoginTokenIssuers } from './login-token-issuers.js';
import { MappedClaims } from './mapped-claims.js';
import type { MintedSubjects } from './minted-subjects.js';

const NAMES = ['name', 'given_name', 'family_name'];

/** What a session remembers, and how long its refresh may wait for more. */
export interface EarlierClaims {
  readonly said: SaidClaims;
  readonly deadline: Deadline;
}

/** What collectors are made of, whichever provider they ask. */
export interface CollectorSurroundings {
  readonly options: ResolvedOptions;
  readonly broker: ResolvedBrokerOptions;
  readonly clock: Clock;
  readonly subjects: MintedSubjects;
  readonly events: EventSink;
}

/** Puts together what an identity provider says of a user, and makes of it what minted tokens say. */
export class UserClaimsCollector {
  readonly #verifier: TokenVerifier;
  readonly #mapped: MappedClaims;

  readonly #subjects: MintedSubjects;

  constructor(
    private readonly provider: IdentityProvider,
    { options, broker, clock, subjects, events }: CollectorSurroundings,
  ) {
    // An access token that is meant for somebody else is no alarm: it is only not a source of claims.
    const quiet: EventSink = {
      emit: (name, event) => (name === 'claim-mistyped' ? events.emit(name, event) : undefined),
    };
    this.#verifier = new TokenVerifier(new LoginTokenIssuers(provider), clock, quiet, options);
    this.#subjects = subjects;
    this.#mapped = new MappedClaims(broker.mapClaims, events, provider.name);
  }

  /**
   * Asks userinfo where the tokens leave something open: a source of roles, user name, e-mail, the subject claim, or a
   * claim that the option `claims` names. Not with an access token that is bound to a key: userinfo would want a proof that its client alone could
   * make (RFC 9449 §7.1), and as a bearer token it is sent nowhere.
   *
   * @param earlier at a refresh: what is not said now is remembered, and what cannot be had in time is not waited for.
   * @throws {@link OAuthError} 502 when userinfo is about another subject (OpenID Connect Core §5.3.2).
   */
  async collect(
    tokens: { accessToken: string; isBound?: boolean; idTokenClaims: ProviderClaims | undefined },
    user: UserIdentity,
    earlier?: EarlierClaims,
  ): Promise<CollectedClaims> {
    const idToken = this.#limited(tokens.idTokenClaims);
    const missing: (keyof SaidClaims)[] = [];
    const had = async (name: keyof SaidClaims, asked: Promise<ProviderClaims | undefined>) => {
      try {
        return await (earlier === undefined ? asked : earlier.deadline.withinHalf(asked));
      } catch (error) {
        if (error instanceof OAuthError && error.cause === OTHER_SUBJECT) throw error;
        missing.push(name);
        return undefined;
      }
    };
    const accessToken = await had('accessToken', this.#claimsOf(tokens.accessToken, user));
    const said = { accessToken, idToken };
    const asks = tokens.isBound !== true && this.#leavesOpen(said, earlier?.said.idToken);
    const userinfo = asks
      ? this.#limited(await had('userinfo', this.provider.userinfo(tokens.accessToken, user.sub)))
      : undefined;
    const { roleClients } = this.provider.options;
    return combineClaims({ ...said, userinfo }, { missing, before: earlier?.said, roleClients });
  }

  /**
   * @throws {@link OAuthError} 403 `insufficient_scope` when the option `claims` does not hold; 502 when nobody can tell, because
   * a source could not be had and nothing is remembered of it.
   */
  checkDemands({ unabridged, roles, unknown }: CollectedClaims): void {
    const { claims } = this.provider.options;
    const held = { claims: unabridged, roles: roles ?? [] };
    const unmet = claims.find((demand) => !meetsDemand(unabridged, demand, held.roles));
    if (unmet === undefined) return;
    if (unknown) throw badUpstreamAnswer('a demanded claim is missing, and so is its source');
    const cause = unmetDemand(held, unmet, 'the option "claims"');
    const text = 'The claims of this user do not allow a login here';
    throw new OAuthError('insufficient_scope', text, { cause });
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
      sub: before?.sub ?? (await this.#subjects.of(this.provider, user, all, sources)),
      ...ours,
      ...(travels ? { email_verified: verified } : {}),
      roles: roles ?? before?.['roles'] ?? [],
      ...authenticationClaims(sources.idToken, before),
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

  /** @throws {@link OAuthError} 503 while nobody can tell whether it verifies. */
  async #claimsOf(
    accessToken: string,
    { iss, sub }: UserIdentity,
  ): Promise<ProviderClaims | undefined> {
    if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(accessToken)) return undefined; // opaque
    try {
      // It is ours to read, whatever it is bound to.
      const { claims } = await this.#verifier.verifyUnproved(accessToken);
      const [one, other] = await Promise.all(
        [claims.iss, iss].map((issuer) => this.provider.identityIssuer(issuer)),
      );
      return claims.sub === sub && one === other ? claims : undefined;
    } catch (error) {
      if (error instanceof OAuthError && error.getStatus() !== 503) return undefined;
      throw error;
    }
  }

  /** Without the roles that this provider may not give; what its access tokens say has been limited already. */
  #limited(claims: ProviderClaims | undefined): ProviderClaims | undefined {
    const { roles, roleClients } = this.provider.options;
    if (claims === undefined || roles === undefined || !saysRoles(claims)) return claims;
    const payload = structuredClone(claims);
    restrictClaims(payload, { roles, scopes: undefined }, roleClients);
    return payload;
  }

  /** Names may be remembered; what rights depend on is asked for as long as somebody may say it. */
  #leavesOpen(sources: SaidClaims, remembered: ProviderClaims | undefined): boolean {
    const { accessToken, idToken } = sources;
    if (accessToken === undefined && !hasRoles(idToken)) return true;
    const { claims } = this.provider.options;
    const said = { ...idToken, ...accessToken };
    const known = { ...remembered, ...said };
    const subject = this.provider.options.subjectClaim ?? 'sub';
    const wanted = ['preferred_username', 'email', subject];
    if (wanted.some((name) => textOf(known, name) === undefined)) return true;
    const flag = verifierOf(subject);
    if (flag !== undefined && typeof sourceOf(sources, subject)?.[flag] !== 'boolean') return true;
    return claims.some(({ path }) => path !== undefined && claimAt(said, path) === undefined);
  }
}

/** What says nothing of roles must not come to say that there are none: another source may have them. */
function saysRoles(claims: ProviderClaims): boolean {
  return Object.keys(claims).some((name) => ROLE_CLAIMS.includes(name.split('.')[0] ?? ''));
}
