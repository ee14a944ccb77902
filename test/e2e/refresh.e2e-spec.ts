import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { answerWith, closeSocket, failWith, hang, type Fault } from '../support/faults.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { startProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { testKey } from '../support/signing-keys.js';
import { SteppedClock } from '../support/stepped-clock.js';
import { UserAgent } from '../support/user-agent.js';

const DAYS = 86_400;

describe.each(flowAdapters)('refresh without a broker on %s', (adapter) => {
  let clock: SteppedClock;
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeEach(async () => {
    clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({ adapter, provider, clock, options: { timeoutMs: 500 } });
  });

  afterEach(async () => {
    await app.close();
    await provider.close();
  });

  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  const refreshToken = async (instance = app): Promise<string> => {
    const login = await openLogin(instance, { query: { offline_access: 'true' } });
    const reply = await postToken(instance, handleForm(login));
    return String(reply.json()['refresh_token']);
  };

  it.each(['refresh-token', 'refresh_token'])('TK-4: renews by %s', async (field) => {
    const token = await refreshToken();
    provider.clearRequests();

    const reply = await postToken(app, { [field]: token });

    expect(reply.status).toBe(200);
    expect(reply.json()).toMatchObject({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      refresh_expires: now() + 1800,
    });
    const renewed = String(reply.json()['refresh_token']);
    expect(provider.refreshTokenState(token)).toBe('used');
    expect(provider.refreshTokenState(renewed)).toBe('live');
    expect(provider.requestsTo('token').map(({ body }) => body)).toEqual([
      { grant_type: 'refresh_token', refresh_token: token },
    ]);
  });

  it('TK-4: passes a narrower scope on, and tells what was granted', async () => {
    const token = await refreshToken();
    provider.behaviour.tokenResponse = ({ scope: _gone, ...body }) => body;

    const reply = await postToken(app, { refresh_token: token, scope: 'openid' });

    expect(reply.json()['scope']).toBe('openid');
    expect(provider.requestsTo('token').at(-1)?.body['scope']).toBe('openid');
  });

  it('TK-5: passes the refusal of a wider scope and of a used token on', async () => {
    const token = await refreshToken();
    provider.behaviour.faults.token = answerWith({ status: 400, body: { error: 'invalid_scope' } });
    const wider = await postToken(app, { refresh_token: token, scope: 'admin' });
    provider.resetBehaviour();

    await postToken(app, { refresh_token: token });
    const used = await postToken(app, { refresh_token: token });

    expectRefusal(wider, 400, 'invalid_scope');
    expectRefusal(used, 400, 'invalid_grant');
  });

  it.each([
    [0, 30 * DAYS],
    [undefined, 30 * DAYS],
    [null, 30 * DAYS],
    [-1, 30 * DAYS],
    ['0', 30 * DAYS],
    [60, 60],
    ['7200', 7200],
  ])('TK-6: makes of refresh_expires_in %j an end in %i s', async (value, lifetime) => {
    const token = await refreshToken();
    provider.behaviour.tokenResponse = (body) => ({ ...body, refresh_expires_in: value });

    const reply = await postToken(app, { refresh_token: token });

    expect(reply.json()['refresh_expires']).toBe(now() + lifetime);
  });

  it('TK-6: gives the same token back where the provider does not rotate', async () => {
    provider.behaviour.rotateRefreshTokens = false;
    const token = await refreshToken();

    for (let round = 0; round < 3; round += 1) {
      const reply = await postToken(app, { 'refresh-token': token });

      expect(reply.status).toBe(200);
      // The Python client puts the whole answer in the place of what it had.
      expect(reply.json()).toMatchObject({
        refresh_token: token,
        refresh_expires: now() + 30 * DAYS,
      });
    }
  });

  it('TK-6: takes an answer without an ID token, and an opaque access token', async () => {
    const token = await refreshToken();
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.tokenResponse = ({ id_token: _gone, ...body }) => body;

    const reply = await postToken(app, { refresh_token: token });

    expect(reply.status).toBe(200);
    expect(String(reply.json()['access_token'])).not.toContain('.');
  });

  const hiccups: [what: string, fault: Fault][] = [
    ['503', failWith(503)],
    ['429', failWith(429)],
    ['no answer', hang()],
    ['a closed connection', closeSocket('before')],
  ];

  it.each(hiccups)('TK-5: loses nothing on %s', async (_, fault) => {
    const token = await refreshToken();
    provider.behaviour.faults.token = fault;

    const failed = await postToken(app, { refresh_token: token });
    provider.resetBehaviour();
    const again = await postToken(app, { refresh_token: token });

    expectRefusal(failed, 503, 'temporarily_unavailable');
    expect(again.status).toBe(200);
  });

  it('TK-5: spends no token while the keys for its ID token cannot be had', async () => {
    const token = await refreshToken();
    const other = await startApp({ adapter, provider, clock });
    provider.behaviour.faults.jwks = failWith(503);

    const failed = await postToken(other, { refresh_token: token });
    const state = provider.refreshTokenState(token);
    provider.resetBehaviour();
    clock.advance(31);
    const again = await postToken(other, { refresh_token: token });

    expectRefusal(failed, 503, 'temporarily_unavailable');
    expect(state).toBe('live');
    expect(again.status).toBe(200);
    await other.close();
  });

  it('TK-5: lets nothing out beside an ID token that does not hold', async () => {
    const attacker = await testKey('RS256', 'attacker');
    const changes = [
      { claims: (claims: object) => ({ ...claims, aud: 'other-client' }) },
      { claims: (claims: object) => ({ ...claims, iss: 'https://evil.example' }) },
      { claims: (claims: object) => ({ ...claims, exp: 1 }) },
      { signer: attacker },
    ];

    for (const change of changes) {
      const token = await refreshToken();
      provider.behaviour.idToken = change;
      const reply = await postToken(app, { refresh_token: token });
      provider.resetBehaviour();

      expectRefusal(reply, 502, 'server_error');
    }
  });

  it('TK-7: is refused without a call when refresh is switched off', async () => {
    const closed = await startApp({
      adapter,
      provider,
      options: { grants: { refresh: false } },
    });
    const token = await refreshToken(closed);
    provider.clearRequests();

    const reply = await postToken(closed, { refresh_token: token });

    expectRefusal(reply, 400, 'unsupported_grant_type');
    expect(provider.requests).toEqual([]);
    expect(provider.refreshTokenState(token)).toBe('live');
    await closed.close();
  });
});

describe.each(flowAdapters)('refresh at the real provider on %s', (adapter) => {
  it('TK-4: renews a session again and again, and notices reuse', async () => {
    const provider = await startProvider();
    const app = await startApp({ adapter, provider });
    const redirect_uri = 'http://localhost:53100/callback';
    const query = new URLSearchParams({ redirect_uri, offline_access: 'true', prompt: 'consent' });
    const url = `${app.url}/auth/v2/login?${query.toString()}`;
    const back = new URL(await new UserAgent().loginAt(provider, url, 'alice'));
    const [, , code_verifier = ''] = (back.searchParams.get('state') ?? '').split('|');
    const code = back.searchParams.get('code') ?? '';

    const first = await postToken(app, { code, redirect_uri, code_verifier });
    const second = await postToken(app, { 'refresh-token': String(first.json()['refresh_token']) });
    const third = await postToken(app, { 'refresh-token': String(second.json()['refresh_token']) });
    const reused = await postToken(app, { 'refresh-token': String(first.json()['refresh_token']) });

    expect([first, second, third].map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(third.json()['scope']).toBe('openid myscope profile email offline_access');
    await expect(app.service.verify(String(third.json()['access_token']))).resolves.toBeDefined();
    expectRefusal(reused, 400, 'invalid_grant');
    await app.close();
    await provider.close();
  });
});
