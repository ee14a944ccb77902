import { randomBytes, type KeyObject } from 'node:crypto';

import {
  type ClientMetadata,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider';

import { Html } from '../html.js';
import { type Accounts, claimsOf } from './accounts.js';
import { apiResource, type Consents, grantLoader, knownScopes } from './grants.js';
import { createMemoryAdapter } from './memory-adapter.js';
import type { Pages } from './pages.js';
import type { ProviderSettings } from './provider-settings.js';

const hourSec = 3600;
const daySec = 24 * hourSec;

export function providerConfiguration({
  settings,
  accounts,
  consents,
  pages,
  signingKey,
}: {
  settings: ProviderSettings;
  accounts: Accounts;
  consents: Consents;
  pages: Pages;
  signingKey: KeyObject;
}): Configuration {
  const { name, client } = settings;
  return {
    adapter: createMemoryAdapter(),
    clients: [clientMetadata(settings)],
    clientBasedCORS: () => false, // browsers talk to the application, never to the provider's API
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      // Cookies do not know ports: on localhost these meet those of every other application, and of the other provider.
      names: {
        session: `idp_${name}_session`,
        interaction: `idp_${name}_interaction`,
        resume: `idp_${name}_resume`,
      },
    },
    jwks: { keys: [{ ...signingKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    scopes: knownScopes,
    claims: {
      openid: ['sub'],
      profile: ['preferred_username', 'name', 'given_name', 'family_name'],
      email: ['email', 'email_verified'],
    },
    pkce: { required: () => true },
    findAccount: (_ctx, sub) => {
      const account = accounts.findBySubject(sub);
      return account && { accountId: sub, claims: () => claimsOf(account) };
    },
    extraTokenClaims: (_ctx, token) => {
      const account = accounts.findBySubject('accountId' in token ? token.accountId : undefined);
      return account && claimsOf(account);
    },
    loadExistingGrant: grantLoader(consents),
    // Like Keycloak: a refresh token always; `offline_access` makes it outlive the session here.
    issueRefreshToken: (_ctx, { grantTypes }) => grantTypes?.includes('refresh_token') === true,
    rotateRefreshToken: true,
    interactions: {
      policy: policy(),
      url: (_ctx, { uid }) => `/interaction/${uid}`,
    },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'html';
      ctx.body = pages.message(
        'That did not work',
        `${description ?? 'Something is wrong'} (${error})`,
      );
    },
    features: features(client.audience, pages),
    // The applications that hear of logouts are on loopback, which its own dispatcher keeps away from.
    fetch: (input, { dispatcher: _dispatcher, ...init } = {}) => fetch(input, init),
    ttl: {
      AccessToken: 300, // short, so that expiry and refresh can be watched
      AuthorizationCode: 60,
      DeviceCode: 600,
      Grant: 14 * daySec,
      IdToken: hourSec,
      Interaction: hourSec,
      RefreshToken: 14 * daySec,
      Session: daySec,
    },
  };
}

function clientMetadata({ name, client }: ProviderSettings): ClientMetadata {
  const { clientId, clientSecret, title = 'Quickstart app', backchannelLogoutUri } = client;
  // Each provider has a callback of its own, except for the default one (docs/several-providers.md).
  const callback = name === 'default' ? '/api/auth/v2/callback' : `/api/auth/v2/callback/${name}`;
  const loopbacks = ['http://localhost', 'http://127.0.0.1', 'http://[::1]'];
  return {
    client_id: clientId,
    client_secret: clientSecret,
    client_name: title,
    // For native clients the provider ignores the port of loopback addresses (RFC 8252 §7.3), which
    // command-line clients need: they listen wherever a port is free.
    application_type: 'native',
    redirect_uris: [
      'http://localhost/', // the page
      'http://localhost/docs/oauth2-redirect.html', // Swagger UI
      `http://localhost${callback}`, // the module's own callback
      ...loopbacks.map((host) => `${host}/callback`), // command-line clients
    ],
    post_logout_redirect_uris: ['http://localhost/'],
    response_types: ['code'],
    grant_types: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'RS256',
    ...(backchannelLogoutUri !== undefined && { backchannel_logout_uri: backchannelLogoutUri }),
  };
}

function policy() {
  const prompts = interactionPolicy.base();
  // Native clients are asked for consent at every login; this one has a secret and is our own.
  prompts.get('consent')?.checks.remove('native_client_prompt');
  return prompts;
}

function features(audience: string, pages: Pages): NonNullable<Configuration['features']> {
  return {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: false },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, _form, out, error) => {
        const userCode = error !== undefined && 'userCode' in error ? String(error.userCode) : '';
        const problem = error && (deviceProblems[error.name] ?? out?.error_description);
        ctx.body = pages.deviceCode({
          action: ctx.oidc.urlFor('code_verification'),
          xsrf: String(ctx.oidc.session?.state?.secret),
          userCode,
          ...(problem !== undefined && { problem }),
        });
      },
      userCodeConfirmSource: (ctx, form, _client, _deviceInfo, userCode) => {
        const clientName = clientNameOf(ctx);
        ctx.body = pages.deviceConfirm({ form: new Html(form), clientName, userCode });
      },
      successSource: (ctx) => {
        ctx.body = pages.deviceSuccess(clientNameOf(ctx));
      },
    },
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
    },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = pages.logout(new Html(form));
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.body = pages.message('Logged out', 'Your session at the identity provider has ended.');
      },
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => apiResource,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => {
        if (resource !== apiResource) throw new errors.InvalidTarget();
        return { scope: knownScopes.join(' '), audience, accessTokenFormat: 'jwt' };
      },
    },
  };
}

const deviceProblems: Readonly<Record<string, string>> = {
  NoCodeError: 'Type the code first.',
  NotFoundError: 'There is no such code. Compare it with the one on your device.',
  ExpiredError: 'This code has expired. Ask your device for a new one.',
  AlreadyUsedError: 'This code has been used already. Ask your device for a new one.',
  AbortedError: 'Cancelled: the device was not logged in.',
};

function clientNameOf({ oidc }: KoaContextWithOIDC): string {
  return oidc.client?.clientName ?? 'the application';
}
