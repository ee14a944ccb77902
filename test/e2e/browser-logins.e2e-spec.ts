import { ForbiddenException } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OidcAuthModule } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import {
  Browser,
  PageRoutes,
  SESSION_COOKIE,
  ownPage,
  startBrowserApp,
  whoIs,
  withCookie,
} from '../support/browser-sessions.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectPage } from '../support/pages.js';
import { UserAgent } from '../support/user-agent.js';
import { alice, bob } from '../support/users.js';

const visit = {
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

const badCallback = (at: TestApp): Promise<Reply> =>
  request(`${at.url}/auth/v2/callback?state=x&code=y`, { headers: visit });

describe.each(adapters)('logins of browsers on %s', (adapter) => {
  const clock = new FakeClock();
  const elsewhere = 'https://shop.example.org';
  let provider: MisbehavingProvider;
  let app: TestApp;

  const start = async (options: Parameters<typeof startBrowserApp>[0] = {}): Promise<TestApp> => {
    const started = await startBrowserApp({ adapter, provider, clock, ...options });
    onTestFinished(() => started.close());
    return started;
  };
  const browserAt = (at: { readonly url: string } = app) =>
    new Browser(at, () => clock.now().getTime());
  const loginUrl = (returnTo: string, at = app) =>
    `${at.url}/auth/v2/login?${new URLSearchParams({ return_to: returnTo }).toString()}`;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    const session = { returnTo: [elsewhere] };
    app = await startBrowserApp({ adapter, provider, clock, session });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    PageRoutes.changes.length = 0;
    GuardedRoutes.reached.length = 0;
    clock.advance(20);
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  describe('BS-5: return_to', () => {
    it.each([
      '//evil.example',
      '///evil.example',
      '////evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      '\\/evil.example',
      '/\\/evil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      '/\r\nSet-Cookie: a=b',
      '/\u0000/evil.example',
      '/%09/evil.example',
      '/%0d%0aSet-Cookie:%20a=b',
      '/%00',
      '/%5cevil.example',
      '/%5Cevil.example',
      '/%2fevil.example',
      '/%2F%2fevil.example',
      '/.//evil.example',
      '/..//evil.example',
      '/a/..//evil.example',
      '/%2e%2e//evil.example',
      '/%2e/x',
      '/./x',
      '/a/../x',
      ' /x',
      '/x y',
      '/ü',
      '\u2028//evil.example',
      '/\uff0f/evil.example',
      'evil.example',
      'x',
      '?x=1',
      '#x',
      'https:evil.example',
      'https:/evil.example',
      'https:///evil.example',
      'https://evil.example',
      'http://shop.example.org/',
      'https://shop.example.org.evil.example/',
      'https://shop.example.org@evil.example/',
      'https://user@shop.example.org/',
      'https://:password@shop.example.org/',
      'https://shop.example.org:8443/',
      'https://shop.example.org\\@evil.example/',
      'HTTPS://shop.example.org/',
      'javascript:alert(1)',
      'data:text/html,x',
      'blob:https://shop.example.org/x',
      `/${'x'.repeat(512)}`,
    ])('refuses %j', async (spelling) => {
      const reply = await request(loginUrl(spelling), { headers: visit });

      expect([reply.status, reply.json()['error']]).toEqual([400, 'invalid_request']);
      expect(reply.headers.get('location')).toBeNull();
      expect(reply.headers.getSetCookie()).toEqual([]);
    });

    it.each([
      ['/', '/'],
      ['/claims?a=1&b=%20c#part', '/claims?a=1&b=%20c#part'],
      [`/${'x'.repeat(511)}`, `/${'x'.repeat(511)}`],
      [`${elsewhere}/cart?x=1`, `${elsewhere}/cart?x=1`],
      [elsewhere, elsewhere],
    ])('leads to %j', async (given, expected) => {
      const browser = browserAt();
      const reply = await browser.agent.get(loginUrl(given), {
        follow: ({ pathname }) => pathname === '/auth/v2/callback' || pathname === '/authorize',
      });
      const target = expected.startsWith('/') ? app.url + expected : expected;

      expect([reply.status, reply.headers.get('location')]).toEqual([303, target]);
    });

    it('is sealed: what comes back from the provider changes nothing', async () => {
      const browser = browserAt();
      const begun = await browser.agent.get(loginUrl('/claims'), { follow: false });
      const back = await request(begun.location ?? '');
      const target = new URL(back.location ?? '');
      target.searchParams.set('return_to', 'https://evil.example');

      const reply = await browser.agent.get(target, { follow: false });

      expect(reply.headers.get('location')).toBe(`${app.url}/claims`);
    });

    it('and redirect_uri exclude each other, and a code_challenge has no place there', async () => {
      for (const more of [
        `redirect_uri=${encodeURIComponent(`${app.url}/auth/v2/callback`)}`,
        `code_challenge=${'x'.repeat(43)}&code_challenge_method=S256`,
        'return_to=%2F',
      ]) {
        const reply = await request(`${loginUrl('/claims')}&${more}`);
        expect(reply.status).toBe(400);
      }
    });

    it('is below a public URL with a path', async () => {
      const publicUrl = 'https://app.example.org/shop';
      const at = await start({ options: { publicUrl } });
      const begun = await request(loginUrl('/claims', at));
      const cookie = begun.headers
        .getSetCookie()
        .map((one) => one.split(';')[0])
        .join('; ');
      const back = await request(begun.location ?? '');
      const callback = back.location?.href.replace(publicUrl, at.url) ?? '';

      const reply = await request(callback, { headers: { cookie } });

      expect(reply.headers.get('location')).toBe(`${publicUrl}/claims`);
    });
  });

  const scopeOf = async (at: TestApp) => {
    const { location } = await request(`${loginUrl('/claims', at)}&scope=profile&prompt=login`);
    return [location?.searchParams.get('scope'), location?.searchParams.get('prompt')];
  };

  it('ask for a refresh token where that is allowed, and for the scopes of the query', async () => {
    const without = await start({ options: { offlineAccess: false } });

    expect(await scopeOf(app)).toEqual(['openid profile offline_access', 'login']);
    expect(await scopeOf(without)).toEqual(['openid profile', 'login']);
  });

  describe('BS-6: login CSRF', () => {
    it('fails: a login ends in the browser that began it, once', async () => {
      const [attacker, victim] = [browserAt(), browserAt()];
      const begun = await attacker.agent.get(loginUrl('/claims'), { follow: false });
      const back = await request(begun.location ?? '');
      const callback = back.location ?? '';

      const forced = await victim.agent.get(callback, { follow: false });

      expectPage(forced, 400, 'The login could not be finished');
      expect(victim.reference).toBe('');
      const own = await attacker.agent.get(callback, { follow: false });
      expect(own.status).toBe(303);
      const again = await attacker.agent.get(callback, { follow: false });
      expectPage(again, 400, 'The login could not be finished'); // the back button
      expect(await attacker.who()).toBe(alice.sub);
    });

    it('is no matter of how many logins are under way', async () => {
      const browser = browserAt();
      const begun = [];
      for (const path of ['/a', '/b', '/c', '/d', '/e', '/f']) {
        begun.push(await browser.agent.get(loginUrl(path), { follow: false }));
      }
      const ends = [];
      for (const { location } of begun) {
        const { location: callback = '' } = await request(location ?? '');
        ends.push((await browser.agent.get(callback, { follow: false })).status);
      }

      expect(ends).toEqual([400, 303, 303, 303, 303, 303]);
      expect(await app.service.listSessions(alice.sub)).toContainEqual(
        expect.objectContaining({ id: browser.reference.split('.')[0] }),
      );
    });
  });

  it('leave logins that end with tokens as they were, in the same application', async () => {
    const { claims } = await brokerLogin(app);
    const callback = `${app.url}/auth/v2/callback`;
    const url = `${app.url}/auth/v2/login?redirect_uri=${encodeURIComponent(callback)}`;

    const reply = await new UserAgent(() => clock.now().getTime()).get(url);

    expect(claims['sub']).toBe(alice.sub);
    expect(reply.json()).toMatchObject({ token_type: 'Bearer' });
    expect(reply.headers.getSetCookie().join()).not.toContain(SESSION_COOKIE);
  });

  describe('a page that wants a login', () => {
    it('sends a person there and back', async () => {
      const browser = browserAt();

      const reply = await browser.agent.get(`${app.url}/page?tab=2`);

      expect([reply.status, reply.text(), reply.url.href]).toEqual([
        200,
        `hello ${alice.sub}`,
        `${app.url}/page?tab=2`,
      ]);
    });

    it.each<[what: string, headers: Record<string, string>, method?: string]>([
      ['a fetch', { ...visit, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
      ['a frame', { ...visit, 'sec-fetch-dest': 'iframe' }],
      ['a guess at what will be opened', { ...visit, 'sec-purpose': 'prefetch' }],
      ['a program', {}],
      ['HEAD', visit, 'HEAD'],
    ])('answers %s with 401', async (_, headers, method = 'GET') => {
      const reply = await request(`${app.url}/page`, { headers, method });

      expect([reply.status, reply.headers.get('location')]).toEqual([401, null]);
      expect(reply.headers.getSetCookie()).toEqual([]);
    });

    it('sends nobody anywhere who is refused for another reason, or from another handler', async () => {
      expect((await request(`${app.url}/claims`, { headers: visit })).status).toBe(401);
      expect((await request(`${app.url}/admins`, { headers: visit })).status).toBe(401);
    });

    it('comes back to the root where its own address is none to come back to', async () => {
      const { location } = await request(`${app.url}/page?next=//evil.example`, { headers: visit });

      expect(location?.searchParams.get('return_to')).toBe('/');
    });

    it('says that it did not last, in place of a second redirect within ten seconds', async () => {
      const first = await request(`${app.url}/page`, { headers: visit });
      const [cookie = ''] = first.headers.getSetCookie().map((one) => one.split(';')[0]);

      const second = await request(`${app.url}/page`, { headers: { ...visit, cookie } });

      expect([first.status, first.headers.get('cache-control')]).toEqual([302, 'no-store']);
      expect(first.headers.getSetCookie()).toEqual([expect.stringContaining('Max-Age=10')]);
      expectPage(second, 401, 'The login did not last');
      expect(second.text()).toContain('href="http://localhost');
      expect(second.headers.getSetCookie()).toEqual([]);
    });

    it('stops start-up without the option that keeps logins', async () => {
      const without = startBrokerApp({ adapter, provider, clock, controllers: [PageRoutes] });

      await expect(without).rejects.toThrow(/PageRoutes\.page.*"session"/);
    });
  });

  const failing = async (spoil: () => void, at = app): Promise<Reply> => {
    spoil();
    return browserAt(at).agent.get(loginUrl('/claims', at));
  };

  describe('a login that fails', () => {
    it('was cancelled: a page says so, with a link to try again', async () => {
      const reply = await failing(() => {
        provider.behaviour.authorization = (answer) => {
          answer.delete('code');
          answer.set('error', 'access_denied');
          return answer;
        };
      });

      expectPage(reply, 400, 'The login was cancelled');
      const retry = `${app.url}/auth/v2/login?return_to=%2Fclaims`;
      expect(reply.text()).toContain(`<a href="${retry}">Try again</a>`);
    });

    it('met a provider that is down', async () => {
      const reply = await failing(() => {
        provider.behaviour.faults.token = failWith(503);
      });

      expect(reply.status).toBeGreaterThan(500);
      expectPage(reply, reply.status, 'The login service does not answer');
    });

    it('took too long', async () => {
      const browser = browserAt();
      const begun = await browser.agent.get(loginUrl('/claims'), { follow: false });
      const { location = '' } = await request(begun.location ?? '');
      clock.advance(601);

      const reply = await browser.agent.get(location, { follow: false });

      expectPage(reply, 400, 'The login could not be finished');
      expect(reply.text()).toContain('return_to=%2F"');
    });

    it('is refused by the host', async () => {
      const refused = await start({
        options: {
          onLogin: () => {
            throw new ForbiddenException('no account');
          },
        },
      });

      const reply = await failing(() => undefined, refused);

      expectPage(reply, 403, 'You may not log in here');
    });

    it('gives programs their JSON', async () => {
      const reply = await request(`${app.url}/auth/v2/callback?state=x&code=y`);

      expect([reply.status, reply.json()['error']]).toEqual([400, 'invalid_request']);
    });

    it('escapes what came with it', async () => {
      const url = `${app.url}/auth/v2/callback?state=%22%3E%3Cscript%3E&error=%3Cscript%3E`;
      const reply = await request(url, { headers: visit });

      expectPage(reply, 400, 'The login could not be finished');
    });

    it('shows the page of the host, or ours where that breaks', async () => {
      const own = await start({ session: { failurePage: ({ error }) => `<p>oh: ${error}</p>` } });
      const broken = await start({
        session: {
          failurePage: () => {
            throw new Error('template');
          },
        },
      });
      const shown = await badCallback(own);
      expect([shown.status, shown.text()]).toEqual([400, '<p>oh: invalid_request</p>']);
      expect(shown.headers.get('content-security-policy')).toContain("default-src 'none'");
      expectPage(await badCallback(broken), 400, 'The login could not be finished');
    });
  });

  describe('logging out', () => {
    it('leads to the provider, by form and by script', async () => {
      for (const accept of ['*/*', 'application/json']) {
        const browser = browserAt();
        await browser.logIn();
        const { reference } = browser;
        const path = '/auth/v2/logout?post_logout_redirect_uri=%2F';
        const reply = await browser.send(path, 'POST', { ...ownPage, accept });
        const { location = reply.headers.get('location') } = accept === '*/*' ? {} : reply.json();

        expect(reply.status).toBe(accept === '*/*' ? 303 : 200);
        expect(String(location)).toContain(`${provider.issuer}/`);
        expect(new URL(String(location)).searchParams.get('id_token_hint')).not.toBeNull();
        expect(reply.headers.getSetCookie()).toEqual([
          `${SESSION_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`,
        ]);
        expect(await whoIs(app, reference)).toBe('401 invalid_token');
      }
    });

    it('BS-1: is nothing that another site can do', async () => {
      const browser = browserAt();
      await browser.logIn();
      const forged = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

      for (const headers of [forged, { origin: 'null' }, {}, { 'sec-fetch-site': 'same-site' }]) {
        const reply = await browser.send('/auth/v2/logout', 'POST', headers);
        expect([reply.status, reply.json()['error']]).toEqual([403, 'access_denied']);
        expect(reply.headers.getSetCookie()).toEqual([]);
      }
      expect(await browser.who()).toBe(alice.sub);
    });

    it('BS-1: by a link asks first, unless the link is ours', async () => {
      const browser = browserAt();
      await browser.logIn();
      const { reference } = browser;
      const path = '/auth/v2/logout?state=%22%3E%3Cb%3E';

      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        {},
      ]) {
        const asked = await browser.send(path, 'GET', headers);
        expectPage(asked, 200, 'Log out?');
        expect(asked.text()).toContain('<form method="post" action="?state=%22%3E%3Cb%3E">');
        expect(asked.headers.getSetCookie()).toEqual([]);
      }
      expect(await browser.who()).toBe(alice.sub);

      const ours = await browser.send(path, 'GET', { 'sec-fetch-site': 'same-origin' });
      expect([ours.status, ours.headers.getSetCookie().length]).toEqual([302, 1]);
      expect(await whoIs(app, reference)).toBe('401 invalid_token');
    });

    it('without a session does what it did, and goes nowhere that is not allowed', async () => {
      const none = await request(`${app.url}/auth/v2/logout`);
      const cross = { 'sec-fetch-site': 'cross-site' };
      const posted = await request(`${app.url}/auth/v2/logout`, { method: 'POST', headers: cross });
      const evil = 'post_logout_redirect_uri=https%3A%2F%2Fevil.example';
      const browser = browserAt();
      await browser.logIn();
      const refused = await browser.send(`/auth/v2/logout?${evil}`, 'POST');

      expect([none.status, posted.status, refused.status]).toEqual([302, 303, 400]);
      expect(await browser.who()).toBe(alice.sub);
    });

    it('BS-7: with a bearer token ends its session, and the cookie stays', async () => {
      const browser = browserAt();
      await browser.logIn();
      provider.behaviour.user = bob;
      const { accessToken } = await brokerLogin(app);
      const headers = {
        cookie: `${SESSION_COOKIE}=${browser.reference}`,
        'sec-fetch-site': 'cross-site',
      };

      const got = await request(`${app.url}/auth/v2/logout`, { bearer: accessToken, headers });

      expect([got.status, got.headers.getSetCookie()]).toEqual([302, []]);
      expect((await request(`${app.url}/claims`, { bearer: accessToken })).status).toBe(401);
      expect(await browser.who()).toBe(alice.sub);
    });

    it('reads no body', async () => {
      const browser = browserAt();
      await browser.logIn();
      const cookie = `${SESSION_COOKIE}=${browser.reference}`;
      for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/xml']) {
        const headers = { ...ownPage, cookie, 'content-type': type };
        const url = `${app.url}/auth/v2/logout`;
        const reply = await request(url, { method: 'POST', headers, body: '{"broken' });
        expect(reply.status).toBe(303);
      }
    });
  });

  it('are off without the option: the cookie is nothing, and no route is there', async () => {
    const off = await startBrokerApp({ adapter, provider, clock });
    onTestFinished(() => off.close());
    const later = await startBrokerApp({
      adapter,
      provider,
      clock,
      register: (options) => OidcAuthModule.forRootAsync({ useFactory: () => options }),
    });
    onTestFinished(() => later.close());
    const browser = browserAt();
    await browser.logIn();

    for (const at of [off, later]) {
      const statuses = [
        await withCookie(at, '/required', browser.reference),
        await withCookie(at, '/auth/v2/session', browser.reference),
        await withCookie(at, '/auth/v2/logout', browser.reference, { method: 'POST' }),
        await withCookie(at, '/auth/v2/logout', browser.reference),
        await request(loginUrl('/claims', at)),
        await request(`${at.url}/auth/v2/callback?state=x&code=y`, { headers: visit }),
      ].map(({ status }) => status);
      expect(statuses).toEqual([401, 404, 404, 302, 400, 400]);
    }
  });

  it('work where a factory switches them on', async () => {
    const at = await start({
      register: (options) => OidcAuthModule.forRootAsync({ useFactory: () => options }),
    });
    const browser = browserAt(at);
    await browser.logIn();

    const session = await browser.send('/auth/v2/session');
    expect(session.json()['authenticated']).toBe(true);
    expect((await browser.send('/auth/v2/logout', 'POST')).status).toBe(303);
    expect(await browser.who()).toBe('401 invalid_token');
  });
});
