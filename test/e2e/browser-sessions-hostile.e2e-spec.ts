import { All, Controller } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Auth, IdToken } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, pull } from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import {
  Browser,
  PageRoutes,
  SESSION_COOKIE,
  ownPage,
  startBrowserApp,
  whoIs,
} from '../support/browser-sessions.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, type RequestHeaders, request } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { rawRequest } from '../support/raw-request.js';
import { alice, bob } from '../support/users.js';

const shop = 'https://shop.example.org';
const evil = 'https://evil.example';

/** A handler for whatever method there is. */
@Controller()
class AnyMethod {
  static readonly reached: string[] = [];

  @All('any')
  @Auth()
  any(@IdToken('sub') sub: string): string {
    AnyMethod.reached.push(sub);
    return 'done';
  }
}

describe.each(adapters)('BS: what others may try on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let browser: Browser;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrowserApp({
      adapter,
      provider,
      clock,
      controllers: [GuardedRoutes, PageRoutes, AnyMethod],
      session: { origins: [shop], returnTo: [shop] },
    });
  });

  beforeEach(async () => {
    provider.resetBehaviour();
    clock.advance(20);
    browser = new Browser(app, () => clock.now().getTime());
    await browser.logIn();
    PageRoutes.changes.length = 0;
    AnyMethod.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const send = (method: string, headers: RequestHeaders, path = '/any'): Promise<Reply> => {
    const cookie = `${SESSION_COOKIE}=${browser.reference}`;
    return request(`${app.url}${path}`, { method, headers: { cookie, ...headers } });
  };

  /** The rule of the contract, written again: Fetch Metadata of our own, or an Origin of ours. */
  const passes = (site: string | undefined, origin: string | undefined): boolean =>
    site === 'same-origin' || site === 'none' || origin === app.url || origin === shop;

  it('BS-1: judges each combination of Sec-Fetch-Site, Origin and method by the same rule', async () => {
    const { port } = new URL(app.url);
    const sites = [undefined, 'same-origin', 'none', 'same-site', 'cross-site', 'SAME-ORIGIN', ''];
    const origins = [
      undefined,
      app.url,
      shop,
      'null',
      evil,
      '',
      `https://localhost:${port}`,
      `http://localhost:${Number(port) + 1}`,
      `http://localhost.:${port}`,
      `http://LOCALHOST:${port}`,
      `http://localhost:${port}/`,
      'http://shop.example.org',
      `${shop}:443`,
      `${shop}.`,
      'https://SHOP.example.org',
    ];
    // Fastify knows no further ones.
    const methods = ['POST', 'DELETE', ...(adapter === 'express' ? ['PROPFIND'] : [])];
    for (const site of sites) {
      for (const origin of origins) {
        for (const method of methods) {
          const headers = {
            ...(site === undefined ? {} : { 'sec-fetch-site': site }),
            ...(origin === undefined ? {} : { origin }),
          };
          const reply = await send(method, headers);
          const expected = passes(site, origin) ? 'done' : 'access_denied';
          const outcome = reply.status < 300 ? reply.text() : reply.json()['error'];
          expect([site, origin, method, outcome]).toEqual([site, origin, method, expected]);
        }
      }
    }
    const allowed = sites.flatMap((site) =>
      origins.filter((origin) => passes(site, origin)),
    ).length;
    expect(AnyMethod.reached).toHaveLength(allowed * methods.length);
  });

  it('BS-1: takes two Origin headers for none, whatever they say', async () => {
    for (const origin of [
      [app.url, app.url],
      [app.url, evil],
      [evil, app.url],
    ]) {
      expect((await send('POST', { origin })).status).toBe(403);
      expect((await send('POST', { origin: origin.join(', ') })).status).toBe(403);
    }
    const sites = ['same-origin', 'cross-site'];
    expect((await send('POST', { 'sec-fetch-site': sites })).status).toBe(403);
    expect(AnyMethod.reached).toEqual([]);
  });

  it('BS-1: goes by the method that came, not by one that a header names', async () => {
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const reply = await send('POST', { [name]: method, origin: evil }, '/change');
        expect(reply.status).toBe(403);
      }
    }
    expect(PageRoutes.changes).toEqual([]);
  });

  it('BS-1: knows no method in lower case, and none that only looks safe', async () => {
    for (const method of ['post', 'Post', 'get', 'GETX', 'TRACE', 'CONNECT']) {
      const lines = [
        `${method} /any HTTP/1.1`,
        `Cookie: ${SESSION_COOKIE}=${browser.reference}`,
        `Origin: ${evil}`,
        'Content-Length: 0',
      ];
      const { status } = await rawRequest(app.url, lines);
      expect([method, status >= 200 && status < 400]).toEqual([method, false]); // CONNECT gets no answer
    }
    expect([PageRoutes.changes, AnyMethod.reached]).toEqual([[], []]);
  });

  it('BS-1: has the same answer for every type of body, at our logout too', async () => {
    const forged: RequestHeaders = { 'sec-fetch-site': 'cross-site', origin: evil };
    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/json',
      'application/json; charset=utf-7',
      'x/y',
    ]) {
      const cookie = `${SESSION_COOKIE}=${browser.reference}`;
      const headers = { cookie, ...forged, 'content-type': type };
      const url = `${app.url}/auth/v2/logout`;
      const reply = await request(url, { method: 'POST', headers, body: 'x=1' });
      expect([type, reply.status]).toEqual([type, 403]);
    }
    for (const method of ['HEAD', 'OPTIONS']) await send(method, forged, '/auth/v2/logout');
    expect(await browser.who()).toBe(alice.sub);
  });

  it('BS-1: a login that was begun for it leads to no logout', async () => {
    const reply = await browser.logIn('/auth/v2/logout');
    const headers = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
    const asked = await send('GET', headers, new URL(reply.headers.get('location') ?? '').pathname);

    expect(asked.text()).toContain('<h1>Log out?</h1>');
    expect(await browser.who()).toBe(alice.sub);
  });

  it('BS-2: what was planted before a login is over after it, and lends nobody anything', async () => {
    provider.behaviour.user = bob;
    const attacker = new Browser(app, () => clock.now().getTime());
    await attacker.logIn();
    const planted = attacker.reference;
    provider.behaviour.user = alice;
    const begun = await request(`${app.url}/auth/v2/login?return_to=/claims`);
    const login = begun.headers.getSetCookie().map((one) => one.split(';')[0]);
    const back = await request(begun.location ?? '');
    // Two of the name, as where a subdomain planted one beside ours.
    const held = [planted, browser.reference].map((one) => `${SESSION_COOKIE}=${one}`);
    const cookie = [...login, ...held].join('; ');
    const reply = await request(back.location ?? '', { headers: { cookie } });
    const set = reply.headers.getSetCookie().filter((one) => one.startsWith(SESSION_COOKIE));
    const [fresh = ''] = set.map((one) => one.slice(SESSION_COOKIE.length + 1).split(';')[0]);

    expect([reply.status, set.length]).toEqual([303, 1]);
    expect(await whoIs(app, fresh)).toBe(alice.sub);
    expect(await whoIs(app, planted)).toBe('401 invalid_token');
    expect(await browser.who()).toBe('401 invalid_token');
  });

  it('BS-3: holds a reference only, however much is said of the user', async () => {
    const groups = Array.from({ length: 150 }, (_, index) => `a-group-with-a-long-name-${index}`);
    provider.behaviour.accessToken.claims = (claims) => ({ ...claims, groups });

    const reply = await browser.logIn();

    const cookies = reply.headers.getSetCookie();
    for (const one of cookies) expect(one.length).toBeLessThan(300);
    expect((await browser.send('/claims')).json()['roles']).toContain(groups.at(-1));
  });

  it.each<[how: string, end: (one: TestApp) => unknown]>([
    ['logout', () => browser.send('/auth/v2/logout', 'POST')],
    ['back-channel logout', (one) => sendLogoutToken(one, logoutToken(provider))],
    ['revocation of its user', (one) => one.service.revokeSessions(alice.sub)],
    ['the provider’s refusal', () => provider.endSessions()],
  ])('BS-4: is over at the other instance, too, after %s', async (how, end) => {
    const { one, other } = await startInstances({
      adapter,
      provider,
      clock,
      controllers: [GuardedRoutes, PageRoutes],
      options: { session: {} },
    });
    browser = new Browser(one, () => clock.now().getTime());
    await browser.logIn();
    expect(await browser.who(other)).toBe(alice.sub);

    await end(one);
    clock.advance(how === 'the provider’s refusal' ? 3600 : 10);

    expect(await browser.who(one)).toBe('401 invalid_token');
    expect(await browser.who(other)).toBe('401 invalid_token');
    await pull(other);
    expect(await browser.who(other)).toBe('401 invalid_token');
  });

  it.each([
    `return_to[]=${encodeURIComponent(evil)}`,
    'return_to[]=%2Fclaims',
    `return_to[0]=%2F&return_to=${encodeURIComponent(evil)}`,
    'return_to=%2Fclaims&return_to=%2Fclaims',
    'return_to=',
    'RETURN_TO=%2Fclaims',
    'return_to=%25',
    'return_to=%E0%A4%A',
    'return_to=%ff%fe',
    `return_to=${encodeURIComponent('/\u3002/evil.example')}`,
    `return_to=${encodeURIComponent('https://evil\u3002example')}`,
    `return_to=${encodeURIComponent('/\u2215\u2215evil.example')}`,
    `return_to=${encodeURIComponent('/\u202e/evil.example')}`,
    `return_to=${encodeURIComponent('\ufeff/claims')}`,
    `return_to=${encodeURIComponent('/%2f%2fevil.example')}`,
    `return_to=${encodeURIComponent('/a/%2e%2e/%2e%2e//evil.example')}`,
    `return_to=${encodeURIComponent('/claims/..')}`,
    `return_to=${encodeURIComponent('/;//evil.example')}`,
    `return_to=${encodeURIComponent('/x#//evil.example')}`,
    `return_to=${encodeURIComponent(`${shop}.`)}`,
    `return_to=${encodeURIComponent(`${shop}:443/`)}`,
    `return_to=${encodeURIComponent(`${shop}:80/`)}`,
    `return_to=${encodeURIComponent(`${shop}@evil.example`)}`,
    `return_to=${encodeURIComponent(`${shop}\tevil.example`)}`,
    `return_to=${encodeURIComponent(`${shop}/\\evil.example`)}`,
    `return_to=${encodeURIComponent(`https:\t//shop.example.org/`)}`,
    `return_to=${encodeURIComponent(`ht\ntps://shop.example.org/`)}`,
    `return_to=${encodeURIComponent(`//shop.example.org/`)}`,
    `return_to=${encodeURIComponent(`https:shop.example.org`)}`,
    `return_to=${encodeURIComponent(`view-source:${shop}`)}`,
    `return_to=${encodeURIComponent(`intent://shop.example.org#Intent;end`)}`,
    `return_to=%2F${'x'.repeat(10_000)}`,
  ])('BS-5: begins no login with %s', async (query) => {
    const reply = await request(`${app.url}/auth/v2/login?${query}`);

    expect(reply.headers.get('location')).toBeNull();
    expect([reply.status, reply.json()['error']]).toEqual([400, 'invalid_request']);
    expect(reply.headers.getSetCookie()).toEqual([]);
  });

  it('BS-5: leads to no host that a request names', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
    const visit = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const page = await request(`${app.url}/page?a=1`, { headers: { ...headers, ...visit } });

    expect([page.status, page.location?.origin]).toEqual([302, app.url]);
    expect(page.location?.searchParams.get('return_to')).toBe('/page?a=1');
  });

  it('BS-7: a bad token makes anonymous where one is optional, whatever the cookie says', async () => {
    const cookie = `${SESSION_COOKIE}=${browser.reference}`;
    const headers = { ...ownPage, cookie };
    const url = `${app.url}/maybe`;
    provider.behaviour.user = bob;
    const { accessToken } = await brokerLogin(app);

    const bad = await request(url, { method: 'POST', headers, bearer: 'bad' });
    const good = await request(url, { method: 'POST', headers, bearer: accessToken });

    expect([bad.text(), good.text()]).toEqual(['nobody', bob.sub]);
  });
});
