import { All, Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { Public } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp, type BrokerAppOptions } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { OR_DPOP } from '../support/offers-proofs.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';

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

/** A host that answers every path itself. */
@Controller()
class CatchAll {
  @All('*')
  @Public()
  all(): string {
    return 'host';
  }

  @Get()
  @Public()
  root(): string {
    return 'host';
  }
}

describe.each(adapters)('addresses of well-known documents on %s', (adapter) => {
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

  /** An application whose issuer is its public URL and this path. */
  const startWithIssuer = async (path: string): Promise<{ own: TestApp; issuer: string }> => {
    const publicUrl = 'https://app.example.org';
    const issuer = publicUrl + path;
    const own = await start({ globalPrefix: 'v1', options: { publicUrl }, broker: { issuer } });
    return { own, issuer };
  };

  it('stay where they are under a global prefix and one of ours, and point below them', async () => {
    const app = await start({ globalPrefix: 'v1', options: { routes: { prefix: '/api' } } });

    const document = (await request(app.url + CONFIGURATION)).json();

    expect(document).toMatchObject({
      issuer: app.url,
      token_endpoint: `${app.url}/v1/api/auth/v2/token`,
      jwks_uri: `${app.url}/v1/api/auth/v2/.well-known/jwks.json`,
    });
    const ours = await request(String(document['jwks_uri']));
    const forPeers = await request(app.url + JWKS); // they know nothing but the issuer
    expectPublic(ours);
    expectPublic(forPeers);
    expect(forPeers.json()).toEqual(ours.json());
    expect((await request(app.url + RESOURCE)).status).toBe(200);
  });

  it('are below the path of "broker.issuer" where that has one', async () => {
    const app = await start({
      globalPrefix: 'v1',
      broker: { issuer: 'http://localhost:1/tokens/' },
    });
    const elsewhere = (await request(`${app.url}/tokens${CONFIGURATION}`)).status;
    expect(elsewhere).toBe(404); // that issuer is on another origin

    const { own, issuer } = await startWithIssuer('/tokens');
    const document = await request(`${own.url}/tokens${CONFIGURATION}`);
    expectPublic(document);
    expect(document.json()).toMatchObject({ issuer });
    expectPublic(await request(`${own.url}/tokens${JWKS}`));
    expect((await request(own.url + CONFIGURATION)).status).toBe(404);
    expect((await brokerLogin({ url: `${own.url}/v1` })).claims['iss']).toBe(issuer);
  });

  it.each(['/', '/tokens/'])(
    'are found when the issuer ends in a slash (%s), which is taken away before they are looked for',
    async (path) => {
      const { own, issuer } = await startWithIssuer(path);
      const base = own.url + path.slice(0, -1);

      const document = await request(base + CONFIGURATION);

      expect(document.json()['issuer']).toBe(issuer);
      expectPublic(await request(base + JWKS));
    },
  );

  it('are where requests arrive when a proxy takes the path of "publicUrl" away', async () => {
    const publicUrl = 'https://example.org/shop';
    const app = await start({ options: { publicUrl }, controllers: [GuardedRoutes] });

    const document = (await request(app.url + CONFIGURATION)).json();
    const refusal = await request(`${app.url}/required`);

    expect(document).toMatchObject({
      issuer: publicUrl,
      jwks_uri: publicUrl + JWKS,
      token_endpoint: `${publicUrl}/auth/v2/token`,
    });
    expectPublic(await request(app.url + JWKS));
    expect(refusal.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${publicUrl}${RESOURCE}"${OR_DPOP}`,
    );
    expect((await request(app.url + RESOURCE)).json()['resource']).toBe(publicUrl);
  });

  it("HS-5: have the host's own CORS headers, and none of ours", async () => {
    const headers = { origin: 'https://spa.example.org' };
    const allowing = await start({ configure: (host) => host.enableCors() });
    const silent = await start();

    for (const path of [CONFIGURATION, RESOURCE, JWKS]) {
      const allowed = await request(allowing.url + path, { headers });
      const plain = await request(silent.url + path, { headers });
      expectPublic(allowed);
      expect(allowed.headers.get('access-control-allow-origin')).toBe('*');
      expect(plain.headers.has('access-control-allow-origin')).toBe(false);
    }
  });

  it('answer ahead of a host that answers every path itself, and touch nothing else', async () => {
    const app = await start({
      controllers: [CatchAll],
      options: { routes: { prefix: '/api' } },
    });

    const document = await request(app.url + CONFIGURATION);
    expectPublic(document);
    expectPublic(await request(String(document.json()['jwks_uri'])));
    expectPublic(await request(app.url + RESOURCE));
    expectPublic(await request(app.url + JWKS));
    for (const path of ['/', '/.well-known/other', `${CONFIGURATION}/x`, '/tokens']) {
      expect((await request(app.url + path)).text()).toBe('host');
    }
    const posted = await request(app.url + CONFIGURATION, { method: 'POST' });
    expect(posted.text()).toBe('host');
  });

  it('are the host’s own where they are switched off', async () => {
    const app = await start({
      controllers: [CatchAll],
      options: { routes: { metadata: false } },
    });

    expect((await request(app.url + CONFIGURATION)).text()).toBe('host');
    expect((await request(app.url + RESOURCE)).text()).toBe('host');
    expectPublic(await request(app.url + JWKS)); // the route itself is on
  });
});
