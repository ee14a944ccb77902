import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { setCookies } from '../support/set-cookie.js';
import { UserAgent } from '../support/user-agent.js';

const PUBLIC_URL = 'https://app.example.org';
const CALLBACK = `${PUBLIC_URL}/auth/v2/callback`;

/** What a client, or a proxy that trusts clients, may say about where the request came from. */
const forgeries: Record<string, Record<string, string>> = {
  Host: { host: 'evil.example' },
  'Host with a port': { host: 'app.example.org:8443' },
  'X-Forwarded-*': {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': '8080',
    'x-forwarded-prefix': '/evil',
    'x-forwarded-for': '10.0.0.1',
  },
  Forwarded: { forwarded: 'host=evil.example;proto=http' },
  'Origin and Referer': { origin: 'https://evil.example', referer: 'https://evil.example/x' },
  'rewriting headers': { 'x-original-url': '/evil', 'x-rewrite-url': '/evil', 'x-host': 'evil' },
};

describe.each(adapters)('forwarding headers on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      options: { publicUrl: PUBLIC_URL, allowedPostLogoutRedirectUris: ['/bye'] },
      configure: (host) => {
        // As hosts behind a proxy do; Fastify takes it only when it is made.
        if (adapter !== 'express') return;
        const express: { set(name: string, value: unknown): void } = host
          .getHttpAdapter()
          .getInstance();
        express.set('trust proxy', true);
      },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const login = (headers: Record<string, string>, redirectUri = CALLBACK): Promise<Reply> =>
    request(`${app.url}/auth/v2/login?redirect_uri=${encodeURIComponent(redirectUri)}`, {
      headers,
    });

  it.each(Object.entries(forgeries))(
    'HS-3: the login begins at the same place whatever %s says',
    async (_name, headers) => {
      const reply = await login(headers);
      const usual = await login({});

      const places = [reply, usual].map(({ location }) => ({
        origin: location?.origin,
        path: location?.pathname,
        redirectUri: location?.searchParams.get('redirect_uri'),
      }));
      expect(reply.status).toBe(302);
      expect(places[0]).toEqual(places[1]);
      expect(places[0]).toMatchObject({ origin: provider.issuer, redirectUri: CALLBACK });
      expect(reply.text() + String(reply.headers.get('location'))).not.toContain('evil');
    },
  );

  it.each(Object.entries(forgeries))(
    'HS-3: cookies are those of publicUrl whatever %s says',
    async (_name, headers) => {
      const [cookie] = setCookies(await login(headers));

      expect(cookie?.name).toMatch(/^__Host-/);
      expect(cookie?.attributes).toEqual({
        path: '/',
        'max-age': '600',
        httponly: '',
        samesite: 'Lax',
        secure: '',
      });
    },
  );

  it.each(Object.entries(forgeries))(
    'HS-3: a callback on another host is refused although %s names it',
    async (_name, headers) => {
      for (const host of ['https://evil.example', 'http://app.example.org', app.url]) {
        const reply = await login(
          { ...headers, host: new URL(host).host },
          `${host}/auth/v2/callback`,
        );
        expect(reply.status).toBe(400);
        expect(reply.json()['error']).toBe('invalid_request');
      }
    },
  );

  it.each(Object.entries(forgeries))(
    'HS-3: the logout leads to publicUrl whatever %s says',
    async (_name, headers) => {
      const reply = await request(
        `${app.url}/auth/v2/logout?post_logout_redirect_uri=${encodeURIComponent('/bye')}`,
        { headers },
      );

      expect(reply.location?.origin).toBe(provider.issuer);
      expect(reply.location?.searchParams.get('post_logout_redirect_uri')).toBe(
        `${PUBLIC_URL}/bye`,
      );
      const refused = await request(
        `${app.url}/auth/v2/logout?post_logout_redirect_uri=${encodeURIComponent('https://evil.example/')}`,
        { headers },
      );
      expect(refused.status).toBe(400);
    },
  );

  it.each(Object.entries(forgeries))(
    'HS-3: a login ends at our own callback whatever %s says on the way',
    async (_name, headers) => {
      const agent = new UserAgent(undefined, { [PUBLIC_URL]: app.url });
      const url = `${PUBLIC_URL}/auth/v2/login?redirect_uri=${encodeURIComponent(CALLBACK)}`;
      const { location } = await agent.get(url, { follow: false, headers });

      const { location: back } = await agent.get(location ?? '', { follow: false });
      const reply = await agent.get(back ?? '', { headers });

      expect(reply.status).toBe(200);
      const exchange = provider.requestsTo('token').at(-1);
      expect(exchange?.body['redirect_uri']).toBe(CALLBACK);
    },
  );
});
