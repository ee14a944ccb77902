import { createHash } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { SessionReferences } from '../../lib/sessions/session-references.js';
import { adapters, type TestApp } from '../support/app.js';
import { BROKER_ENCRYPTION_KEY, brokerLogin, pull } from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import {
  Browser,
  PageRoutes,
  SESSION_COOKIE,
  ownPage,
  startBrowserApp,
  whoIs,
  withCookie,
} from '../support/browser-sessions.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { keyRing } from '../support/key-ring.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { alice, bob } from '../support/users.js';

describe.each(adapters)('sessions of browsers on %s', (adapter) => {
  const clock = new FakeClock();
  const counted = countingStore();
  let provider: MisbehavingProvider;
  let app: TestApp;

  const start = async (options: Parameters<typeof startBrowserApp>[0] = {}): Promise<TestApp> => {
    const started = await startBrowserApp({ adapter, provider, clock, ...options });
    onTestFinished(() => started.close());
    return started;
  };
  const browserAt = (at: { readonly url: string } = app) =>
    new Browser(at, () => clock.now().getTime());

  /** What requests asked the store; upkeep asks by itself, every few seconds. */
  const asked = (): string[] => {
    const ofUpkeep = ['listRevocations', 'listSigningKeys', 'purgeExpired', 'listPeerKeys'];
    return counted.calls.filter((call) => !ofUpkeep.includes(call));
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrowserApp({ adapter, provider, clock, store: counted.store });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    PageRoutes.changes.length = 0;
    GuardedRoutes.reached.length = 0;
    clock.advance(20); // what earlier tests remembered is forgotten
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('log a browser in without a token in its hands, and bring it where it wanted to go', async () => {
    const browser = browserAt();

    const reply = await browser.logIn('/claims?tab=2#top');

    expect(reply.headers.get('location')).toBe(`${app.url}/claims?tab=2#top`);
    expect(reply.text()).not.toContain('access_token');
    const claims = (await browser.send('/claims')).json();
    expect(claims).toMatchObject({
      iss: app.url,
      sub: alice.sub,
      preferred_username: 'alice',
      roles: ['staff', 'admins', 'team-a', 'editor'],
      sid: browser.reference.split('.')[0],
    });
    expect((await browser.send('/admins')).status).toBe(200);
    expect((await browser.send('/superusers')).status).toBe(403);
    expect(await app.service.listSessions(alice.sub)).toContainEqual(
      expect.objectContaining({ id: claims['sid'] }),
    );
    expect(await app.service.getIdpToken(String(claims['sid']))).toEqual(expect.any(String));
  });

  it('BS-3: set one cookie for this host alone, which no script reads', async () => {
    const browser = browserAt();

    const reply = await browser.logIn();

    const set = reply.headers.getSetCookie().filter((one) => one.startsWith(SESSION_COOKIE));
    expect(set).toHaveLength(1);
    expect(set[0]).toMatch(
      /^oidc-session=[0-9a-f]{32}\.[A-Za-z0-9_-]{86}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
    );
  });

  it('BS-3: are found by the reference in their row alone, and by no other one that we could have made', async () => {
    const browser = browserAt();
    await browser.logIn();
    const [id = ''] = browser.reference.split('.');
    const references = new SessionReferences(keyRing({ encryptionKeys: [BROKER_ENCRYPTION_KEY] }));

    const other = references.issue(id).reference;

    expect(references.read(browser.reference)?.sessionId).toBe(id); // made with the keys of the application
    expect(await whoIs(app, other)).toBe('401 invalid_token');
    expect(await whoIs(app, browser.reference)).toBe(alice.sub);
  });

  it('BS-6: keep what they show out of the browser’s history, unless a handler says otherwise', async () => {
    const browser = browserAt();
    await browser.logIn();
    const { accessToken } = await brokerLogin(app);
    const kept = async (path: string, bearer?: string) => {
      const cookie = { cookie: `${SESSION_COOKIE}=${browser.reference}` };
      const sent = bearer === undefined ? { headers: cookie } : { bearer };
      return (await request(`${app.url}${path}`, sent)).headers.get('cache-control');
    };

    expect(await kept('/claims')).toBe('no-store');
    expect(await kept('/cached')).toBe('private, max-age=60');
    expect(await kept('/claims', accessToken)).toBeNull();
  });

  it('say who is logged in, to our own pages alone', async () => {
    const browser = browserAt();
    await browser.logIn();

    const session = await browser.send('/auth/v2/session');
    const claims = (await browser.send('/claims')).json();

    expect(session.json()).toEqual({ authenticated: true, claims, expires: claims['exp'] });
    expect(session.headers.get('cache-control')).toBe('no-store');
    const nobody = { authenticated: false };
    for (const headers of [
      {},
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'https://evil.example' },
      { 'sec-fetch-site': 'cross-site', origin: 'null' },
    ]) {
      const reply = await browser.send('/auth/v2/session', 'GET', headers);
      expect([reply.status, reply.json()]).toEqual([200, nobody]);
    }
    const without = await request(`${app.url}/auth/v2/session`, { headers: ownPage });
    expect([without.status, without.json()]).toEqual([200, nobody]);
    expect((await withCookie(app, '/auth/v2/session', 'forged')).json()).toEqual(nobody);
  });

  describe('BS-1: forged requests', () => {
    const shop = 'https://shop.example.org';
    const cases: [site: string | undefined, origin: string | undefined, status: number][] = [
      ['same-origin', undefined, 201],
      ['same-origin', 'own', 201],
      ['none', undefined, 201],
      ['same-site', shop, 201],
      ['same-site', 'own', 201],
      [undefined, 'own', 201],
      [undefined, shop, 201],
      [undefined, undefined, 403],
      [undefined, 'null', 403],
      [undefined, 'https://evil.example', 403],
      [undefined, `${shop}.evil.example`, 403],
      [undefined, `${shop}:8443`, 403],
      ['same-site', undefined, 403],
      ['same-site', 'https://other.example.org', 403],
      ['cross-site', undefined, 403],
      ['cross-site', 'https://evil.example', 403],
      ['cross-site', 'null', 403],
      ['same-origin, cross-site', undefined, 403],
      ['Same-Origin', undefined, 403],
      ['', undefined, 403],
    ];

    it('are told by Fetch Metadata and origin, whatever they carry', async () => {
      const at = await start({ session: { origins: [shop] } });
      const browser = browserAt(at);
      await browser.logIn();
      const types = [
        'application/json',
        'text/plain',
        'application/x-www-form-urlencoded',
        undefined,
      ];

      for (const [site, origin, status] of cases) {
        for (const type of types) {
          const headers = {
            ...(site === undefined ? {} : { 'sec-fetch-site': site }),
            ...(origin === undefined ? {} : { origin: origin === 'own' ? at.url : origin }),
            ...(type === undefined ? {} : { 'content-type': type }),
          };
          const body = type === undefined ? undefined : type === 'application/json' ? '{}' : 'a=b';
          PageRoutes.changes.length = 0;
          if (type === 'text/plain' && adapter === 'fastify') continue; // Fastify's own 415
          if (type === 'application/x-www-form-urlencoded' && adapter === 'fastify') continue;
          const cookie = `${SESSION_COOKIE}=${browser.reference}`;
          const reply = await request(`${at.url}/change`, {
            method: 'POST',
            headers: { cookie, ...headers },
            ...(body === undefined ? {} : { body }),
          });
          expect([site, origin, type, reply.status]).toEqual([site, origin, type, status]);
          expect(PageRoutes.changes).toHaveLength(status === 201 ? 1 : 0);
          if (status === 403) expect(reply.json()['error']).toBe('access_denied');
        }
      }
    });

    it('are refused for every method but those that change nothing', async () => {
      const browser = browserAt();
      await browser.logIn();
      const forged = { 'sec-fetch-site': 'cross-site' };

      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        expect((await browser.send('/change', method, forged)).status).toBe(403);
      }
      expect(PageRoutes.changes).toEqual([]);
      for (const method of ['GET', 'HEAD']) {
        expect((await browser.send('/claims', method, forged)).status).toBe(200);
      }
    });

    it('are anonymous where a token is optional', async () => {
      const browser = browserAt();
      await browser.logIn();

      const forged = await browser.send('/maybe', 'POST', { 'sec-fetch-site': 'cross-site' });
      const own = await browser.send('/maybe', 'POST');

      expect([forged.text(), own.text()]).toEqual(['nobody', alice.sub]);
    });
  });

  describe('BS-2: fixation', () => {
    it('ends: each login makes a new reference, and the one before is dead', async () => {
      const browser = browserAt();
      await browser.logIn();
      const first = browser.reference;
      expect(await whoIs(app, first)).toBe(alice.sub);
      provider.clearRequests();

      await browser.logIn();

      expect(browser.reference).not.toBe(first);
      expect(await whoIs(app, first)).toBe('401 invalid_token');
      expect(await browser.who()).toBe(alice.sub);
      expect(provider.requestsTo('revocation')).toHaveLength(0); // the grant may be one and the same
    });

    it('gives the provider back what another user had in the same browser', async () => {
      const browser = browserAt();
      await browser.logIn();
      const first = browser.reference;
      provider.behaviour.user = bob;

      await browser.logIn();

      expect(await browser.who()).toBe(bob.sub);
      expect(await whoIs(app, first)).toBe('401 invalid_token');
      expect(provider.requestsTo('revocation')).toHaveLength(1);
    });

    it('has nothing to plant: no cookie becomes a session, and forged ones never reach the store', async () => {
      const browser = browserAt();
      await browser.logIn();
      const { reference } = browser;
      const [id = '', secret = ''] = reference.split('.');
      const { refreshToken } = await brokerLogin(app);
      counted.calls.length = 0;
      const swapped = `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`;

      for (const forged of [
        '',
        'x',
        id,
        `${id}.`,
        `${id}.${'A'.repeat(86)}`,
        `${id}.${swapped}`,
        `${'0'.repeat(32)}.${secret}`,
        `"${reference}"`,
        `${reference}x`,
        `${reference}%20`,
        reference.toUpperCase(),
        refreshToken,
        'x'.repeat(4097),
      ]) {
        expect(await whoIs(app, forged)).toBe('401 invalid_token');
      }
      expect(asked()).toEqual([]);
      expect(await browser.who()).toBe(alice.sub);
    });
  });

  it('BS-3: take no cookie twice, and none of another name', async () => {
    const browser = browserAt();
    await browser.logIn();
    const other = browserAt();
    provider.behaviour.user = bob;
    await other.logIn();
    const mine = `${SESSION_COOKIE}=${browser.reference}`;
    const theirs = `${SESSION_COOKIE}=${other.reference}`;

    for (const cookie of [
      `${mine}; ${theirs}`,
      `${theirs}; ${mine}`,
      `${mine}; ${mine}`,
      `${mine}; ${SESSION_COOKIE}=`,
      `__Host-${mine}`,
      mine.replace('oidc', 'OIDC'),
      `x${mine}`,
      `\u00a0${mine}`,
    ]) {
      const headers = { ...ownPage, cookie: Buffer.from(cookie, 'utf8').toString('latin1') };
      expect((await request(`${app.url}/claims`, { headers })).status).toBe(401);
    }
    const among = { cookie: `a=1; ${mine};b=2` };
    expect((await request(`${app.url}/claims`, { headers: among })).status).toBe(200);
  });

  it('BS-3: carry prefix and Secure with https, and take nothing without the prefix', async () => {
    const origin = 'https://app.example.org';
    const at = await start({ options: { publicUrl: origin } });
    const login = await request(`${at.url}/auth/v2/login?return_to=/claims`, {
      headers: { host: 'app.example.org' },
    });
    const cookie = login.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    const back = await request(login.location ?? '');
    const target = back.location?.href.replace(origin, at.url) ?? '';
    const reply = await request(target, { headers: { cookie } });

    const [, set = ''] = reply.headers.getSetCookie();
    expect(set).toMatch(
      /^__Host-oidc-session=[^;]+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
    );
    const [named = ''] = set.split(';');
    const status = async (held: string) =>
      (await request(`${at.url}/claims`, { headers: { cookie: held } })).status;
    expect(await status(named)).toBe(200);
    expect(await status(named.replace('__Host-', ''))).toBe(401);
    expect(await status(named.replace('__Host-', '__Secure-'))).toBe(401);
  });

  it('BS-3: are of this application: what another one of the same host gave is nothing here', async () => {
    const other = await start({
      options: { encryptionKeys: ['another-encryption-key-of-32-characters'] },
    });
    const sameKeys = await start();
    for (const elsewhere of [other, sameKeys]) {
      const browser = browserAt(elsewhere);
      await browser.logIn();

      expect(await browser.who()).toBe(alice.sub);
      expect(await browser.who(app)).toBe('401 invalid_token');
    }
  });

  describe('BS-4: a session that is over', () => {
    it('is dead after logout, and its cookie removed', async () => {
      const browser = browserAt();
      await browser.logIn();
      const { reference } = browser;

      const reply = await browser.agent.post(`${app.url}/auth/v2/logout`, {});

      expect(browser.reference).toBe('');
      expect(await whoIs(app, reference)).toBe('401 invalid_token');
      expect(reply.url.href.startsWith(app.url) || reply.status === 200).toBe(true);
      expect(provider.requestsTo('revocation')).toHaveLength(1);
      const { id_token_hint } = provider.requestsTo('endSession')[0]?.query ?? {};
      expect(id_token_hint).toEqual(expect.any(String));
    });

    it.each([
      ['back-channel logout', () => sendLogoutToken(app, logoutToken(provider))],
      ['its user was revoked', () => app.service.revokeSessions(alice.sub)],
    ])('is dead here at once after %s', async (_, end) => {
      const browser = browserAt();
      await browser.logIn();
      expect(await browser.who()).toBe(alice.sub);

      await end();

      expect(await browser.who()).toBe('401 invalid_token');
      expect((await browser.send('/auth/v2/session')).json()).toEqual({ authenticated: false });
    });

    it('is dead at every other instance when it pulls, or after ten seconds', async () => {
      const { one, other } = await startInstances({
        adapter,
        provider,
        clock,
        controllers: [GuardedRoutes, PageRoutes],
        options: { session: {} },
      });
      const [first, second] = [browserAt(one), browserAt(one)];
      for (const browser of [first, second]) {
        await browser.logIn();
        expect(await browser.who(other)).toBe(alice.sub);
        await browser.send('/auth/v2/logout', 'POST');
      }

      clock.advance(10);
      expect(await first.who(other)).toBe('401 invalid_token');
      await pull(other);
      expect(await second.who(other)).toBe('401 invalid_token');
    });

    it('is dead when the provider refuses its user at the renewal', async () => {
      const browser = browserAt();
      await browser.logIn();
      provider.endSessions();

      clock.advance(3600);

      expect(await browser.who()).toBe('401 invalid_token');
      expect(await app.service.listSessions(alice.sub)).not.toContainEqual(
        expect.objectContaining({ id: browser.reference.split('.')[0] }),
      );
    });

    it('ends with its idle limit, which guarded requests move and the session route does not', async () => {
      const at = await start({ session: { idleSec: 1200 } });
      const [busy, idle] = [browserAt(at), browserAt(at)];
      await busy.logIn();
      await idle.logIn();

      for (let step = 0; step < 4; step += 1) {
        clock.advance(400);
        expect(await busy.who()).toBe(alice.sub);
        await idle.send('/auth/v2/session');
      }

      expect(await busy.who()).toBe(alice.sub);
      expect(await whoIs(at, idle.reference)).toBe('401 invalid_token');
    });

    it('ends with its absolute limit, however busy it is', async () => {
      const at = await start({ broker: { sessionLifetimeSec: 3000 } });
      const browser = browserAt(at);
      await browser.logIn();

      for (let step = 0; step < 7; step += 1) {
        expect(await browser.who()).toBe(alice.sub);
        clock.advance(429);
      }

      expect(await browser.who()).toBe('401 invalid_token');
    });

    it('ends by itself where nothing can renew it', async () => {
      provider.behaviour.issueRefreshTokens = false;
      const at = await start({ session: { unrenewedSec: 7200 } });
      const browser = browserAt(at);
      await browser.logIn();

      clock.advance(7199);
      expect(await browser.who()).toBe(alice.sub);
      clock.advance(1);
      expect(await browser.who()).toBe('401 invalid_token');
    });
  });

  describe('BS-7: bearer tokens beside cookies', () => {
    it('count alone', async () => {
      const browser = browserAt();
      await browser.logIn();
      provider.behaviour.user = bob;
      const { accessToken } = await brokerLogin(app);
      const cookie = `${SESSION_COOKIE}=${browser.reference}`;

      const both = await request(`${app.url}/claims`, { bearer: accessToken, headers: { cookie } });
      const bad = await request(`${app.url}/claims`, { bearer: 'bad', headers: { cookie } });
      const forged = await request(`${app.url}/change`, {
        method: 'POST',
        bearer: accessToken,
        headers: { cookie, 'sec-fetch-site': 'cross-site' },
      });

      expect(both.json()['sub']).toBe(bob.sub);
      expect(bad.status).toBe(401);
      expect([forged.status, PageRoutes.changes]).toEqual([201, [bob.sub]]);
      for (const authorization of ['Bearer', 'bearer ', 'DPoP x']) {
        const reply = await request(`${app.url}/claims`, { headers: { authorization, cookie } });
        expect(reply.status).toBe(401);
      }
      const basic = { authorization: 'Basic YTpi', cookie }; // of a proxy in front
      expect((await request(`${app.url}/claims`, { headers: basic })).json()['sub']).toBe(
        alice.sub,
      );
    });

    it('are what our own routes want: none of them takes the cookie', async () => {
      const browser = browserAt();
      await browser.logIn();
      const cookie = `${SESSION_COOKIE}=${browser.reference}`;
      const headers = { ...ownPage, cookie };
      const form = { token: browser.reference };

      const statuses = [
        await request(`${app.url}/auth/v2/userinfo`, { headers }),
        await request(`${app.url}/auth/v2/token`, {
          headers,
          form: { refresh_token: browser.reference },
        }),
        await request(`${app.url}/auth/v2/introspect`, { headers, form }),
        await request(`${app.url}/auth/v2/revoke`, { headers, form }),
        await request(`${app.url}/auth/v2/callback`, { headers }),
      ].map(({ status }) => status);

      expect(statuses).toEqual([401, 400, 404, 200, 400]);
      expect(await browser.who()).toBe(alice.sub);
    });
  });

  it('BS-8: leave nothing in the store that logs anybody in', async () => {
    const browser = browserAt();
    await browser.logIn();
    const [id = '', secret = ''] = browser.reference.split('.');
    const row = await counted.store.findSession(id, clock.now());
    const dump = JSON.stringify(row);

    expect(dump).not.toContain(secret);
    expect(dump).not.toContain(alice.sub);
    expect(row?.cookieHash).toBe(createHash('sha256').update(browser.reference).digest('hex'));
    expect(await whoIs(app, `${id}.${row?.cookieHash ?? ''}`)).toBe('401 invalid_token');
    expect(await whoIs(app, row?.cookieHash ?? '')).toBe('401 invalid_token');
  });

  it('cost one read of the store at most, and none for a while after it', async () => {
    const browser = browserAt();
    await browser.logIn();
    clock.advance(10);
    counted.calls.length = 0;

    await Promise.all(Array.from({ length: 20 }, () => browser.who()));
    await browser.who();

    expect(asked()).toEqual(['findSession']);
    clock.advance(5);
    await browser.who();
    expect(counted.count('findSession')).toBe(2);
  });

  it('cost one read a request at most, and a write of their use every five minutes at most', async () => {
    const browser = browserAt();
    await browser.logIn();
    counted.calls.length = 0;
    const costs: string[] = [];

    for (let minute = 1; minute <= 20; minute += 1) {
      clock.advance(60);
      for (const again of [false, true]) {
        const before = asked().length;
        expect(await browser.who()).toBe(alice.sub);
        const calls = asked().slice(before).join(' then ');
        costs.push(`${minute}${again ? ' again' : ''}: ${calls}`);
      }
    }

    // What was written moved the idle limit, which the next request sees in the row.
    const expected = Array.from({ length: 20 }, (_, index) => index + 1).flatMap((minute) =>
      minute % 5 === 0
        ? [`${minute}: findSession then touchSession`, `${minute} again: findSession`]
        : [`${minute}: findSession`, `${minute} again: `],
    );
    expect(costs).toEqual(expected);
  });

  describe('BS-9: renewal', () => {
    const due = 3600 - 60;

    it('is one call for many tabs at two instances, with a provider that rotates, and nobody waits', async () => {
      const { one, other } = await startInstances({
        adapter,
        provider,
        clock,
        controllers: [GuardedRoutes, PageRoutes],
        options: { session: {} },
      });
      const browser = browserAt(one);
      await browser.logIn();
      provider.behaviour.accessToken.claims = (claims) => ({ ...claims, groups: ['team-z'] });
      provider.clearRequests();
      clock.advance(due + 1);

      const tabs = [one, other].flatMap((at) => Array.from({ length: 20 }, () => browser.who(at)));

      expect(new Set(await Promise.all(tabs))).toEqual(new Set([alice.sub]));
      await expect.poll(() => provider.requestsTo('token').length).toBe(1);
      clock.advance(10);
      await expect
        .poll(async () => (await withCookie(other, '/claims', browser.reference)).json()['roles'])
        .toContain('team-z');
      expect(provider.requestsTo('token')).toHaveLength(1);
      expect(await browser.who(one)).toBe(alice.sub);
    });

    it('keeps everybody in while the provider is down, until the claims are over', async () => {
      const browser = browserAt();
      await browser.logIn();
      provider.behaviour.faults.token = failWith(503);
      clock.advance(due + 1);

      expect(await browser.who()).toBe(alice.sub);
      clock.advance(60);
      expect(await browser.who()).toMatch(/^50[23] /);
      provider.resetBehaviour();
      clock.advance(10);
      await expect.poll(() => browser.who()).toBe(alice.sub);
    });
  });

  it('end with nothing where the store is down, and come back with it', async () => {
    const browser = browserAt();
    await browser.logIn();
    clock.advance(10);
    counted.down = true;

    expect(await browser.who()).toBe('503 temporarily_unavailable');
    counted.down = false;
    expect(await browser.who()).toBe(alice.sub);
  });
});
