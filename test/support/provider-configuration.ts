import { X509Certificate } from 'node:crypto';

import { type ClientMetadata, type Configuration, errors } from 'oidc-provider';

import { page } from './provider-pages.js';
import {
  TEST_AUDIENCE,
  TEST_CLIENT_ID,
  TEST_CLIENT_SECRET,
  TEST_SCOPES,
  type ProviderOptions,
} from './provider-options.js';
import type { ProviderStorage } from './provider-storage.js';
import type { SigningKey } from './signing-keys.js';
import { userBySubject } from './users.js';

/** Stands for the application's API in RFC 8707's terms; access tokens for it are JWTs. */
const RESOURCE = 'urn:test:api';

/** Where what ends TLS before a provider hands on the certificate of a client. */
export const CERTIFICATE_HEADER = 'x-client-certificate';

const CLIENT_AUTHENTICATION = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;

const ownClaims = ['sub', 'realm_access', 'resource_access', 'groups'];

const lifetimes = {
  AccessToken: 300,
  AuthorizationCode: 60,
  DeviceCode: 600,
  Grant: 86_400,
  IdToken: 300,
  Interaction: 600,
  RefreshToken: 86_400,
  Session: 86_400,
};

/** The configuration of oidc-provider for these options. */
export function providerConfiguration(
  options: ProviderOptions,
  keys: readonly SigningKey[],
  storage: ProviderStorage,
): Configuration {
  const [signing] = keys;
  if (signing === undefined) throw new Error('The provider needs a signing key');
  const extraNames = Object.keys(options.extraClaims?.({ sub: '', preferred_username: '' }) ?? {});

  return {
    adapter: (kind) => storage.adapter(kind),
    clients: [ownClient(options, signing), ...(options.clients ?? [])],
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) },
    acrValues: [...(options.acrValues ?? [])],
    cookies: { keys: ['cookie-signing-key-of-the-test-provider'] },
    scopes: TEST_SCOPES.split(' '),
    claims: {
      openid: [...ownClaims, ...extraNames],
      profile: ['name', 'given_name', 'family_name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    ttl: { ...lifetimes, ...options.lifetimes },
    // It refuses loopback, where our key set is.
    fetch: (url) => globalThis.fetch(url),
    pkce: { required: () => true },
    clientAuthMethods: [...CLIENT_AUTHENTICATION],
    rotateRefreshToken: options.rotateRefreshTokens ?? true,
    issueRefreshToken: async (_ctx, _client, source) => {
      if (options.refreshTokens === 'always') return true;
      return options.refreshTokens !== 'never' && source.scopes.has('offline_access');
    },
    findAccount: async (_ctx, sub) => {
      const claims = claimsOf(sub, options);
      return claims === undefined ? undefined : { accountId: sub, claims: async () => claims };
    },
    extraTokenClaims: async (_ctx, token) => {
      if (!('accountId' in token)) return undefined;
      const { sub: _sub, ...claims } = claimsOf(token.accountId, options) ?? { sub: '' };
      return claims;
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    renderError: async (ctx, out) => {
      ctx.type = 'html';
      ctx.body = page('Error', `<pre>${JSON.stringify(out).replaceAll('<', '&lt;')}</pre>`);
    },
    features: features(options, signing),
  };
}

/** What ID tokens, access tokens and userinfo say about a person. */
export function claimsOf(
  sub: string,
  { extraClaims }: ProviderOptions,
): { sub: string; [claim: string]: unknown } | undefined {
  const user = userBySubject(sub);
  return user === undefined ? undefined : { ...user, ...extraClaims?.(user) };
}

function ownClient(options: ProviderOptions, signing: SigningKey): ClientMetadata {
  const method = options.clientAuth ?? 'client_secret_basic';
  return {
    client_id: TEST_CLIENT_ID,
    ...(method.startsWith('client_secret')
      ? { client_secret: options.clientSecret ?? TEST_CLIENT_SECRET }
      : {}),
    token_endpoint_auth_method: method,
    ...options.client,
    id_token_signed_response_alg: signing.alg,
    redirect_uris: ['http://127.0.0.1/callback', ...(options.redirectUris ?? [])],
    post_logout_redirect_uris: [...(options.postLogoutRedirectUris ?? [])],
    response_types: ['code'],
    grant_types: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      ...(options.clientCredentials === true ? ['client_credentials'] : []),
    ],
  };
}

function audienceOf(resource: string, { resources, audience = TEST_AUDIENCE }: ProviderOptions) {
  if (resources === undefined) return audience;
  if (resources.includes(resource)) return resource;
  throw new errors.InvalidTarget();
}

function features(
  options: ProviderOptions,
  signing: SigningKey,
): NonNullable<Configuration['features']> {
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: async (ctx, form, _out, error) => {
        ctx.body = page('Enter the code', error === undefined ? form : error.message);
      },
      userCodeConfirmSource: async (ctx, form) => {
        ctx.body = page('Confirm the device', form);
      },
      successSource: async (ctx) => {
        ctx.body = page('Device connected', '');
      },
    },
    pushedAuthorizationRequests: {
      enabled: true,
      requirePushedAuthorizationRequests: options.requirePush ?? false,
    },
    requestObjects: {
      enabled: true,
      requireSignedRequestObject: options.requireSignature ?? false,
    },
    mTLS: {
      enabled: true,
      selfSignedTlsClientAuth: true,
      tlsClientAuth: true,
      getCertificate: (ctx) => ctx.get(CERTIFICATE_HEADER) || undefined,
      certificateAuthorized: () => true,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_subject_dn' &&
        new X509Certificate(Buffer.from(ctx.get(CERTIFICATE_HEADER), 'base64')).subject ===
          expected,
    },
    revocation: { enabled: true, allowedPolicy: async () => true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => {
        const confirmed = '<input type="hidden" name="logout" value="yes"/></form>';
        ctx.body = page('Log out', form.replace('</form>', confirmed));
      },
      postLogoutSuccessSource: async (ctx) => {
        ctx.body = page('Logged out', '');
      },
    },
    resourceIndicators: {
      enabled: true,
      // Without a target there are no JWTs.
      defaultResource: async () => (options.resources === undefined ? RESOURCE : []),
      useGrantedResource: async () => options.resources === undefined,
      getResourceServerInfo: async (_ctx, resource) => ({
        scope: TEST_SCOPES,
        audience: audienceOf(resource, options),
        ...(options.opaqueAccessTokens === true
          ? { accessTokenFormat: 'opaque' as const }
          : { accessTokenFormat: 'jwt' as const, jwt: { sign: { alg: signing.alg } } }),
      }),
    },
  };
}
