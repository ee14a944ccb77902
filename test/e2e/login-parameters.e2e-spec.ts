import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { request, type Reply } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  LOOPBACK_REDIRECT,
  clientPkce,
  codeForm,
  handleForm,
  openLogin,
  postToken,
} from '../support/open-login.js';
import { openOwnLogin, ownCallback, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';

const LISTED = ['login_hint', 'ui_locales', 'acr_values', 'max_age', 'kc_idp_hint', 'organization'];
const CLIENT_REDIRECT = 'https://client.example.org/done';

describe.each(adapters)('parameters that the login route passes on, on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({
      adapter,
      provider,
      clock,
      options: {
        loginParameters: LISTED,
        authorizationParameters: { ui_locales: 'de', audience: 'my-aud' },
        allowedRedirectUris: [CLIENT_REDIRECT],
      },
    });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.behaviour.now = () => clock.now();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const login = (query: string, at = app): Promise<Reply> =>
    request(
      `${at.url}/auth/v2/login?redirect_uri=${encodeURIComponent(LOOPBACK_REDIRECT)}&${query}`,
    );

  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  /** What the ID token of the next login says. */
  const says = (claims: JsonMembers): void => {
    provider.behaviour.idToken = { claims: (usual) => ({ ...usual, ...claims }) };
  };

  it('are those that the option lists, in the place of fixed ones; others are ignored', async () => {
    const query =
      'login_hint=alice%40example.org&ui_locales=fr%20en&organization=&audience=other&domain_hint=x&acr-values=gold';

    const { location } = await login(query);

    const sent = Object.fromEntries(location?.searchParams ?? []);
    expect(sent).toMatchObject({
      login_hint: 'alice@example.org',
      ui_locales: 'fr en',
      acr_values: 'gold', // hyphens count as underscores
      audience: 'my-aud',
    });
    expect(Object.keys(sent)).not.toContain('domain_hint');
    expect(Object.keys(sent)).not.toContain('organization');
  });

  it('leave what logins set themselves as it is', async () => {
    const { location } = await login('state=x&nonce=x&response_type=token&client_id=x&scope=email');

    const sent = Object.fromEntries(location?.searchParams ?? []);
    expect(sent).toMatchObject({ response_type: 'code', client_id: provider.clientId });
    expect([sent['state'], sent['nonce']]).not.toContain('x');
  });

  it.each([
    ['too long', `login_hint=${'x'.repeat(513)}`],
    ['with a line break', 'login_hint=a%0Db'],
    ['with a NUL', 'login_hint=a%00'],
    ['with a C1 control character', 'login_hint=a%C2%85'],
    ['doubled', 'login_hint=a&login_hint=b'],
    ['doubled in two spellings', 'login_hint=a&login-hint=b'],
    ['nested', 'login_hint[]=a'],
    ['a max_age that is no number', 'max_age=soon'],
    ['a max_age below zero', 'max_age=-1'],
    ['a max_age with a fraction', 'max_age=1.5'],
    ['a max_age beyond all measure', 'max_age=9999999999'],
  ])('AR-5: are refused %s', async (_, query) => {
    const reply = await login(query);

    expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requestsTo('authorization')).toEqual([]);
  });

  it('are as long as they may be', async () => {
    const longest = 'x'.repeat(512);

    expect((await login(`login_hint=${longest}`)).location?.searchParams.get('login_hint')).toBe(
      longest,
    );
  });

  it('are handed over ahead with the rest of a pushed login', async () => {
    const pushing = await startApp({
      adapter,
      provider,
      clock,
      options: {
        loginParameters: ['login_hint'],
        pushedAuthorizationRequests: 'always',
        endpoints: { pushedAuthorization: `${provider.issuer}/push` },
      },
    });
    onTestFinished(() => pushing.close());

    const { location } = await login('login_hint=alice&max_age=1', pushing);

    const [pushed] = provider.requestsTo('push');
    expect(pushed?.body).toMatchObject({ login_hint: 'alice' });
    expect(pushed?.body).not.toHaveProperty('max_age');
    expect(location?.searchParams.has('login_hint')).toBe(false);
  });

  /** Ends of logins: each in the way that its redirect URI wants. */
  const ends: Record<string, (query: Record<string, string>) => Promise<Reply>> = {
    'our own callback': async (query) => {
      const opened = await openOwnLogin(app, undefined, query);
      return opened.agent.get(wayBack(opened, provider));
    },
    'the token route, by the handle': async (query) =>
      postToken(app, handleForm(await openLogin(app, { query }))),
    'the token route, by a client’s own PKCE': async (query) => {
      const { verifier, query: challenge } = await clientPkce();
      const opened = await openLogin(app, {
        redirectUri: CLIENT_REDIRECT,
        query: { ...query, ...challenge },
      });
      return postToken(app, { ...codeForm(opened), state: opened.state, code_verifier: verifier });
    },
  };

  describe.each(Object.keys(ends))('a login that ends at %s', (title) => {
    const end = (query: Record<string, string>) => ends[title]?.(query);

    it.each<[query: Record<string, string>, claims: (nowSec: number) => JsonMembers]>([
      [{}, () => ({ auth_time: undefined, acr: undefined })],
      [{ max_age: '300' }, (at) => ({ auth_time: at - 305 })],
      [{ max_age: '0' }, (at) => ({ auth_time: at })],
      [{ acr_values: 'gold platinum' }, () => ({ acr: 'platinum' })],
      [{ acr_values: 'gold', max_age: '60' }, (at) => ({ acr: 'gold', auth_time: at })],
    ])('SU-1: asked for %j is taken when it says so', async (query, claims) => {
      says(claims(now()));

      expect((await end(query))?.status).toBe(200);
    });

    it.each<[query: Record<string, string>, claims: (nowSec: number) => JsonMembers]>([
      [{ max_age: '300' }, (at) => ({ auth_time: at - 306 })],
      [{ max_age: '300' }, () => ({ auth_time: undefined })],
      [{ max_age: '0' }, (at) => ({ auth_time: at - 6 })],
      [{ acr_values: 'gold platinum' }, () => ({ acr: 'silver' })],
      [{ acr_values: 'gold platinum' }, () => ({ acr: undefined })],
      [{ acr_values: 'gold platinum' }, () => ({ acr: 'gold platinum' })],
      [{ acr_values: 'gold', max_age: '60' }, (at) => ({ acr: 'gold', auth_time: at - 100 })],
    ])('SU-1: asked for %j is refused when it does not', async (query, claims) => {
      says(claims(now()));
      const before = app.logs().length;
      clock.advance(61); // one line a minute
      says(claims(now()));

      const reply = await end(query);

      if (reply === undefined) throw new TypeError('no answer');
      expectRefusal(reply, 400, 'unmet_authentication_requirements');
      expect(provider.requestsTo('revocation')).toHaveLength(1); // its refresh token
      expect(app.logs().slice(before).join('\n')).toMatch(
        /\(400 unmet_authentication_requirements\): (acr|auth_time) of the ID token: expected/,
      );
    });
  });

  it('SU-1: counts from the beginning of the login: who reads a page of the provider for long is none the worse', async () => {
    says({ auth_time: now() - 299 });
    const opened = await openLogin(app, { query: { max_age: '300' } });
    clock.advance(120);

    expect((await postToken(app, handleForm(opened))).status).toBe(200);
  });

  it('SU-1: holds a login against a max_age of the host’s too, and its acr_values against nothing', async () => {
    const fixed = { max_age: '300', acr_values: 'idp:other' };
    const strict = await startApp({
      adapter,
      provider,
      clock,
      options: { authorizationParameters: fixed },
    });
    onTestFinished(() => strict.close());
    const finish = async () =>
      (await postToken(strict, handleForm(await openLogin(strict)))).status;

    says({ auth_time: now() - 306 });
    expect(await finish()).toBe(400);
    says({ auth_time: now() - 300 });
    expect(await finish()).toBe(200);
  });

  it('SU-1: hands on that the provider could not do what was asked for', async () => {
    const error = 'unmet_authentication_requirements';
    const opened = await openOwnLogin(app, undefined, { acr_values: 'gold' });

    const reply = await opened.agent.get(wayBack(opened, provider, { code: undefined, error }));

    expectRefusal(reply, 400, error);
    expect(ownCallback(app)).toBe(opened.redirectUri);
  });

  it('SU-1: in broker mode leaves no session of a login that was not enough', async () => {
    const broker = await startBrokerApp({
      adapter,
      provider,
      clock,
      options: { loginParameters: ['acr_values'] },
    });
    onTestFinished(() => broker.close());
    const finish = async () => {
      const opened = await openLogin(broker, { query: { acr_values: 'gold' } });
      return (await postToken(broker, handleForm(opened))).status;
    };

    says({ acr: 'silver' });
    expect(await finish()).toBe(400);
    expect(await broker.service.listSessions('sub-0001-alice')).toEqual([]);
    expect(provider.requestsTo('revocation')).toHaveLength(1);
    says({ acr: 'gold' });
    expect(await finish()).toBe(200);
    expect(await broker.service.listSessions('sub-0001-alice')).toHaveLength(1);
  });
});
