import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, guarded, startBrokerApp } from '../support/broker-app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { hang } from '../support/faults.js';
import { GuardedRoutes, expectGuardRefusal } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, handleForm, openLogin, postToken } from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { SteppedClock } from '../support/stepped-clock.js';
import {
  type TwoProviders,
  entryOf,
  startTwoProviderApp,
  startTwoProviders,
} from '../support/two-providers.js';
import { UserAgent } from '../support/user-agent.js';
import { alice } from '../support/users.js';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

beforeEach(() => {
  GuardedRoutes.reached.length = 0;
});

describe.each(flowAdapters)('opaque access tokens of oidc-provider on %s', (adapter) => {
  let provider: TestProvider;
  let app: TestApp;
  let tokens: Record<string, unknown>;

  beforeAll(async () => {
    provider = await startProvider({ opaqueAccessTokens: true, refreshTokens: 'always' });
    app = await startApp({
      adapter,
      provider,
      controllers: [GuardedRoutes],
      options: { introspection: true },
    });
    const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT });
    const login = `${app.url}/auth/v2/login?${query.toString()}`;
    const back = new URL(await new UserAgent().loginAt(provider, login, 'alice'));
    const state = back.searchParams.get('state') ?? '';
    const reply = await postToken(app, {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: LOOPBACK_REDIRECT,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    });
    tokens = reply.json();
    registerIfSecret(tokens['access_token'], 'opaque access token');
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const asked = (): number => provider.requestsTo('/token/introspection').length;

  it('are asked about only where they can be tokens by their characters', async () => {
    const before = asked();

    await expect(app.service.verify(`${String(tokens['access_token'])} x`)).rejects.toThrow();

    expect(asked()).toBe(before);
  });

  it('open handlers, with the claims that the provider gives', async () => {
    const token = String(tokens['access_token']);
    await guarded(app, token); // other tests may have had it asked about
    const before = asked();

    expect(token.split('.')).toHaveLength(1);
    expect(await guarded(app, token)).toBe('200');
    expect(await guarded(app, token, '/admins')).toBe('200');
    expect(await guarded(app, token, '/superusers')).toBe('403 insufficient_scope');
    expect(await guarded(app, token, '/scoped')).toBe('403 insufficient_scope');
    expect(before).toBeGreaterThan(0);
    expect(asked()).toBe(before);
  });

  it('get the profile of their user', async () => {
    const reply = await request(`${app.url}/auth/v2/userinfo`, {
      bearer: String(tokens['access_token']),
    });

    expect(reply.json()).toMatchObject({ username: 'alice' });
  });

  it('IN-1: are refused when nobody knows them, and a refresh token is none', async () => {
    const unknown = await request(`${app.url}/required`, { bearer: 'unknown-to-anybody' });
    expectGuardRefusal(unknown, 401, 'invalid_token');
    const refreshed = await request(`${app.url}/required`, {
      bearer: String(tokens['refresh_token']),
    });
    expectGuardRefusal(refreshed, 401, 'invalid_token');
  });
});

describe.each(flowAdapters)('opaque access tokens under trouble on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    const clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.3) });
    app = await startApp({
      adapter,
      clock,
      provider,
      controllers: [GuardedRoutes],
      options: { introspection: true, timeoutMs: 300 },
    });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('IN-3: wait no longer than timeoutMs for an endpoint that hangs', async () => {
    provider.behaviour.faults.introspection = hang();

    const reply = await request(`${app.url}/required`, { bearer: provider.opaqueToken() });

    expectGuardRefusal(reply, 503, 'temporarily_unavailable');
  });

  it('ask the userinfo endpoint where the answer names nobody', async () => {
    const nameless = { preferred_username: undefined, email: undefined };
    const bearer = provider.opaqueToken(nameless);

    const reply = await request(`${app.url}/auth/v2/userinfo`, { bearer });

    expect(reply.json()).toMatchObject({ username: 'alice', email: 'alice@example.org' });
    expect(provider.requestsTo('userinfo')).toHaveLength(1);
  });

  it('IN-1: log why they are refused, and not what was sent', async () => {
    provider.behaviour.introspection = () => ({ active: false });
    await request(`${app.url}/required`, { bearer: provider.opaqueToken() });

    expect(app.logs().join('\n')).toContain(
      'the identity provider says that the token is not active',
    );
  });
});

describe('opaque access tokens of two providers', () => {
  let both: TwoProviders;
  let app: TestApp;

  beforeAll(async () => {
    both = await startTwoProviders();
    app = await startTwoProviderApp(both, {
      several: {
        providers: {
          default: entryOf(both.main, { introspection: { match: 'main_' } }),
          staff: entryOf(both.staff, { introspection: { match: /^(staff|main_both)_/ } }),
        },
      },
    });
  });

  afterAll(async () => {
    await app.close();
    await Promise.all([both.main.close(), both.staff.close()]);
  });

  it('IN-1: go to their own provider alone, and nowhere when none or both could be meant', async () => {
    const asked = (): number[] =>
      [both.main, both.staff].map((one) => one.requestsTo('introspection').length);
    for (const provider of [both.main, both.staff]) provider.clearRequests();

    expect(await guarded(app, both.main.opaqueToken({}, 'main_'))).toBe('200');
    expect(asked()).toEqual([1, 0]);
    expect(await guarded(app, both.staff.opaqueToken({}, 'staff_'))).toBe('200');
    expect(asked()).toEqual([1, 1]);
    for (const token of [both.main.opaqueToken(), both.main.opaqueToken({}, 'main_both_')])
      expect(await guarded(app, token)).toBe('401 invalid_token');
    expect(asked()).toEqual([1, 1]);
  });

  it('IN-1: of one are refused when their answer names the other', async () => {
    const token = both.main.opaqueToken({ iss: both.staff.issuer, aud: 'staff-aud' }, 'main_');

    expect(await guarded(app, token)).toBe('401 invalid_token');
  });
});

describe('opaque access tokens in broker mode', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startBrokerApp({ provider, options: { introspection: true } });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const exchange = (subject_token: string): Promise<Reply> =>
    postToken(app, { grant_type: EXCHANGE, subject_token, subject_token_type: ACCESS_TOKEN });

  it('IN-2: never leave the guard, whatever is sent to it', async () => {
    const token = provider.opaqueToken();

    expect(await guarded(app, token)).toBe('401 invalid_token');
    const profile = await request(`${app.url}/auth/v2/userinfo`, { bearer: token });
    expect(profile.status).toBe(401);
    expect(provider.requestsTo('introspection')).toEqual([]);
  });

  it('are exchanged for ours', async () => {
    const { claims, accessToken } = brokerTokens(await exchange(provider.opaqueToken()));

    expect(claims).toMatchObject({ sub: alice.sub, preferred_username: 'alice' });
    expect(await guarded(app, accessToken)).toBe('200');
    expect(provider.requestsTo('introspection')).toHaveLength(1);
  });

  it('IN-1: are not exchanged when they are of another client, our own, or not active', async () => {
    const foreign = await exchange(provider.opaqueToken({ azp: 'other-client' }));
    expect(foreign.json()['error']).toBe('invalid_request');
    const ours = await exchange(provider.opaqueToken({ iss: app.url }));
    expect(ours.json()['error']).toBe('invalid_request');
    provider.behaviour.introspection = () => ({ active: false });
    expect((await exchange(provider.opaqueToken())).status).toBe(400);
  });

  it('IN-3: are not exchanged while the endpoint is down', async () => {
    provider.behaviour.faults.introspection = async ({ response }) => {
      response.destroy();
    };

    expect((await exchange(provider.opaqueToken())).status).toBe(503);
  });

  it('login as ever: what the token endpoint gave is not asked about', async () => {
    provider.behaviour.opaqueAccessTokens = true;

    const { claims } = brokerTokens(await postToken(app, handleForm(await openLogin(app))));

    expect(claims['sub']).toBe(alice.sub);
    expect(provider.requestsTo('introspection')).toEqual([]);
  });
});
