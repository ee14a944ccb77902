import {
  None,
  allowInsecureRequests,
  discovery,
  genericGrantRequest,
  initiateDeviceAuthorization,
  refreshTokenGrant,
} from 'openid-client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { PROOF_ALGORITHMS } from '../../lib/options/possession-options.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { startBrokerApp, type BrokerAppOptions } from '../support/broker-app.js';
import { failWith } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE_GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const CONFIGURATION = '/.well-known/openid-configuration';
const RESOURCE = '/.well-known/oauth-protected-resource';
const JWKS = '/auth/v2/.well-known/jwks.json';

/** Asserts that an answer is a public document. */
const expectPublic = (reply: Reply): void => {
  expect(reply.status, reply.text()).toBe(200);
  expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
  expect(reply.headers.get('cache-control')).toBe('public, max-age=300');
  expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
  expect(reply.headers.get('referrer-policy')).toBe('no-referrer');
  expect(reply.headers.get('pragma')).toBeNull();
};

describe.each(adapters)('well-known documents on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const app = await startBrokerApp({
      adapter,
      provider,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => app.close());
    return app;
  };

  it('name our issuer, keys and endpoints (RFC 8414 §2)', async () => {
    const app = await start({ broker: { introspectionScope: 'introspect' } });
    const routes = `${app.url}/auth/v2`;

    const reply = await request(app.url + CONFIGURATION);

    expectPublic(reply);
    expect(reply.json()).toEqual({
      issuer: app.url,
      token_endpoint: `${routes}/token`,
      device_authorization_endpoint: `${routes}/device`,
      userinfo_endpoint: `${routes}/userinfo`,
      revocation_endpoint: `${routes}/revoke`,
      revocation_endpoint_auth_methods_supported: ['none'],
      introspection_endpoint: `${routes}/introspect`,
      introspection_endpoint_auth_methods_supported: ['Bearer'],
      end_session_endpoint: `${routes}/logout`,
      jwks_uri: `${routes}/.well-known/jwks.json`,
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
      scopes_supported: ['openid', 'myscope', 'profile', 'email', 'offline_access'],
      response_types_supported: [],
      grant_types_supported: [
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange',
      ],
      token_endpoint_auth_methods_supported: ['none'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    });
  });

  it('leave out what is switched off', async () => {
    const app = await start({
      options: { routes: { device: false, logout: false }, grants: { device: false } },
    });

    const document = (await request(app.url + CONFIGURATION)).json();

    for (const name of ['device_authorization_endpoint', 'end_session_endpoint']) {
      expect(document).not.toHaveProperty(name);
    }
    expect(document).not.toHaveProperty('introspection_endpoint'); // without "broker.introspectionScope"
    expect(document['grant_types_supported']).toEqual([
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ]);
  });

  it('name the resource and who issues tokens for it (RFC 9728 §2)', async () => {
    const app = await start();

    const reply = await request(app.url + RESOURCE);

    expectPublic(reply);
    expect(reply.json()).toEqual({
      resource: app.url,
      authorization_servers: [app.url],
      scopes_supported: ['openid', 'myscope', 'profile', 'email', 'offline_access'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: [...PROOF_ALGORITHMS],
    });
  });

  it('name the identity provider in passthrough mode, and no issuer of ours', async () => {
    const app = await startApp({ adapter, provider });
    onTestFinished(() => app.close());

    const resource = await request(app.url + RESOURCE);

    expectPublic(resource);
    expect(resource.json()).toMatchObject({
      resource: app.url,
      authorization_servers: [provider.issuer],
    });
    expect((await request(app.url + CONFIGURATION)).status).toBe(404);
  });

  it('HS-4: are 503 and not cached while the provider is not known in passthrough mode', async () => {
    const silent = await startMisbehavingProvider({
      behaviour: { faults: { discovery: failWith(503) } },
    });
    onTestFinished(() => silent.close());
    const app = await startApp({ adapter, provider: silent });
    onTestFinished(() => app.close());

    expectRefusal(await request(app.url + RESOURCE), 503, 'temporarily_unavailable');
  });

  it('let a standard client find everything from the issuer alone', async () => {
    const app = await start();

    const found = await discovery(new URL(app.url), 'a-client', undefined, undefined, {
      execute: [allowInsecureRequests],
    });

    const { jwks_uri: keys = '', issuer } = found.serverMetadata();
    expect(issuer).toBe(app.url);
    expect((await request(keys)).json()['keys']).toHaveLength(1);
  });

  it('name only what a standard client can use: it logs a device in, refreshes and exchanges', async () => {
    const app = await start();
    const client = await discovery(new URL(app.url), 'a-client', undefined, None(), {
      execute: [allowInsecureRequests],
    });
    const { authorization_endpoint: authorization, ...metadata } = client.serverMetadata();

    const device = await initiateDeviceAuthorization(client, { scope: 'profile' });
    provider.approveDevice(device.user_code);
    const login = await genericGrantRequest(client, DEVICE_GRANT, {
      device_code: device.device_code,
    });
    const refreshed = await refreshTokenGrant(client, login.refresh_token ?? '');
    const exchanged = await genericGrantRequest(client, EXCHANGE_GRANT, {
      subject_token: provider.accessToken(),
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });

    expect(authorization).toBeUndefined();
    expect(metadata.grant_types_supported).toEqual(['refresh_token', DEVICE_GRANT, EXCHANGE_GRANT]);
    for (const { access_token: accessToken } of [login, refreshed, exchanged]) {
      await expect(app.service.verify(accessToken)).resolves.toMatchObject({ iss: app.url });
    }
  });

  it('HS-5: answer HEAD without a body, and a query changes nothing', async () => {
    const app = await start();

    const head = await request(app.url + CONFIGURATION, { method: 'HEAD' });
    const withQuery = await request(`${app.url}${CONFIGURATION}?x=1`);

    expect([head.status, head.text()]).toEqual([200, '']);
    expect(withQuery.json()['issuer']).toBe(app.url);
    expect(withQuery.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('HS-3: follow "publicUrl", whatever the headers of a request say', async () => {
    const app = await start();
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-prefix': '/evil',
    };

    for (const path of [CONFIGURATION, RESOURCE, JWKS]) {
      const reply = await request(app.url + path, { headers });
      expectPublic(reply);
      expect(reply.text()).not.toContain('evil');
    }
  });
});
