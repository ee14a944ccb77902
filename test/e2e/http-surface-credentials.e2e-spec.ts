import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { rawRequest } from '../support/raw-request.js';
import { OR_DPOP } from '../support/offers-proofs.js';

/** The challenge to a request without a token: no error, only where to get one (RFC 6750 §3.1, RFC 9728 §5.1). */
const noToken = ({ url }: TestApp): string =>
  `Bearer resource_metadata="${url}/.well-known/oauth-protected-resource"${OR_DPOP}`;

const FORM = 'Content-Type: application/x-www-form-urlencoded';

describe.each(adapters)('credentials of requests on %s', (adapter) => {
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

  const twoHeaders = (path: string, first: string, second: string) =>
    rawRequest(app.url, [
      `GET ${path} HTTP/1.1`,
      `Authorization: ${first}`,
      `authorization: ${second}`,
    ]);

  it.each(['/required', '/auth/v2/userinfo'])(
    'HS-1: refuses two Authorization headers on %s with 400, whatever they hold',
    async (path) => {
      const token = `Bearer ${provider.accessToken()}`;

      const replies = [
        await twoHeaders(path, token, token),
        await twoHeaders(path, token, 'Bearer x'),
        await twoHeaders(path, 'Bearer x', token),
        await twoHeaders(path, 'Basic eDp5', token),
        await twoHeaders(path, token, 'Basic eDp5'),
        await twoHeaders(path, '', token),
        await twoHeaders(path, token, ''),
      ];

      for (const { status, body, header } of replies) {
        expect(status).toBe(400);
        expect(body).toContain('"error":"invalid_request"');
        expect(header('www-authenticate')).toBeUndefined();
      }
      expect(GuardedRoutes.reached).toEqual([]);
      expect(provider.requests).toEqual([]);
    },
  );

  it('HS-1: treats two Authorization headers as anonymous where authentication is optional', async () => {
    const token = `Bearer ${provider.accessToken()}`;

    const { status, body } = await twoHeaders('/optional', token, token);

    expect(status).toBe(200);
    expect(body).toContain('"type":"undefined"');
  });

  it('HS-1: refuses several credentials in one header', async () => {
    const token = provider.accessToken();

    for (const authorization of [
      `Bearer ${token}, Bearer ${token}`,
      `Bearer ${token},Bearer x`,
      `Bearer ${token} ${token}`,
      `Basic eDp5, Bearer ${token}`,
    ]) {
      const reply = await request(`${app.url}/required`, { headers: { authorization } });
      expectGuardRefusal(reply, 401, 'invalid_token');
    }
  });

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('HS-1: takes the scheme %s', async (scheme) => {
    const authorization = `${scheme} ${provider.accessToken()}`;

    const reply = await request(`${app.url}/required`, { headers: { authorization } });
    const userinfo = await request(`${app.url}/auth/v2/userinfo`, { headers: { authorization } });

    expect([reply.status, userinfo.status]).toEqual([200, 200]);
  });

  it.each(['Basic', 'Token', 'Negotiate', 'Bearerx', 'Bearer:', 'JWT'])(
    'HS-1: answers 401 without an error in the challenge to the scheme %s',
    async (scheme) => {
      const authorization = `${scheme} ${provider.accessToken()}`;

      const reply = await request(`${app.url}/required`, { headers: { authorization } });

      expectGuardRefusal(reply, 401, 'invalid_token');
      expect(reply.headers.get('www-authenticate')).toBe(noToken(app));
    },
  );

  it.each(['', ' ', 'Bearer', 'Bearer ', 'Bearer    '])(
    'HS-1: answers 401 without an error in the challenge to "Authorization: %s"',
    async (authorization) => {
      const reply = await request(`${app.url}/required`, { headers: { authorization } });

      expectGuardRefusal(reply, 401, 'invalid_token');
      expect(reply.headers.get('www-authenticate')).toBe(noToken(app));
    },
  );

  it('HS-1: finds no token in query, cookie, body or other headers', async () => {
    const token = provider.accessToken();
    const elsewhere = [
      request(`${app.url}/required?access_token=${token}`),
      request(`${app.url}/required?token=${token}&authorization=Bearer%20${token}`),
      request(`${app.url}/required`, {
        headers: { cookie: `access_token=${token}; token=${token}` },
      }),
      request(`${app.url}/required`, { method: 'GET', form: { access_token: token } }),
      request(`${app.url}/required`, { headers: { 'proxy-authorization': `Bearer ${token}` } }),
      request(`${app.url}/required`, {
        headers: { 'x-access-token': token, 'x-forwarded-user': 'a' },
      }),
    ];

    for (const reply of await Promise.all(elsewhere)) {
      expectGuardRefusal(reply, 401, 'invalid_token');
      expect(reply.headers.get('www-authenticate')).toBe(noToken(app));
    }
  });

  it('HS-1: finds no token for userinfo in query, cookie or body', async () => {
    const token = provider.accessToken();
    const url = `${app.url}/auth/v2/userinfo`;

    for (const reply of [
      await request(`${url}?access_token=${token}`),
      await request(url, { headers: { cookie: `access_token=${token}` } }),
      await request(url, { method: 'GET', form: { access_token: token } }),
    ]) {
      expectGuardRefusal(reply, 401, 'invalid_token');
      expect(reply.headers.get('www-authenticate')).toBe(noToken(app));
    }
  });

  it('HS-1: does not let a form pass a token to a guarded handler', async () => {
    const body = `access_token=${provider.accessToken()}`;

    const { status, header } = await rawRequest(
      app.url,
      ['GET /required HTTP/1.1', FORM, `Content-Length: ${body.length}`],
      body,
    );

    expect(status).toBe(401);
    expect(header('www-authenticate')).toBe(noToken(app));
  });
});
