import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OidcAuthModule } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { BROKER_AUDIENCE } from '../support/broker-app.js';
import { Browser, startBrowserApp } from '../support/browser-sessions.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { entryOf } from '../support/two-providers.js';
import { LOOPBACK_REDIRECT } from '../support/open-login.js';

const LISTED = 'https://shop.example.org';
const LOGIN = '/auth/v2/login';

/** What a browser sends with a form of another site. */
const crossSite = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

const get = (app: TestApp, query: Record<string, string>): Promise<Reply> =>
  request(`${app.url}${LOGIN}?${new URLSearchParams(query).toString()}`);

const post = (app: TestApp, form: Record<string, string>): Promise<Reply> =>
  request(`${app.url}${LOGIN}`, { form, headers: crossSite });

describe.each(adapters)('logins that others begin on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startBrowserApp({ adapter, provider, session: { returnTo: [LISTED] } });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each([
    ['GET', get],
    ['POST', post],
  ] as const)('Core §4: end with a session, by %s', async (_, send) => {
    const { agent } = new Browser(app);
    const asked = { iss: provider.issuer, login_hint: 'alice@example.org' };
    const begun = await send(app, { ...asked, target_link_uri: `${app.url}/claims` });

    const way: URL[] = [];
    const end = await agent.get(begun.location ?? '', {
      follow: (location) => way.push(location) > 0,
    });

    expect(begun.status).toBe(send === get ? 302 : 303);
    const atProvider = [begun.location, ...way].find((url) => url?.origin === provider.issuer);
    expect(atProvider?.searchParams.get('login_hint')).toBe('alice@example.org');
    if (send === post) expect([end.status, end.url.pathname]).toEqual([200, '/claims']);
  });

  it('Core §4: by POST are sent on to the same login by GET, and nothing else happens', async () => {
    const calls = provider.requests.length;

    const reply = await post(app, {
      iss: provider.issuer,
      login_hint: 'a b&c',
      target_link_uri: '/claims?x=1',
      prompt: 'login',
    });

    expect([reply.status, reply.headers.getSetCookie()]).toEqual([303, []]);
    expect(`${reply.location?.origin}${reply.location?.pathname}`).toBe(`${app.url}${LOGIN}`);
    expect(Object.fromEntries(reply.location?.searchParams ?? [])).toEqual({
      iss: provider.issuer,
      login_hint: 'a b&c',
      target_link_uri: '/claims?x=1',
    });
    expect(provider.requests).toHaveLength(calls);
  });

  it.each([
    ['nothing', undefined, '/'],
    ['a path', '/page?x=1', '/page?x=1'],
    ['an address of ours', '<url>/page', '/page'],
    ['our address', '<url>', '/'],
    ['our address with a slash', '<url>/', '/'],
    ['a listed origin', `${LISTED}/cart`, `${LISTED}/cart`],
  ])('Core §4: lead to %s', async (_, target, expected) => {
    const browser = new Browser(app);
    const query = new URLSearchParams({
      iss: provider.issuer,
      ...(target === undefined ? {} : { target_link_uri: target.replace('<url>', app.url) }),
    });

    const end = await browser.agent.get(`${app.url}${LOGIN}?${query.toString()}`, {
      follow: ({ pathname }) => !['/', '/page', '/cart'].includes(pathname),
    });

    expect(end.status).toBe(303);
    expect(end.location?.href).toBe(new URL(expected, app.url).href);
  });

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '<url>.evil.example/',
    '<url>@evil.example/',
    '<url>//evil.example',
    '<url>/\\evil.example',
    '<url>/../x',
    '<url>/a\nb',
    '<url>evil',
    'javascript:alert(1)',
    `${LISTED}.evil.example/`,
    `/${'a'.repeat(600)}`,
  ])('BS-5: never lead to %j', async (target) => {
    const query = { iss: provider.issuer, target_link_uri: target.replace('<url>', app.url) };

    const reply = await get(app, query);

    expect([reply.status, reply.location]).toEqual([400, undefined]);
    expect(reply.json()['error_description']).toBe('target_link_uri is not allowed');
  });

  it.each([
    ['another issuer', { iss: 'https://evil.example' }],
    ['an issuer with a slash too many', { iss: '<issuer>/' }],
    ['a hint with a line break', { iss: '<issuer>', login_hint: 'a\nb' }],
    ['a hint that is too long', { iss: '<issuer>', login_hint: 'a'.repeat(513) }],
  ])('Core §4: are refused with %s', async (_, query) => {
    const reply = await get(app, { ...query, iss: query.iss.replace('<issuer>', provider.issuer) });

    expect([reply.status, reply.json()['error']]).toEqual([400, 'invalid_request']);
  });

  it.each([
    ['no issuer', 'login_hint=a', 400],
    ['two issuers', 'iss=https%3A%2F%2Fa.example&iss=https%3A%2F%2Fb.example', 400],
    ['a nested issuer', 'iss[a]=https%3A%2F%2Fa.example', 400],
    ['an over-long hint', `iss=https%3A%2F%2Fa.example&login_hint=${'a'.repeat(600)}`, 400],
    ['too much', `iss=${'a'.repeat(70_000)}`, 413],
  ])('TK-2: are refused by POST with %s', async (_, body, status) => {
    const reply = await request(`${app.url}${LOGIN}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });

    expect([reply.status, reply.json()['error']]).toEqual([status, 'invalid_request']);
  });

  it('TK-2: are refused by POST with JSON, and with the issuer in the address', async () => {
    const json = await request(`${app.url}${LOGIN}`, {
      method: 'POST',
      body: JSON.stringify({ iss: provider.issuer }),
      headers: { 'content-type': 'application/json' },
    });
    const address = `${app.url}${LOGIN}?iss=${encodeURIComponent(provider.issuer)}`;
    const query = await request(address, { form: {} });

    expect([json.status, query.status]).toEqual([400, 400]);
  });

  it('AR-5: alone pass a hint on that no option lists', async () => {
    const hint = { login_hint: 'alice' };
    const replies = [
      await get(app, { return_to: '/claims', ...hint }),
      await get(app, { return_to: '/claims', iss: provider.issuer, ...hint }),
      await get(app, { redirect_uri: LOOPBACK_REDIRECT, iss: provider.issuer, ...hint }),
      await get(app, { iss: provider.issuer, ...hint }),
    ];

    expect(replies.map(({ location }) => location?.searchParams.has('login_hint'))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('Core §4: are none without an issuer', async () => {
    const replies = [await get(app, {}), await get(app, { target_link_uri: '/claims' })];

    expect(replies.map(({ status }) => status)).toEqual([400, 400]);
  });

  it('Core §4: need sessions by cookie', async () => {
    const plain = await startApp({ adapter, provider });
    const byFactory = await startApp({
      adapter,
      provider,
      options: { broker: { audience: BROKER_AUDIENCE, store: 'memory://' } },
      register: (options) => OidcAuthModule.forRootAsync({ useFactory: () => options }),
    });

    const replies = [
      await get(plain, { iss: provider.issuer }),
      await get(byFactory, { iss: provider.issuer }),
      await post(byFactory, { iss: provider.issuer }),
    ];

    expect(replies.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect(plain.logs().join('\n')).toContain('redirect_uri is missing; see "session"');
    await plain.close();
    await byFactory.close();
  });
});

describe('iss of a login', () => {
  it('names one of several providers, and needs its name where two have the same issuer', async () => {
    const [main, staff] = [await startMisbehavingProvider(), await startMisbehavingProvider()];
    const twin = entryOf(main, { clientId: 'twin', audience: 'twin-aud' });
    const app = await startBrowserApp({
      several: {
        providers: { default: entryOf(main), staff: entryOf(staff), twin },
      },
    });
    const redirect_uri = LOOPBACK_REDIRECT;

    const replies = [
      await get(app, { iss: staff.issuer }),
      await get(app, { iss: staff.issuer, redirect_uri }),
      await get(app, { iss: main.issuer }),
      await get(app, { iss: main.issuer, provider: 'twin' }),
      await get(app, { iss: main.issuer, provider: 'staff' }),
      await get(app, { iss: main.issuer, provider: 'nobody' }),
    ];

    expect(replies.map(({ status }) => status)).toEqual([302, 302, 400, 302, 400, 400]);
    expect(replies[0]?.location?.origin).toBe(staff.issuer);
    expect(replies[1]?.location?.origin).toBe(staff.issuer);
    expect(replies[3]?.location?.searchParams.get('client_id')).toBe('twin');
    await app.close();
    await Promise.all([main.close(), staff.close()]);
  });

  it('asks no provider about an issuer that cannot be its own', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ provider });

    await get(app, { iss: 'https://evil.example', redirect_uri: LOOPBACK_REDIRECT });

    expect(provider.requests).toEqual([]);
    await app.close();
    await provider.close();
  });
});
