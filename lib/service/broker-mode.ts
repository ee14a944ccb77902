import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleInit,
} from '@nestjs/common';
import { BrokerDiagnostics } from '../diagnosis/broker-diagnostics.js';
import type { DiagnosisRequest } from '../diagnosis/diagnostics.js';
import { doctorIsAsked } from '../diagnosis/doctor-run.js';
import type { Diagnosis } from '../diagnosis/finding.js';
import { BrokerHealth } from '../diagnosis/broker-health.js';
import { ApiDocument } from '../documents/api-document.js';
import { ClientKeySet } from '../documents/client-key-set.js';
import { ProviderList } from '../documents/provider-list.js';
import { BrokerApiSecurity } from '../documents/broker-api-security.js';
import { BrokerDocuments } from '../documents/broker-documents.js';
import { Introspect } from '../documents/introspect.js';
import { BrokerRefreshGrant } from '../grants/broker-refresh.grant.js';
import { ExchangeIssuers } from '../grants/exchange-issuers.js';
import { TokenExchangeGrant } from '../grants/token-exchange.grant.js';
import { TokenGrants } from '../grants/token-grants.js';
import { UnmetClaims } from '../guard/unmet-claims.js';
import type { KeySource } from '../http/remote-key-set.js';
import { TokenProofs } from '../dpop/token-proofs.js';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { SessionOpening } from '../login/session-opening.js';
import { BrokerLogin } from '../login/broker-login.js';
import { BackchannelLogout } from '../logout/backchannel-logout.js';
import { BrokerCallersSession } from '../logout/broker-callers-session.js';
import { BrokerRevoke } from '../logout/broker-revoke.js';
import { Logout } from '../logout/logout.js';
import { takesProofs } from '../options/possession-options.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import { ClientCredentials } from '../providers/client-credentials.js';
import type { TokenVerifier } from '../tokens/token-verifier.js';
import { BrokerProfiles } from '../users/broker-profiles.js';
import type { BrokerIssuers } from './broker-issuers.js';
import { BrokerParts } from './broker-parts.js';
import { BrowserParts } from './browser-parts.js';
import { Logins } from './logins.js';
import { type BrokerOnly, Mode } from './mode.js';
import type { Surroundings } from './surroundings.js';

/** The provider's tokens stay in sessions here, and callers get tokens of our own. */
export class BrokerMode
  extends Mode
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly parts: BrokerParts;
  readonly issuers: BrokerIssuers;
  readonly verifier: TokenVerifier;
  readonly logins: Logins;
  readonly grants: TokenGrants;
  readonly logout: Logout;
  readonly revocation: BrokerRevoke;
  readonly profiles: BrokerProfiles;
  readonly apiDocument: ApiDocument;
  readonly providerList: ProviderList;
  readonly clientKeySet: ClientKeySet;
  readonly clientCredentials: ClientCredentials;
  readonly health: BrokerHealth;
  readonly #diagnostics: BrokerDiagnostics;
  readonly issuer: string;
  readonly brokerOnly: BrokerOnly;
  readonly browser: BrowserParts | undefined;
  readonly #unmetClaims: UnmetClaims;

  constructor(surroundings: Surroundings, broker: ResolvedBrokerOptions) {
    super();
    const { options, events, providers, urls } = surroundings;
    const parts = new BrokerParts(surroundings, broker);
    const { verifier, ownTokens } = parts;
    const { tokens, refreshTokens, refresh, sessions, revocations } = parts.ofSessions;
    this.issuer = broker.issuer;
    this.parts = parts;
    this.issuers = parts.issuers;
    this.verifier = verifier;
    const opening = sessionOpening(surroundings, broker, parts);
    this.logins = new Logins(
      surroundings,
      new BrokerLogin(opening, sessions, tokens, takesProofs(options)),
    );
    this.grants = new TokenGrants(options, {
      ...this.logins.grants,
      refresh: new BrokerRefreshGrant(refresh, tokens),
      exchange: exchangeGrant(surroundings, broker, parts),
      proofs: new TokenProofs(surroundings.proofs, urls, options),
    });
    const ours = [ownTokens, refreshTokens, sessions, revocations] as const;
    this.revocation = new BrokerRevoke(events, ...ours);
    const callersSession = new BrokerCallersSession(ownTokens, sessions, this.revocation);
    this.logout = new Logout(providers, urls, callersSession, events, options);
    this.profiles = new BrokerProfiles(sessions, broker);
    this.clientKeySet = new ClientKeySet(providers);
    this.clientCredentials = new ClientCredentials(providers);
    this.providerList = new ProviderList(providers, urls, options);
    this.health = new BrokerHealth(providers, parts, surroundings.clock);
    this.#diagnostics = new BrokerDiagnostics(surroundings, parts);
    this.apiDocument = new ApiDocument(
      new BrokerApiSecurity(broker, options.session, options.dpop),
      surroundings.application,
      surroundings.providers,
    );
    this.browser =
      options.session &&
      new BrowserParts(options.session, { surroundings, broker, parts, opening, mode: this });
    this.brokerOnly = brokerOnly(surroundings, broker, parts);
    this.#unmetClaims = new UnmetClaims(surroundings.modules, options, broker);
  }

  override trustedSources(): readonly (readonly [string, KeySource])[] {
    return this.parts.peers.sources();
  }

  diagnose(request: DiagnosisRequest): Promise<Diagnosis> {
    return this.#diagnostics.diagnose(request);
  }

  async authorizationServers(): Promise<readonly string[]> {
    return [this.issuer];
  }

  /** @throws {@link OidcConfigError} when the host's store cannot be used at all. */
  async onModuleInit(): Promise<void> {
    const start = this.parts.store.start();
    await (doctorIsAsked() ? this.#diagnostics.watch(start) : start);
    if (this.browser === undefined || this.parts.store.keepsBrowserSessions) return;
    throw new OidcConfigError(
      'Option "session" needs a store that keeps sessions of browsers, and that of "broker.store" does not: it was written before there were any. Let it ' +
        'keep "cookieHash" and override touchSession(), as BrokerStore describes them, or leave "session" out.',
    );
  }

  /** @throws {@link OidcConfigError} without keys that could read the store again. */
  onApplicationBootstrap(): void {
    if (doctorIsAsked()) return; // it looks, and changes nothing
    this.#unmetClaims.check();
    this.parts.upkeep.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.parts.upkeep.stop();
  }

  onApplicationShutdown(): Promise<void> {
    return this.parts.store.stop();
  }
}

function sessionOpening(
  { events }: Surroundings,
  broker: ResolvedBrokerOptions,
  parts: BrokerParts,
): SessionOpening {
  const { collectors, admission, upstream } = parts;
  const { sessions, minter } = parts.ofSessions;
  return new SessionOpening(collectors, admission, sessions, minter, upstream, events, broker);
}

function exchangeGrant(
  { providers, events, clock, options }: Surroundings,
  broker: ResolvedBrokerOptions,
  { collectors, admission, peers, ofSessions: { minter, revocations } }: BrokerParts,
): TokenExchangeGrant {
  return new TokenExchangeGrant(
    providers,
    new ExchangeIssuers(providers, peers, events, broker),
    collectors,
    admission,
    minter,
    revocations,
    events,
    clock,
    options,
    broker,
  );
}

function brokerOnly(
  { providers, events, clock, options, urls }: Surroundings,
  broker: ResolvedBrokerOptions,
  { subjects, verifier, ofSessions }: BrokerParts,
): BrokerOnly {
  const { keys, refresh, users, sessions, revocations } = ofSessions;
  return {
    issuer: broker.issuer,
    keys,
    sessionRefresh: refresh,
    userSessions: users,
    documents: new BrokerDocuments(keys, urls, options, providers, broker),
    introspection: new Introspect(verifier, broker),
    backchannelLogout: new BackchannelLogout(
      providers,
      sessions,
      users,
      revocations,
      subjects,
      events,
      clock,
      options,
    ),
  };
}
