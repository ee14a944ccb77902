import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, flowAdapters, startApp, type TestApp } from '../support/app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import type { Reply } from '../support/http-request.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';

const OFFLINE = { query: { offline_access: 'true', prompt: 'consent' } };
const WITHOUT_REFRESH = ['access_token', 'expires', 'expires_in', 'scope', 'token_type'];
const WITH_REFRESH = [...WITHOUT_REFRESH, 'refresh_token', 'refresh_expires'].toSorted();

const without =
  (...names: string[]) =>
  (body: JsonMembers): JsonMembers =>
    Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)));
const withMembers =
  (members: JsonMembers) =>
  (body: JsonMembers): JsonMembers => ({ ...body, ...members });

const odd = [0, '0', -1, '-1', 1e12, 1e300, '1e300', 'NaN', '', 'soon', null, true, [], {}];

const dialects: [name: string, change: (body: JsonMembers) => JsonMembers][] = [
  ['no scope', without('scope')],
  ['no expires_in', without('expires_in')],
  ['no refresh_expires_in', without('refresh_expires_in')],
  ['no token_type', without('token_type')],
  ['no more than tokens', without('scope', 'expires_in', 'refresh_expires_in', 'token_type')],
  ['scope: null', withMembers({ scope: null })],
  ['a list of scopes', withMembers({ scope: ['openid', 'email'] })],
  ['token_type: bearer', withMembers({ token_type: 'bearer' })],
  ['token_type: BEARER', withMembers({ token_type: 'BEARER' })],
  ['lifetimes as text', withMembers({ expires_in: '300', refresh_expires_in: '1800' })],
  ...odd.map((value): (typeof dialects)[number] => [
    `expires_in: ${JSON.stringify(value)}`,
    withMembers({ expires_in: value }),
  ]),
  ...odd.map((value): (typeof dialects)[number] => [
    `refresh_expires_in: ${JSON.stringify(value)}`,
    withMembers({ refresh_expires_in: value }),
  ]),
  [
    'Keycloak with an offline token',
    withMembers({ refresh_expires_in: 0, 'not-before-policy': 0, session_state: 'of-keycloak' }),
  ],
  [
    'Entra ID',
    (body) => ({ ...without('refresh_expires_in')(body), ext_expires_in: 300, client_info: 'e30' }),
  ],
  [
    'GitHub',
    (body) => ({ ...without('refresh_expires_in')(body), refresh_token_expires_in: 15_897_600 }),
  ],
];

describe.each(adapters)('token answers on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({ adapter, provider, clock });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const logIn = async (): Promise<Reply> =>
    postToken(app, handleForm(await openLogin(app, OFFLINE)));

  const logInDevice = async (): Promise<Reply> => {
    const device = (await request(`${app.url}/auth/v2/device`, { form: {} })).json();
    provider.approveDevice(String(device['user_code']));
    return postToken(app, { 'device-code': String(device['device_code']) });
  };

  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  /** How the Python client decides whether to refresh, `afterSec` from now. */
  const clientWouldRefresh = (reply: Reply, afterSec: number): boolean => {
    const { refresh_expires } = reply.json();
    const until = Number(refresh_expires) || now() + 180;
    return now() + afterSec + 60 < until;
  };

  it('TK-4: are 200, JSON and not to be stored, with members of the contract only', async () => {
    const code = await logIn();
    const refresh = await postToken(app, { refresh_token: String(code.json()['refresh_token']) });
    const device = await logInDevice();

    for (const reply of [code, refresh, device]) {
      expect(reply.status).toBe(200);
      expect(reply.headers.get('content-type')).toMatch(/^application\/json(;|$)/);
      expect(reply.headers.get('cache-control')).toBe('no-store');
      expect(reply.headers.get('pragma')).toBe('no-cache');
      expect(reply.headers.getSetCookie()).toEqual([]);
      expect(Object.keys(reply.json()).toSorted()).toEqual(WITH_REFRESH);
      expect(reply.json()).toMatchObject({
        token_type: 'Bearer',
        expires_in: 300,
        expires: now() + 300,
        refresh_expires: now() + 1800,
        scope: expect.stringMatching(/^openid /),
      });
    }
  });

  it('TK-4: are answered to POST alone', async () => {
    const form = handleForm(await openLogin(app));
    const query = new URLSearchParams(form).toString();

    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE']) {
      const reply = await request(`${app.url}/auth/v2/token?${query}`, { method });
      expect(reply.status).toBe(404);
    }

    expect(provider.requestsTo('token')).toEqual([]);
    expect((await postToken(app, form)).status).toBe(200);
  });

  it('TK-6: hold no refresh members when the provider gives no refresh token', async () => {
    provider.behaviour.issueRefreshTokens = false;

    const absent = await logIn();
    provider.behaviour.tokenResponse = withMembers({ refresh_token: '', refresh_expires_in: 1800 });
    const empty = await logIn();
    provider.behaviour.tokenResponse = withMembers({ refresh_token: null });
    const none = await logIn();

    for (const reply of [absent, empty, none]) {
      expect(reply.status).toBe(200);
      expect(Object.keys(reply.json()).toSorted()).toEqual(WITHOUT_REFRESH);
    }
  });

  // The provider's answer is the same whatever platform asked for it: a flow.
  it.each(flowAdapters.includes(adapter) ? dialects : [])(
    'TK-6: are sane for a provider with %s',
    async (_, change) => {
      provider.behaviour.tokenResponse = change;

      const code = await logIn();
      const refresh = await postToken(app, { refresh_token: String(code.json()['refresh_token']) });
      const device = await logInDevice();

      for (const reply of [code, refresh, device]) {
        const { expires, expires_in, refresh_expires, scope } = reply.json();
        expect(reply.status).toBe(200);
        expect(Object.keys(reply.json()).toSorted()).toEqual(WITH_REFRESH);
        expect(Number.isSafeInteger(expires) && Number.isSafeInteger(refresh_expires)).toBe(true);
        expect(Number(expires)).toBeGreaterThanOrEqual(now() + 290);
        expect(expires_in).toBe(Number(expires) - now());
        expect(Number(refresh_expires)).toBeGreaterThanOrEqual(now() + 1800);
        expect(scope).toMatch(/^openid /);
      }
    },
  );

  it('TK-6: let the Python client keep its session beyond three minutes', async () => {
    for (const value of [0, undefined, -1, 'never']) {
      provider.behaviour.tokenResponse = withMembers({ refresh_expires_in: value });
      const reply = await logIn();

      expect(clientWouldRefresh(reply, 3600)).toBe(true);
      expect(clientWouldRefresh(reply, 29 * 86_400)).toBe(true);
      expect(reply.json()['refresh_expires']).toBe(now() + 30 * 86_400);
    }
  });

  it('TK-6: name the expiry of the token itself when the provider names none', async () => {
    provider.behaviour.accessTokenLifetimeSec = 77;
    provider.behaviour.tokenResponse = without('expires_in');

    const jwt = await logIn();
    provider.behaviour.opaqueAccessTokens = true;
    const opaque = await logIn();

    expect(jwt.json()['expires_in']).toBe(77);
    expect(opaque.json()['expires_in']).toBe(300);
  });

  it('TK-6: name the scopes asked for when the provider names none', async () => {
    provider.behaviour.tokenResponse = without('scope');
    provider.behaviour.opaqueAccessTokens = true;
    const login = await openLogin(app, { query: { scope: 'myscope' } });

    const reply = await postToken(app, handleForm(login));

    expect(reply.json()['scope']).toBe('openid myscope');
  });
});
