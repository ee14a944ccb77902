import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { answerWith, failWith } from '../support/faults.js';
import { request, type Reply, type RequestOptions } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin } from '../support/open-login.js';
import { rawRequest } from '../support/raw-request.js';
import { ownCallback } from '../support/own-callback.js';

const FORM = 'Content-Type: application/x-www-form-urlencoded';

const HEADERS = {
  'cache-control': 'no-store',
  pragma: 'no-cache',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

function expectHeaders({ headers }: Reply): void {
  const seen = Object.keys(HEADERS).map((name) => [name, headers.get(name)]);

  expect(Object.fromEntries(seen)).toEqual(HEADERS);
}

/** The last slash of a path, the other way round. */
function flipped(path: string): string {
  return path.replace(/\/(?=[^/]+$)/, '\\');
}

describe.each(adapters)('headers of our routes on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  beforeEach(() => {
    provider.resetBehaviour();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const ask = (path: string, options?: RequestOptions): Promise<Reply> =>
    request(`${app.url}/auth/v2/${path}`, options);

  it('HS-4: go with every good answer', async () => {
    const redirectUri = encodeURIComponent(ownCallback(app));
    const login = await ask(`login?redirect_uri=${redirectUri}`);
    const own = await openLogin(app, { redirectUri: ownCallback(app) });
    const query = new URLSearchParams({ code: own.code, state: own.state, iss: provider.issuer });
    const callback = await own.agent.get(`${own.redirectUri}?${query.toString()}`);
    const token = await ask('token', { form: handleForm(await openLogin(app)) });
    const device = await ask('device', { form: {} });
    const logout = await ask('logout');
    const userinfo = await ask('userinfo', { bearer: provider.accessToken() });
    const revoke = await ask('revoke', { form: { token: 'any-refresh-token' } });

    const replies = [login, callback, token, device, logout, userinfo, revoke];
    expect(replies.map(({ status }) => status)).toEqual([302, 200, 200, 200, 302, 200, 200]);
    for (const reply of replies) expectHeaders(reply);
    for (const reply of [callback, token, device, userinfo, revoke]) {
      expect(reply.headers.get('content-type')).toMatch(/^application\/json/);
    }
  });

  it('HS-4: go with every refusal, of the early checks too', async () => {
    const large = { body: 'x', headers: { 'content-length': '70000' }, timeoutMs: 2000 };
    const replies = [
      await ask('login'),
      await ask('login?redirect_uri=https://evil.example'),
      await ask('callback'),
      await ask('callback?state=x&code=y'),
      await ask('token', { form: {} }),
      await ask('token', { body: '{}', headers: { 'content-type': 'application/json' } }),
      await ask('token', { method: 'POST', ...large }),
      await ask('device', { form: { scope: 'admin' } }),
      await ask('device', { body: 'x', headers: { 'content-type': 'text/xml' } }),
      await ask('logout?post_logout_redirect_uri=//evil.example'),
      await ask('userinfo'),
      await ask('userinfo', { bearer: 'x' }),
      await ask('revoke', { form: {} }),
    ];
    provider.behaviour.faults = { token: failWith(503), revocation: answerWith({ status: 302 }) };
    replies.push(
      await ask('token', { form: { refresh_token: 'any-refresh-token' } }),
      await ask('revoke', { form: { token: 'any-refresh-token' } }),
    );

    expect(replies.map(({ status }) => status)).toEqual([
      400, 400, 400, 400, 400, 400, 413, 400, 400, 400, 401, 401, 400, 503, 502,
    ]);
    for (const reply of replies) expectHeaders(reply);
  });

  it('HS-4: go with other methods and spellings of the path that the host routes to us', async () => {
    for (const reply of [
      await ask('token'),
      await ask('token', { method: 'PUT', form: {} }),
      await ask('token', { method: 'HEAD' }),
      await ask('login', { method: 'DELETE' }),
      await ask('userinfo?x=1#y'),
    ]) {
      expectHeaders(reply);
    }
    for (const path of [
      'USERINFO',
      'userinfo/',
      '%75serinfo',
      'userinfo;x=1',
      '/userinfo',
      './userinfo',
    ]) {
      const reply = await ask(path);
      if (reply.status !== 404) expectHeaders(reply);
    }
  });

  it.each([
    ['the absolute form', (path: string) => `http://app.example.org${path}`],
    [
      'the absolute form of another host and scheme',
      (path: string) => `HTTPS://evil.example:1${path}`,
    ],
    ['a fragment', (path: string) => `${path}#fragment`],
    ['an empty query', (path: string) => `${path}?`],
    ['upper case', (path: string) => path.toUpperCase()],
    ['a slash at the end', (path: string) => `${path}/`],
    ['an encoded letter', (path: string) => path.replace('v2', '%762')],
    ['a second slash', (path: string) => `/${path}`],
    ['a backslash', (path: string) => path.replace('/v2/', String.raw`\v2\ `.trim())],
    ['a path parameter', (path: string) => `${path};x=1`],
  ])(
    'HS-4: hold for a request target with %s, and so do the checks of the body',
    async (_, spell) => {
      const target = spell('/auth/v2/token');
      const body = 'a[b]=1';
      const wrongType = await rawRequest(
        app.url,
        [`POST ${target} HTTP/1.1`, 'Content-Type: application/json', 'Content-Length: 2'],
        '{}',
      );
      const nested = await rawRequest(
        app.url,
        [`POST ${target} HTTP/1.1`, FORM, `Content-Length: ${body.length}`],
        body,
      );

      for (const reply of [wrongType, nested]) {
        if (reply.status === 404 || !reply.body.includes('statusCode')) continue; // not one of our routes
        expect(reply.status).toBe(400);
        expect(reply.body).toContain('"error":"invalid_request"');
        for (const [name, value] of Object.entries(HEADERS)) expect(reply.header(name)).toBe(value);
      }
    },
  );

  it.each([
    ['as it is', (path: string) => path],
    ['in absolute form', (path: string) => `http://app.example.org${path}`],
    ['in absolute form with backslashes', (path: string) => `http://a.example${flipped(path)}`],
    ['with a query', (path: string) => `${path}?x=/elsewhere`],
    ['with a fragment', (path: string) => `${path}#/elsewhere`],
    ['with a backslash', flipped],
  ])(
    'HS-4: are there wherever a path counts as ours, and so are documents: %s',
    async (_, spell) => {
      const document = '/.well-known/oauth-protected-resource';
      for (const own of ['/auth/v2/userinfo', '/AUTH/V2/Userinfo', '/auth/v2/userinfo/']) {
        const reply = await rawRequest(app.url, [`GET ${spell(own)} HTTP/1.1`]);
        expect(reply.header('referrer-policy')).toBe('no-referrer');
      }

      const published = await rawRequest(app.url, [`GET ${spell(document)} HTTP/1.1`]);
      expect(published.status).toBe(200);
      const elsewhere = await rawRequest(app.url, [`GET ${spell(`/x${document}`)} HTTP/1.1`]);
      expect(elsewhere.status).toBe(404);
    },
  );

  it('HS-4: leave the routes of the host alone', async () => {
    const reply = await request(`${app.url}/auth/v2/elsewhere`);

    expect(reply.status).toBe(404);
    for (const name of ['cache-control', 'content-security-policy', 'referrer-policy', 'pragma']) {
      expect(reply.headers.get(name)).toBeNull();
    }
  });

  it('HS-4: redirect with 302 only, to one place, without line breaks', async () => {
    const loopback = 'redirect_uri=http://localhost:53100/callback';
    const state = encodeURIComponent('x\r\nSet-Cookie: evil=1\u2028');
    const replies = [
      await ask(`login?${loopback}`),
      await ask(`logout?state=${state}`),
      await ask(`logout?post_logout_redirect_uri=/&state=${state}`),
    ];
    provider.behaviour.metadata = ({ end_session_endpoint: _gone, ...rest }) => rest;
    const local = await startApp({ adapter, provider });
    replies.push(await request(`${local.url}/auth/v2/logout?state=${state}`));
    await local.close();

    for (const reply of replies) {
      expect(reply.status).toBe(302);
      expect(reply.headers.get('location')).toMatch(/^[\x21-\x7e]+$/);
      expect(reply.headers.get('set-cookie')).toBeNull();
      expectHeaders(reply);
    }
  });

  it('HS-4: are not doubled', async () => {
    const { lines } = await rawRequest(app.url, ['GET /auth/v2/login HTTP/1.1']);

    const names = lines.map((line) => line.split(':')[0]?.toLowerCase());
    for (const name of Object.keys(HEADERS)) {
      expect(names.filter((one) => one === name)).toEqual([name]);
    }
  });
});
