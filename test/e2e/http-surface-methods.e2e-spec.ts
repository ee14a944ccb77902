import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { openLogin } from '../support/open-login.js';
import { ownCallback } from '../support/own-callback.js';
import { rawRequest } from '../support/raw-request.js';
import { expectRefusal } from '../support/refusal.js';

const GETS = ['login', 'callback', 'logout', 'userinfo'];
const POSTS = ['token', 'device', 'revoke'];

const FORM_TYPE = 'application/x-www-form-urlencoded';
const JSON_TYPE = { 'content-type': 'application/json' };
const ORIGIN = { origin: 'https://spa.example.org' };

/** Refusals of every kind, those of the early checks among them: what a page of another origin must be able to read. */
const refusals: [what: string, status: number, act: (url: string) => Promise<Reply>][] = [
  ['a missing token', 401, (url) => request(`${url}/userinfo`, { headers: ORIGIN })],
  [
    'JSON in the place of a form',
    400,
    (url) => request(`${url}/token`, { body: '{}', headers: { ...ORIGIN, ...JSON_TYPE } }),
  ],
  [
    'a body without a type',
    400,
    (url) => request(`${url}/revoke`, { body: 'token=x', headers: ORIGIN }),
  ],
  [
    'a form in another charset',
    400,
    (url) =>
      request(`${url}/device`, {
        body: 'scope=email',
        headers: { ...ORIGIN, 'content-type': `${FORM_TYPE}; charset=utf-16` },
      }),
  ],
  [
    'a compressed form',
    400,
    (url) =>
      request(`${url}/device`, {
        form: { scope: 'email' },
        headers: { ...ORIGIN, 'content-encoding': 'gzip' },
      }),
  ],
  [
    'a form that is too large',
    413,
    (url) => request(`${url}/token`, { form: { code: 'x'.repeat(70_000) }, headers: ORIGIN }),
  ],
  [
    'a form that grows too large',
    413,
    (url) =>
      request(`${url}/token`, {
        form: { code: 'x'.repeat(70_000) },
        headers: { ...ORIGIN, 'transfer-encoding': 'chunked' },
      }),
  ],
  [
    'a large body of a request that has none',
    413,
    (url) =>
      request(`${url}/userinfo`, {
        method: 'GET',
        body: 'x'.repeat(70_000),
        headers: ORIGIN,
      }),
  ],
  [
    'a repeated parameter',
    400,
    (url) => request(`${url}/login?scope=a&scope=b`, { headers: ORIGIN }),
  ],
  ['no grant', 400, (url) => request(`${url}/token`, { form: {}, headers: ORIGIN })],
];

describe.each(adapters)('methods and origins on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider, controllers: [GuardedRoutes] });
    await request(`${app.url}/required`, { bearer: provider.accessToken() }); // metadata and keys are known
  });

  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
    provider.clearRequests();
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

  it.each(POSTS)('HS-5: %s takes POST only, and other methods change nothing', async (route) => {
    const query = 'refresh_token=any-refresh-token&token=any-refresh-token&device_code=any-device';

    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const reply = await send(method, `${route}?${query}`);
      expect(reply.status).toBe(404);
    }

    expect(provider.requests).toEqual([]);
  });

  it.each(GETS)('HS-5: %s takes GET only', async (route) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const reply = await send(method, `${route}?redirect_uri=http://localhost:53100/callback`);
      expect(reply.status).toBe(404);
      expect(reply.headers.getSetCookie()).toEqual([]);
    }

    expect(provider.requests).toEqual([]);
  });

  it('HS-5: X-HTTP-Method-Override has no effect', async () => {
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      expect((await send('GET', 'token?refresh_token=a', { [name]: 'POST' })).status).toBe(404);
    }

    expect(provider.requests).toEqual([]);
  });

  it.each([...GETS, ...POSTS])(
    'HS-5: %s answers a preflight without CORS headers',
    async (route) => {
      const preflight = await send('OPTIONS', route, {
        origin: 'https://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      });
      const actual = await send(GETS.includes(route) ? 'GET' : 'POST', route, {
        origin: 'https://evil.example',
      });

      for (const { headers } of [preflight, actual]) {
        const cors = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
        expect(cors).toEqual([]);
      }
      expect(preflight.status).toBe(404);
    },
  );

  it.each(refusals)(
    "HS-5: a host's own CORS settings hold on refusals of our routes: %s",
    async (_what, status, act) => {
      const open = await startApp({
        adapter,
        provider,
        configure: (host) => host.enableCors({ origin: ORIGIN.origin }),
      });

      const reply = await act(`${open.url}/auth/v2`);
      await open.close();

      expectRefusal(reply, status, status === 401 ? 'invalid_token' : 'invalid_request');
      expect(reply.headers.get('access-control-allow-origin')).toBe(ORIGIN.origin);
    },
  );

  it('HS-6: what is left of a refused body ends with its connection, and reaches no parser', async () => {
    const replies = await Promise.all(
      refusals.slice(1, 8).map(([, , act]) => act(`${app.url}/auth/v2`)),
    );

    for (const { headers } of replies) expect(headers.get('connection')).toBe('close');
  });

  it('HS-5: HEAD on a login sends no body and redirects as GET does', async () => {
    const path = '/auth/v2/login?redirect_uri=http://localhost:53100/callback';

    const { status, header, body } = await rawRequest(app.url, [`HEAD ${path} HTTP/1.1`]);

    expect(status).toBe(302);
    expect(header('location')).toContain(`${provider.issuer}/`);
    expect(body).toBe('');
  });

  it('HS-5: HEAD on the callback redeems no login of another browser', async () => {
    const login = await openLogin(app, { redirectUri: ownCallback(app) });
    provider.clearRequests();
    const query = new URLSearchParams({ code: login.code, state: login.state });

    const reply = await send('HEAD', `callback?${query.toString()}`);

    expect(reply.status).toBe(400);
    expect(provider.requests).toEqual([]);
  });
});
