import type { DiagnosisRequest } from '../diagnosis/diagnostics.js';
import type { Diagnosis } from '../diagnosis/finding.js';
import { PassthroughHealth } from '../diagnosis/passthrough-health.js';
import { ApiDocument } from '../documents/api-document.js';
import { ClientKeySet } from '../documents/client-key-set.js';
import { ProviderList } from '../documents/provider-list.js';
import { PassthroughApiSecurity } from '../documents/passthrough-api-security.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { PassthroughRefreshGrant } from '../grants/passthrough-refresh.grant.js';
import { TokenGrants } from '../grants/token-grants.js';
import { LoginAdmission } from '../login/login-admission.js';
import { PassthroughLogin } from '../login/passthrough-login.js';
import { Logout } from '../logout/logout.js';
import { PassthroughCallersSession } from '../logout/passthrough-callers-session.js';
import { PassthroughRevoke } from '../logout/passthrough-revoke.js';
import { ClientCredentials } from '../providers/client-credentials.js';
import type { Providers } from '../providers/providers.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { PassthroughProfiles } from '../users/passthrough-profiles.js';
import { Logins } from './logins.js';
import { type BrokerOnly, Mode } from './mode.js';
import type { Surroundings } from './surroundings.js';

/** The identity provider's own tokens go to the caller, and are what the guard takes. Nothing is kept here. */
export class PassthroughMode extends Mode {
  readonly issuers: Providers;
  readonly verifier: TokenVerifier;
  readonly logins: Logins;
  readonly grants: TokenGrants;
  readonly logout: Logout;
  readonly revocation: PassthroughRevoke;
  readonly profiles: PassthroughProfiles;
  readonly apiDocument: ApiDocument;
  readonly providerList: ProviderList;
  readonly clientKeySet: ClientKeySet;
  readonly clientCredentials: ClientCredentials;
  readonly health: PassthroughHealth;
  readonly #surroundings: Surroundings;
  readonly issuer = undefined;
  readonly browser = undefined;

  constructor(surroundings: Surroundings) {
    super();
    this.#surroundings = surroundings;
    const { options, clock, events, faults, providers, urls, application } = surroundings;
    const admission = new LoginAdmission(options, faults);
    const end = new PassthroughLogin(providers, admission, events, clock);
    this.issuers = providers;
    this.verifier = new TokenVerifier(providers, clock, events, options);
    this.logins = new Logins(surroundings, end);
    const refresh = new PassthroughRefreshGrant(providers, events, clock);
    this.grants = new TokenGrants(options, {
      ...this.logins.grants,
      refresh,
      exchange: undefined,
      proofs: undefined,
    });
    this.logout = new Logout(providers, urls, new PassthroughCallersSession(), events, options);
    this.revocation = new PassthroughRevoke(providers, events);
    this.profiles = new PassthroughProfiles(providers);
    this.clientKeySet = new ClientKeySet(providers);
    this.clientCredentials = new ClientCredentials(providers);
    this.providerList = new ProviderList(providers, urls, options);
    this.health = new PassthroughHealth(providers, clock);
    this.apiDocument = new ApiDocument(
      new PassthroughApiSecurity(providers),
      application,
      providers,
    );
  }

  async diagnose(request: DiagnosisRequest): Promise<Diagnosis> {
    const { PassthroughDiagnostics } = await import('../diagnosis/passthrough-diagnostics.js');
    return new PassthroughDiagnostics(this.#surroundings).diagnose(request);
  }

  authorizationServers(): Promise<readonly string[]> {
    return this.issuers.issuers();
  }

  get brokerOnly(): BrokerOnly {
    const cause = new Reason('broker mode is off', { option: '"broker"' });
    const text = 'There is nothing here without broker mode';
    throw new OAuthError('invalid_request', text, { status: 404, cause });
  }
}
