import { describe, expect, it } from 'vitest';

import { LoginCookies } from '../../../lib/login/login-cookies.js';
import type { PendingLogin, SealedLogin } from '../../../lib/login/pending-login.js';
import { FakeClock } from '../../support/fake-clock.js';

const HTTPS = 'https://app.example.org';

function sealed(id: string, target: PendingLogin['target'] = 'callback'): SealedLogin {
  const login: PendingLogin = {
    id,
    provider: 'default',
    redirectUri: `${HTTPS}/auth/v2/callback`,
    target,
    codeVerifier: 'verifier',
    nonce: 'nonce',
    scope: 'openid',
    binding: `binding-of-${id}`,
    clientChallenge: undefined,
  };
  return { login, handle: `handle.of.${id}`, state: '' };
}

/** Begins logins one after another, a second apart, and keeps the cookies as a browser does. */
function browse(cookies: LoginCookies, ids: readonly string[]): Map<string, string> {
  const clock = new FakeClock();
  const jar = new Map<string, string>();
  for (const id of ids) {
    for (const { name, value, maxAgeSec } of cookies.begin(sealed(id), jar, clock)) {
      if (maxAgeSec > 0) jar.set(name, value);
      else jar.delete(name);
    }
    clock.advance(1);
  }
  return jar;
}

const forms: [publicUrl: string | undefined, name: string, secure: boolean][] = [
  [HTTPS, '__Host-oidc-login.a', true],
  [`${HTTPS}/`, '__Host-oidc-login.a', true],
  [undefined, '__Host-oidc-login.a', true],
  ['http://localhost:3000', 'oidc-login.a', false],
  ['http://127.0.0.1:3000', 'oidc-login.a', false],
  ['http://[::1]:3000', 'oidc-login.a', false],
  ['http://app.internal', 'oidc-login.a', false],
];

/** The name of the cookie of login `a`. */
function nameAt(publicUrl: string): string {
  return new LoginCookies(publicUrl).remove('a').name;
}

describe('LoginCookies', () => {
  it.each(forms)(
    'AR-4: with publicUrl %s names a cookie %s, Secure: %s',
    (publicUrl, name, secure) => {
      const cookies = new LoginCookies(publicUrl);

      const set = cookies.begin(sealed('a'), new Map(), new FakeClock());

      expect(set).toEqual([{ name, value: expect.any(String), maxAgeSec: 600, secure }]);
      expect(cookies.remove('a')).toEqual({ name, value: '', maxAgeSec: 0, secure });
    },
  );

  it('AR-4: has names of its own for each application under one host, however its path is spelt', () => {
    const names = ['', '/console', '/console/admin', '/shop', '/Console'].map((path) =>
      nameAt(HTTPS + path),
    );

    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^__Host-oidc-login\.([\w-]{8}\.)?a$/);
    expect(nameAt(`${HTTPS}/console/`)).toBe(nameAt(`${HTTPS}/console`));
    expect(nameAt('http://localhost:3000/console')).toMatch(/^oidc-login\.[\w-]{8}\.a$/);
  });

  it('AR-4: leaves the logins of other applications under its host alone', () => {
    const [root, shop] = [new LoginCookies(HTTPS), new LoginCookies(`${HTTPS}/shop`)];
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const jar = new Map([...browse(root, ids), ...browse(shop, ids)]);

    const begun = shop.begin(sealed('f'), jar, new FakeClock());

    expect(root.held(jar)).toHaveLength(5);
    expect(shop.held(jar)).toHaveLength(5);
    expect(begun.map(({ name }) => name)).toEqual([shop.remove('a').name, shop.remove('f').name]);
    const ofShop = new Map([...jar].filter(([name]) => shop.held(new Map([[name, 'a~b']])).length));
    expect(root.of(sealed('a').login, ofShop)).toBeUndefined();
  });

  it.each([
    [HTTPS, '__Host-oidc-login.a', true],
    ['http://localhost:3000', 'oidc-login.a', false],
  ])(
    'FP-1: with publicUrl %s the cookie of a login by form_post is marked, its removal too',
    (publicUrl, name, secure) => {
      const cookies = new LoginCookies(publicUrl);
      const begun = sealed('a');
      const login = { ...begun, login: { ...begun.login, formPost: true } };

      const [set] = cookies.begin(login, new Map(), new FakeClock(new Date(0)));
      const jar = new Map([[name, set?.value ?? '']]);
      const later = new FakeClock();
      later.advance(60);
      const all = new Map([...browse(cookies, ['b', 'c', 'd', 'e']), ...jar]);
      const surplus = cookies.begin(sealed('f'), all, later);

      expect(set).toMatchObject({ name, secure, crossSite: true });
      expect(cookies.held(jar)).toMatchObject([{ id: 'a', handle: undefined, crossSite: true }]);
      expect(surplus[0]).toEqual({ name, value: '', maxAgeSec: 0, secure, crossSite: true });
    },
  );

  it('AR-4: keeps five logins of a browser and removes the oldest for a sixth', () => {
    const cookies = new LoginCookies(HTTPS);

    const jar = browse(cookies, ['a', 'b', 'c', 'd', 'e', 'f']);

    expect(cookies.held(jar).map(({ id }) => id)).toEqual(['b', 'c', 'd', 'e', 'f']);
  });

  it('AR-4: goes by age, not by the order in which a browser sends its cookies', () => {
    const cookies = new LoginCookies(HTTPS);
    const jar = new Map([...browse(cookies, ['a', 'b', 'c', 'd', 'e'])].toReversed());
    const clock = new FakeClock();
    clock.advance(60);

    const [first, ...rest] = cookies.begin(sealed('f'), jar, clock);

    expect(first).toMatchObject({ name: '__Host-oidc-login.a', maxAgeSec: 0 });
    expect(rest.map(({ name }) => name)).toEqual(['__Host-oidc-login.f']);
  });

  it('AR-4: brings a browser with more than five back to five', () => {
    const cookies = new LoginCookies(HTTPS);
    const many = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id): [string, string] => {
      return [`__Host-oidc-login.${id}`, `${id}~binding`];
    });

    const set = cookies.begin(sealed('z'), new Map(many), new FakeClock());

    expect(set.filter(({ maxAgeSec }) => maxAgeSec === 0)).toHaveLength(4);
  });

  it('AR-4: gives the binding to our callback, and the handle too to a page of our own', () => {
    const cookies = new LoginCookies(HTTPS);
    const jar = new Map(
      [sealed('a'), sealed('b', 'page')].flatMap((login) =>
        cookies.begin(login, new Map(), new FakeClock()).map(({ name, value }) => [name, value]),
      ),
    );

    expect(cookies.held(jar)).toMatchObject([
      { id: 'a', binding: 'binding-of-a', handle: undefined },
      { id: 'b', binding: 'binding-of-b', handle: 'handle.of.b' },
    ]);
  });

  it('AR-4: does not take a cookie without the prefix, which a sub-domain could have set', () => {
    const cookies = new LoginCookies(HTTPS);
    const tossed = new Map([
      ['oidc-login.a', 'm1abc~binding-of-a'],
      ['__Secure-oidc-login.a', 'm1abc~binding-of-a'],
      ['__host-oidc-login.a', 'm1abc~binding-of-a'],
    ]);

    expect(cookies.of(sealed('a').login, tossed)).toBeUndefined();
  });

  it('AR-4: overlooks cookies that are not of its form', () => {
    const cookies = new LoginCookies(HTTPS);
    const odd = new Map([
      ['__Host-oidc-login.', 'm1abc~binding'],
      ['__Host-oidc-login.a b', 'm1abc~binding'],
      [`__Host-oidc-login.${'a'.repeat(65)}`, 'm1abc~binding'],
      ['__Host-oidc-login.empty', ''],
      ['__Host-oidc-login.alone', 'm1abc'],
      ['__Host-oidc-login.unbound', 'm1abc~'],
      ['__Host-oidc-login.undated', '~binding'],
      ['__Host-session', 'm1abc~binding'],
      ['__proto__', 'm1abc~binding'],
    ]);

    expect(cookies.held(odd)).toEqual([]);
  });

  it('AR-4: is the cookie of this very login, or of none', () => {
    const cookies = new LoginCookies(HTTPS);
    const jar = browse(cookies, ['a', 'b']);

    expect(cookies.of(sealed('b').login, jar)).toMatchObject({ id: 'b', binding: 'binding-of-b' });
    expect(cookies.of(sealed('a').login, jar)).toMatchObject({ id: 'a' });
    expect(cookies.of(sealed('c').login, jar)).toBeUndefined();
  });
});
