import { createRemoteJWKSet, jwtVerify } from 'jose';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp, type BrokerAppOptions } from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

const JWKS = '/auth/v2/.well-known/jwks.json';

const jwks = (app: TestApp, method = 'GET'): Promise<Reply> => request(app.url + JWKS, { method });

const keysOf = (reply: Reply): Record<string, unknown>[] => {
  expect(reply.status, reply.text()).toBe(200);
  const { keys } = reply.json();
  if (!Array.isArray(keys)) throw new Error('No keys');
  return keys.map((key: unknown) => Object.fromEntries(Object.entries(Object(key))));
};

describe.each(adapters)('the key set of an application on %s', (adapter) => {
  let clock: FakeClock;
  let provider: MisbehavingProvider;

  beforeEach(async () => {
    GuardedRoutes.reached.length = 0;
    clock = new FakeClock();
    provider = await startMisbehavingProvider({ clock });
    onTestFinished(() => provider.close());
  });

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const app = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => app.close());
    return app;
  };

  it('KM-3: are published with their public members alone, and may be cached', async () => {
    const app = await start({ broker: { signingAlgorithm: 'RS256' } });

    const reply = await jwks(app);

    expect(Object.keys(reply.json())).toEqual(['keys']);
    const [key = {}, ...others] = keysOf(reply);
    expect(others).toEqual([]);
    expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    expect(key).toMatchObject({ alg: 'RS256', use: 'sig', kty: 'RSA' });
    expect(reply.text()).not.toMatch(/"(d|p|q|dp|dq|qi|oth|k)"/);
    expect(reply.headers.get('cache-control')).toBe('public, max-age=300');
    expect(reply.headers.get('pragma')).toBeNull();
    expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    expect(reply.headers.get('referrer-policy')).toBe('no-referrer');
    expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(reply.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('KM-3: answer HEAD too, and no other method', async () => {
    const app = await start();

    const head = await jwks(app, 'HEAD');

    expect([head.status, head.text()]).toEqual([200, '']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const reply = await jwks(app, method);
      expect(reply.status).toBe(404);
      expect(reply.headers.get('cache-control')).not.toContain('public'); // HS-4
    }
  });

  it('HS-4: are not cached as long as they are an error', async () => {
    const broken = countingStore();
    broken.down = true;
    const app = await start({ store: broken.store });
    const passthrough = await startApp({ adapter, provider });
    onTestFinished(() => passthrough.close());

    const unavailable = await jwks(app);
    const absent = await jwks(passthrough);
    const tooLarge = await request(app.url + JWKS, {
      method: 'GET',
      headers: { 'content-length': '70000' },
      body: 'x'.repeat(70_000),
    });

    expectRefusal(unavailable, 503, 'temporarily_unavailable');
    expectRefusal(absent, 404, 'invalid_request');
    expectRefusal(tooLarge, 413, 'invalid_request');
  });

  it('KM-3: verify our tokens for a resource server that knows nothing but the URL', async () => {
    const app = await start({ broker: { signingAlgorithm: 'EdDSA' } });
    const { accessToken } = await brokerLogin(app);

    const { protectedHeader } = await jwtVerify(
      accessToken,
      createRemoteJWKSet(new URL(app.url + JWKS)),
      { issuer: app.url, audience: 'myapp-api', typ: 'at+jwt', currentDate: clock.now() },
    );

    expect(protectedHeader.alg).toBe('EdDSA');
  });
});
