import { Controller, Get, Module, type Type } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { type AdapterName, adapters, startApp, type TestApp } from '../support/app.js';
import { BROKER_AUDIENCE, brokerLogin, guarded, startBrokerApp } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import { OR_DPOP } from '../support/offers-proofs.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

/** A host that answers everything that nobody else does, as single-page applications have it. */
function catchAll(adapter: AdapterName): Type {
  @Controller()
  class CatchAll {
    @Get(adapter === 'fastify' ? '*' : '*splat')
    page(): string {
      return 'the page';
    }
  }

  @Module({ controllers: [CatchAll] })
  class CatchAllModule {}
  return CatchAllModule;
}

const JWKS = '/auth/v2/.well-known/jwks.json';
const CONFIGURATION = '/.well-known/openid-configuration';
const RESOURCE = '/.well-known/oauth-protected-resource';

const expectPublic = ({ status, headers }: Reply): void => {
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('public, max-age=300');
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.has('pragma')).toBe(false);
  expect(headers.has('access-control-allow-origin')).toBe(false);
};

const challenge = async ({ url }: TestApp) =>
  (await request(`${url}/required`)).headers.get('www-authenticate');

describe.each(adapters)('public documents on %s', (adapter) => {
  let provider: MisbehavingProvider;
  const apps: TestApp[] = [];

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(() => provider.close());

  async function start(options: Parameters<typeof startBrokerApp>[0] = {}): Promise<TestApp> {
    const app = await startBrokerApp({ adapter, provider, ...options });
    apps.push(app);
    return app;
  }

  it('KM-3: the key set holds public members alone, and what a peer needs', async () => {
    const app = await start({ broker: { signingAlgorithm: 'RS256' } });

    const reply = await request(`${app.url}${JWKS}`);

    expectPublic(reply);
    const keys: Record<string, unknown>[] = JSON.parse(reply.text()).keys;
    expect(keys.map((key) => Object.keys(key).toSorted())).toEqual([
      ['alg', 'e', 'kid', 'kty', 'n', 'use'],
    ]);
    expect(keys[0]).toMatchObject({ kty: 'RSA', use: 'sig', alg: 'RS256' });
    expect(Buffer.from(String(keys[0]?.['n']), 'base64url')).toHaveLength(384); // KM-4: 3072 bits
  });

  it('the metadata names what a resource server and a client need', async () => {
    const app = await start({
      broker: { introspectionScope: 'introspect', signingAlgorithm: 'RS256' },
    });

    const reply = await request(`${app.url}${CONFIGURATION}`);

    expectPublic(reply);
    expect(reply.json()).toMatchObject({
      issuer: app.url,
      jwks_uri: `${app.url}${JWKS}`,
      token_endpoint: `${app.url}/auth/v2/token`,
      device_authorization_endpoint: `${app.url}/auth/v2/device`,
      revocation_endpoint: `${app.url}/auth/v2/revoke`,
      introspection_endpoint: `${app.url}/auth/v2/introspect`,
      end_session_endpoint: `${app.url}/auth/v2/logout`,
      id_token_signing_alg_values_supported: ['RS256'],
    });
    expect(reply.json()).not.toHaveProperty('authorization_endpoint'); // the login route is for others
    const head = await request(`${app.url}${CONFIGURATION}`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(head.text()).toBe('');
  });

  it('stand at the issuer, under prefixes of the host and a path of the issuer, ahead of a catch-all route', async () => {
    const app = await start({
      globalPrefix: 'v1',
      imports: [catchAll(adapter)],
      options: { routes: { prefix: '/api' }, publicUrl: 'http://localhost:3999' },
      broker: { issuer: 'http://localhost:3999/fleet/a' },
    });

    const [routed, atIssuer, metadata, resource] = await Promise.all(
      [`/v1/api${JWKS}`, `/fleet/a${JWKS}`, `/fleet/a${CONFIGURATION}`, RESOURCE].map((path) =>
        request(app.url + path),
      ),
    );

    for (const reply of [routed, atIssuer, metadata, resource]) {
      if (reply === undefined) throw new Error('All were asked');
      expectPublic(reply);
    }
    expect(atIssuer?.text()).toBe(routed?.text());
    expect(metadata?.json()).toMatchObject({
      issuer: 'http://localhost:3999/fleet/a',
      jwks_uri: `http://localhost:3999/v1/api${JWKS}`,
    });
    expect(resource?.json()).toMatchObject({
      resource: 'http://localhost:3999',
      authorization_servers: ['http://localhost:3999/fleet/a'],
    });
    expect((await request(`${app.url}/v1/anything`)).text()).toBe('the page');
  });

  it('can be switched off', async () => {
    const app = await start({ options: { routes: { metadata: false, jwks: false } } });

    for (const path of [JWKS, CONFIGURATION, RESOURCE]) {
      expect((await request(app.url + path)).status).toBe(404);
    }
  });

  it('HS-4: an error is not kept by caches', async () => {
    const store = new MemoryBrokerStore();
    store.listSigningKeys = () => Promise.reject(new Error('connection lost'));
    const app = await start({ store, options: { timeoutMs: 300 } });

    for (const path of [JWKS]) {
      const reply = await request(app.url + path);
      expectRefusal(reply, 503, 'temporarily_unavailable');
    }
  });

  it('without a broker answer 404, and the resource names the provider', async () => {
    const app = await startApp({ adapter, provider });
    apps.push(app);

    expect((await request(`${app.url}${JWKS}`)).json()).toMatchObject({
      statusCode: 404,
      error: 'invalid_request',
    });
    expect((await request(`${app.url}${CONFIGURATION}`)).status).toBe(404);
    expect((await request(`${app.url}${RESOURCE}`)).json()).toMatchObject({
      authorization_servers: [provider.issuer],
    });
    for (const path of ['introspect', 'backchannel-logout']) {
      const form = { token: 'x', logout_token: 'x' };
      const reply = await request(`${app.url}/auth/v2/${path}`, { form });
      expect(reply.status).toBe(404);
    }
  });

  it('RFC 9728: the challenge of the guard names the document of the resource', async () => {
    const app = await start();
    const off = await start({ options: { routes: { metadata: false } } });

    expect(await challenge(app)).toBe(`Bearer resource_metadata="${app.url}${RESOURCE}"${OR_DPOP}`);
    expect(await challenge(off)).toBe(`Bearer${OR_DPOP}`);
    const invalid = await request(`${app.url}/required`, { bearer: 'opaque' });
    expect(invalid.headers.get('www-authenticate')).toMatch(
      /^Bearer error="invalid_token", error_description=".+", resource_metadata="http.+", DPoP algs=".+"$/,
    );
  });

  it('introspection tells callers with the scope what our tokens are worth, and nobody else', async () => {
    const app = await start({ broker: { introspectionScope: 'myscope' } });
    const { accessToken, refreshToken, claims } = await brokerLogin(app);
    const narrow = await brokerLogin(app, { scope: 'email' });
    const ask = (token: string, bearer?: string): Promise<Reply> =>
      request(`${app.url}/auth/v2/introspect`, {
        form: { token },
        ...(bearer === undefined ? {} : { bearer }),
      });

    const active = await ask(narrow.accessToken, accessToken);
    expect(active.json()).toMatchObject({
      active: true,
      token_type: 'Bearer',
      sub: claims['sub'],
      aud: BROKER_AUDIENCE,
    });
    expect(active.headers.get('cache-control')).toBe('no-store');
    for (const token of ['opaque', refreshToken, provider.accessToken()]) {
      expect((await ask(token, accessToken)).json()).toEqual({ active: false });
    }
    expect((await ask(accessToken)).status).toBe(401);
    expect((await ask(accessToken, narrow.accessToken)).json()['error']).toBe('insufficient_scope');
    await app.service.revokeSession(String(narrow.claims['sid']));
    expect((await ask(narrow.accessToken, accessToken)).json()).toEqual({ active: false });
  });

  it('userinfo answers from the session, and sends no token of ours anywhere', async () => {
    const app = await start();
    const { accessToken } = await brokerLogin(app);
    provider.clearRequests();

    const reply = await request(`${app.url}/auth/v2/userinfo`, { bearer: accessToken });

    expect(reply.json()).toEqual({
      username: 'alice',
      pw_name: 'alice',
      first_name: 'Alice',
      last_name: 'Doe',
      email: 'alice@example.org',
    });
    expect(provider.requests).toEqual([]);
    expect(await guarded(app, accessToken)).toBe('200');
  });
});
