import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { failWith, hang } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const PUBLIC_URL = 'https://app.example.org';

/** Listed, as they are sent to the provider, and as the browser is sent there without one. */
const listed = [
  ['/', `${PUBLIC_URL}/`, '/'],
  [PUBLIC_URL, PUBLIC_URL, PUBLIC_URL],
  [`${PUBLIC_URL}/`, `${PUBLIC_URL}/`, `${PUBLIC_URL}/`],
  ['/bye', `${PUBLIC_URL}/bye`, '/bye'],
  ['/bye?from=logout&x=1', `${PUBLIC_URL}/bye?from=logout&x=1`, '/bye?from=logout&x=1'],
  [
    'https://other.example.org/out',
    'https://other.example.org/out',
    'https://other.example.org/out',
  ],
] as const;

/** Disguised and foreign targets, as a browser might still follow them. */
const hostile = [
  '//evil.example',
  '//evil.example/bye',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\\/evil.example',
  '/%09/evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/%2f/evil.example',
  '/%5cevil.example',
  '/..//evil.example',
  '/.//evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'https:\\\\evil.example',
  'https://evil.example',
  'https://evil.example/',
  'http://app.example.org/',
  'https://app.example.org.evil.example/',
  'https://app.example.org@evil.example/',
  'https://app.example.org:8443/',
  'https://APP.example.org/',
  'https://app.example.org/bye2',
  'https://app.example.org/bye',
  'https://other.example.org/out/',
  'https://other.example.org/out?x=1',
  'https://other.example.org/out#x',
  'https://other.example.org/out/../in',
  'https://other.example.org/OUT',
  'javascript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'bye',
  './bye',
  '/bye/',
  '/bye#x',
  '/BYE',
  '/bye%20',
  '/bye\u0000',
  '/bye\r\nSet-Cookie: a=b',
  '?x',
  '#x',
  '/admin',
  `/${'a'.repeat(2100)}`,
];

const logout = (from: TestApp, parameters: Record<string, string>): Promise<Reply> =>
  request(`${from.url}/auth/v2/logout?${new URLSearchParams(parameters).toString()}`);

describe.each(adapters)('targets of a logout on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  /** An application whose provider never answered. */
  let blind: TestApp;
  /** An application whose provider has no end-session endpoint. */
  let local: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const options = {
      publicUrl: PUBLIC_URL,
      timeoutMs: 300,
      allowedPostLogoutRedirectUris: [
        '/bye',
        '/bye?from=logout&x=1',
        'https://other.example.org/out',
        'https://spa.example.org/#/signed-out',
      ],
    };
    app = await startApp({ adapter, provider, options });
    blind = await startApp({ adapter, options });
    provider.behaviour.metadata = ({ end_session_endpoint: _gone, ...rest }) => rest;
    local = await startApp({ adapter, provider, options });
    await request(`${local.url}/auth/v2/logout`); // metadata is known
    provider.resetBehaviour();
    await request(`${app.url}/auth/v2/logout`);
  });

  beforeEach(() => {
    provider.clearRequests();
  });

  afterAll(async () => {
    await Promise.all([app, blind, local].map((one) => one.close()));
    await provider.close();
  });

  it.each(hostile)('LO-1: refuses %j with and without a provider', async (target) => {
    for (const from of [app, blind, local]) {
      const reply = await logout(from, { post_logout_redirect_uri: target });
      expectRefusal(reply, 400, 'invalid_request');
      expect(reply.text()).not.toContain('evil');
    }

    expect(provider.requests).toEqual([]);
  });

  it('LO-1: refuses a target before anybody is asked', async () => {
    const fresh = await startApp({ adapter, provider });

    const reply = await logout(fresh, { post_logout_redirect_uri: '//evil.example' });
    await fresh.close();

    expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it.each(listed)('LO-1: sends %s to the provider as %s', async (target, sent) => {
    const { status, location } = await logout(app, { post_logout_redirect_uri: target });

    expect(status).toBe(302);
    expect(location?.origin).toBe(provider.issuer);
    expect(location?.searchParams.get('post_logout_redirect_uri')).toBe(sent);
  });

  it.each(listed)(
    'LO-1: without a provider leads from %s to itself',
    async (target, _sent, goal) => {
      for (const from of [blind, local]) {
        const { status, headers } = await logout(from, { post_logout_redirect_uri: target });
        expect(status).toBe(302);
        expect(headers.get('location')).toBe(goal);
      }
    },
  );

  it('LO-1: sends no target when there is none', async () => {
    for (const parameters of [{}, { post_logout_redirect_uri: '' }]) {
      const { location } = await logout(app, parameters);
      expect(location?.searchParams.has('post_logout_redirect_uri')).toBe(false);
      const { headers } = await logout(blind, parameters);
      expect(headers.get('location')).toBe('/');
    }
  });

  it('LO-1: refuses a target that comes twice, or nested', async () => {
    const name = 'post_logout_redirect_uri';

    for (const query of [
      `${name}=/&${name}=/`,
      `${name}=/&${name}=//evil.example`,
      `${name}[]=/`,
      `${name}[0]=/`,
      `${name}=/&post-logout-redirect-uri=//evil.example`,
    ]) {
      const reply = await request(`${app.url}/auth/v2/logout?${query}`);
      expectRefusal(reply, 400, 'invalid_request');
    }
  });

  it('LO-4: hands the state to the provider, or to the target when there is none', async () => {
    const state = 'a b&c=d#e';
    const parameters = { post_logout_redirect_uri: '/bye', state };

    const sent = (await logout(app, parameters)).location;
    expect(sent?.searchParams.get('state')).toBe(state);
    for (const from of [blind, local]) {
      const plain = (await logout(from, parameters)).location;
      expect(plain?.pathname).toBe('/bye');
      expect([...(plain?.searchParams ?? [])]).toEqual([['state', state]]);
      const query = (
        await logout(from, { ...parameters, post_logout_redirect_uri: '/bye?from=logout&x=1' })
      ).location;
      expect([...(query?.searchParams ?? [])]).toEqual([
        ['from', 'logout'],
        ['x', '1'],
        ['state', state],
      ]);
    }
  });

  it('LO-4: puts the state before the fragment of a target', async () => {
    const parameters = {
      post_logout_redirect_uri: 'https://spa.example.org/#/signed-out',
      state: 'x',
    };

    for (const from of [blind, local]) {
      const { location } = await logout(from, parameters);
      expect(location?.href).toBe('https://spa.example.org/?state=x#/signed-out');
    }
  });

  it.each([
    ['answers 500', failWith(500)],
    ['never answers', hang()],
  ])('LO-4: leads to the allowed target while the provider %s', async (_how, fault) => {
    const clock = new SteppedClock();
    const silent = await startMisbehavingProvider({ whileWaiting: () => clock.advance(0.3) });
    silent.behaviour.faults.discovery = fault;
    const fresh = await startApp({
      adapter,
      provider: silent,
      clock,
      options: { publicUrl: PUBLIC_URL, timeoutMs: 300 },
    });

    const { status, headers } = await logout(fresh, { post_logout_redirect_uri: '/' });
    await fresh.close();
    await silent.close();

    expect([status, headers.get('location')]).toEqual([302, '/']);
  });
});
