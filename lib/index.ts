export { Clock } from './clock/clock.js';
export { OidcConfigError } from './errors/oidc-config.error.js';
export { OAuthError, type OAuthErrorCode, type OAuthErrorDetails } from './errors/oauth.error.js';
export {
  OidcEvents,
  hashedId,
  type OidcEventMap,
  type OidcEventName,
  type SessionEndReason,
} from './events/oidc-events.js';
export type { DeviceRequest } from './grants/device-code.grant.js';
export type { DiagnosisRequest } from './diagnosis/diagnostics.js';
export type { Diagnosis, Finding, FindingCode, FindingSeverity } from './diagnosis/finding.js';
export type { HealthReport, HealthStatus, PartHealth } from './diagnosis/health.js';
export type { ListedProvider } from './documents/provider-list.js';
export type { OidcAuthModuleOptions } from './oidc-auth.module-definition.js';
export type { IssuedTokens } from './login/issued-tokens.js';
export type { CallbackRequest } from './login/callback.js';
export type { IntrospectionResponse } from './documents/introspect.js';
export type { LogoutRequest } from './logout/logout.js';
export { OidcService } from './service/oidc.service.js';
export type { ClientCredentialsRequest } from './providers/client-credentials.js';
export type { RequiredAuthRule } from './service/required-auth-rule.js';
export type { TokenRequest } from './grants/select-grant.js';
export type { LoginRedirect, LoginRequest } from './login/start-login.js';
export type { TokenResponse } from './tokens/token-response.js';
export type { UserProfile } from './users/user-profile.js';
export type { ClaimsOrId } from './sessions/own-claims.js';
export type { SessionInfo } from './sessions/user-sessions.js';
export { Auth, Public, createAuthDecorator } from './guard/auth.decorator.js';
export { AuthGuard } from './guard/auth.guard.js';
export { type CallContext, CallContexts } from './guard/call-contexts.js';
export { verifiedClaims } from './guard/caller.js';
export { CurrentUser } from './guard/current-user.js';
export { IdToken } from './guard/id-token.decorator.js';
export type { PublishedClientKey } from './providers/client-keys.js';
export type { DeviceAuthorization } from './providers/device-login.js';
export type { LoginClient } from './login/login-client.js';
export type { LoginCookie, RequestCookies } from './login/login-cookies.js';
export { OidcAuthModule } from './oidc-auth.module.js';
export type {
  OidcAuthFactoryOptions,
  OidcAuthRegistration,
} from './oidc-auth.module-definition.js';
export type {
  BrokerOptions,
  ClaimsMapper,
  ProviderClaims,
  SigningAlgorithm,
  TrustedIssuer,
  TrustedIssuers,
} from './options/broker-options.js';
export type { ClaimConstraint, ClaimValue } from './options/claim-constraint.js';
export type { ApplicationOptions, OidcAuthOptions } from './options/oidc-auth-options.js';
export type { LoginNotice, LoopbackRedirectOptions } from './options/login-notice.js';
export type { CallOptions, FetchFunction } from './options/call-options.js';
export type { EndpointOptions } from './options/endpoint-options.js';
export type { ClientKey } from './options/client-keys.js';
export type { IntrospectionOptions } from './options/introspection-options.js';
export type { AccessTokenMark, ProviderOptions } from './options/provider-options.js';
export type { ClientAuthenticationMethod } from './options/client-options.js';
export type { BrowserSessionOptions, LoginFailure } from './options/browser-session-options.js';
export type { GrantOptions, RouteOptions, RoutePath } from './options/route-options.js';
export type {
  ProviderEntry,
  ProviderMap,
  ProviderRequest,
  SeveralProvidersOptions,
} from './options/several-providers.js';
export {
  BrokerStore,
  type BrokerSession,
  type SessionUse,
  type LeaseRequest,
  type ReplacedGeneration,
  type Revocation,
  type SessionEnding,
  type SessionFilter,
  type SessionState,
  type StoredPeerKeys,
  type StoredSigningKey,
} from './contract/broker-store.js';
export type { BrokerStoreChoice, BrokerStoreDefinition } from './contract/store-choice.js';
export { MemoryBrokerStore } from './store/memory-broker.store.js';
export type { AuthCondition, AuthRule } from './tokens/auth-rule.js';
export { Authenticator } from './tokens/authenticator.js';
export type { BrowserSessionState } from './tokens/browser-session-state.js';
export type { RequestHeaders } from './tokens/bearer-token.js';
export type { IdTokenClaims } from './tokens/id-token-claims.js';
export type { Credentials, Identity } from './tokens/identity.js';
export type { IncomingRequest } from './tokens/incoming-request.js';
