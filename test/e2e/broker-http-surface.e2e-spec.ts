import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { rawRequest } from '../support/raw-request.js';
import { expectRefusal } from '../support/refusal.js';
import { allowServerError } from '../support/server-errors.js';
import { exchange } from '../support/token-exchange.js';

const FORMS = ['introspect', 'backchannel-logout', 'revoke', 'token'];

describe.each(adapters)('the HTTP surface of broker mode on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let fail: (() => never) | undefined;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startBrokerApp({
      adapter,
      provider,
      broker: {
        signingAlgorithm: 'ES256',
        introspectionScope: 'myscope',
        mapClaims: () => fail?.() ?? {},
      },
    });
  });

  beforeEach(() => {
    fail = undefined;
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const send = (
    method: string,
    route: string,
    headers: Record<string, string> = {},
  ): Promise<Reply> => request(`${app.url}/auth/v2/${route}`, { method, headers });

  it('HS-4: every answer has our headers, refusals included', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    const replies = [
      await request(`${app.url}/auth/v2/introspect`, {
        form: { token: accessToken },
        bearer: accessToken,
      }),
      await request(`${app.url}/auth/v2/introspect`, { form: { token: accessToken } }),
      await request(`${app.url}/auth/v2/introspect`, { form: {} }),
      await sendLogoutToken(app, 'x'),
      await sendLogoutToken(app, logoutToken(provider, { claims: { sub: 'nobody' } })),
      await exchange(app, provider.accessToken()),
      await exchange(app, 'x'),
      await postToken(app, { refresh_token: refreshToken }),
      await request(`${app.url}/auth/v2/revoke`, { form: { token: refreshToken } }),
      await request(`${app.url}/auth/v2/userinfo`, { bearer: accessToken }),
      await request(`${app.url}/auth/v2/logout`, { bearer: accessToken }),
    ];

    for (const { headers } of replies) {
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('access-control-allow-origin')).toBeNull();
      expect(headers.getSetCookie()).toEqual([]);
    }
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 302, 400, 401]));
  });

  it.each(FORMS)('HS-5: %s takes POST only, and other methods change nothing', async (route) => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    provider.clearRequests();
    const query = `refresh_token=${refreshToken}&token=${accessToken}&logout_token=${logoutToken(provider)}`;

    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const reply = await send(method, `${route}?${query}`);
      expect(reply.status).toBe(404);
    }

    expect(provider.requests).toEqual([]);
    expect((await app.service.verify(accessToken)).sub).toBeDefined();
    expect((await postToken(app, { refresh_token: refreshToken })).status).toBe(200);
  });

  it.each(FORMS)('HS-5: %s answers a preflight without CORS headers', async (route) => {
    const { headers } = await send('OPTIONS', route, {
      origin: 'https://evil.example',
      'access-control-request-method': 'POST',
    });

    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it.each(FORMS)('HS-6: %s refuses bodies of more than 64 KiB with 413', async (route) => {
    const reply = await rawRequest(app.url, [
      `POST /auth/v2/${route} HTTP/1.1`,
      'Content-Type: application/x-www-form-urlencoded',
      'Content-Length: 65537',
    ]);

    expect(reply.status).toBe(413);
    expect(reply.body).toContain('"error":"invalid_request"');
    expect(reply.header('cache-control')).toBe('no-store');
  });

  it.each(FORMS)('HS-6: %s refuses bodies of other types', async (route) => {
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x']) {
      const reply = await request(`${app.url}/auth/v2/${route}`, {
        body: '{"token":"a"}',
        headers: { 'content-type': type },
      });
      expectRefusal(reply, 400, 'invalid_request');
    }
  });

  it.each(['a login', 'an exchange'])(
    'HS-6: a fault of the host at %s is 500 server_error, and nothing of it is told',
    async (what) => {
      fail = () => {
        throw new TypeError('canary of the host: SELECT * FROM secrets');
      };
      allowServerError();

      const reply =
        what === 'a login'
          ? await postToken(app, handleForm(await openLogin(app)))
          : await exchange(app, provider.accessToken());

      expectRefusal(reply, 500, 'server_error');
      expect(reply.text()).not.toMatch(/canary|SELECT|at /);
      expect(app.logs().join('\n')).toContain(
        '"broker.mapClaims" threw TypeError: canary of the host',
      );
      if (what === 'a login') expect(provider.requestsTo('revocation')).toHaveLength(1);
    },
  );

  it('HS-3: no answer follows the Host of its request', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
    const { accessToken } = await brokerLogin(app);

    for (const reply of [
      await request(`${app.url}/auth/v2/logout?post_logout_redirect_uri=/`, {
        headers,
        bearer: accessToken,
      }),
      await request(`${app.url}/auth/v2/introspect`, { headers, form: { token: 'x' } }),
      await request(`${app.url}/required`, { headers }),
    ]) {
      const written = [...reply.headers.values()].join('\n') + reply.text();
      expect(written).not.toContain('evil');
    }
  });
});
