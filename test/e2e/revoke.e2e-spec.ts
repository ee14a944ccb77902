import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { answerWith, closeSocket, failWith, hang, html, redirectTo } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const refuse = (error: string, status = 400) =>
  answerWith({ status, body: { error, error_description: 'upstream-text-of-revocation' } });

const revoke = (app: { url: string }, form: Record<string, string>): Promise<Reply> =>
  request(`${app.url}/auth/v2/revoke`, { form });

describe.each(adapters)('revocation on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    const clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({ adapter, provider, clock, options: { timeoutMs: 500 } });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('LO-2: ends a session at the provider', async () => {
    const login = await openLogin(app, { query: { offline_access: 'true' } });
    const { refresh_token } = (await postToken(app, handleForm(login))).json();
    const token = String(refresh_token);
    provider.clearRequests();

    const reply = await revoke(app, { token, token_type_hint: 'refresh_token' });

    expect(reply.status).toBe(200);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.headers.getSetCookie()).toEqual([]);
    expect(provider.requestsTo('revocation').map(({ body }) => body)).toEqual([
      { token, token_type_hint: 'refresh_token' },
    ]);
    expect(provider.refreshTokenState(token)).toBe('revoked');
    expectRefusal(await postToken(app, { refresh_token: token }), 400, 'invalid_grant');
  });

  it('LO-2: answers 200 whatever the token was', async () => {
    const tokens = ['unknown', provider.accessToken(), 'x'.repeat(16_384), 'ünïcode \u0000 & = +'];

    for (const token of tokens) {
      expect((await revoke(app, { token })).status).toBe(200);
    }

    expect(provider.requestsTo('revocation').map(({ body }) => body)).toEqual(
      tokens.map((token) => ({ token })),
    );
  });

  it('TK-2: wants a token, once', async () => {
    const twice = await request(`${app.url}/auth/v2/revoke`, {
      form: new URLSearchParams('token=a&token=b'),
    });

    for (const form of [{}, { token: '' }, { token_type_hint: 'refresh_token' }]) {
      expectRefusal(await revoke(app, form), 400, 'invalid_request');
    }
    expectRefusal(twice, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it.each([
    ['unsupported_token_type', 400, 'unsupported_token_type', refuse('unsupported_token_type')],
    ['invalid_request', 400, 'invalid_request', refuse('invalid_request')],
    ['invalid_client', 502, 'server_error', refuse('invalid_client', 401)],
    ['an unknown code', 502, 'server_error', refuse('an_invention')],
    ['a redirect', 502, 'server_error', redirectTo('http://127.0.0.1:9/')],
    ['404 with a page', 502, 'server_error', html(404)],
    ['500', 503, 'temporarily_unavailable', failWith(500)],
    ['429', 503, 'temporarily_unavailable', failWith(429)],
    ['no answer', 503, 'temporarily_unavailable', hang()],
    ['a closed connection', 503, 'temporarily_unavailable', closeSocket('before')],
  ])('TK-5: makes of %s: %i %s', async (_, status, error, fault) => {
    provider.behaviour.faults.revocation = fault;

    const reply = await revoke(app, { token: 'any-token' });

    expectRefusal(reply, status, error);
    expect(reply.text()).not.toContain('upstream');
  });

  it('LO-2: says that the provider cannot revoke, where it cannot', async () => {
    const own = await startMisbehavingProvider({
      behaviour: { metadata: ({ revocation_endpoint: _gone, ...document }) => document },
    });
    const other = await startApp({ adapter, provider: own });

    expectRefusal(await revoke(other, { token: 'any-token' }), 400, 'unsupported_token_type');
    await other.close();
    await own.close();
  });

  it('TK-5: is 503 while the provider is down, and heals', async () => {
    await revoke(app, { token: 'any-token' });

    await provider.stop();
    const during = await revoke(app, { token: 'any-token' });
    await provider.start();
    const afterwards = await revoke(app, { token: 'any-token' });

    expectRefusal(during, 503, 'temporarily_unavailable');
    expect(afterwards.status).toBe(200);
  });

  it('LO-2: is no route when it is switched off', async () => {
    const other = await startApp({ adapter, provider, options: { routes: { revoke: false } } });

    expect((await revoke(other, { token: 'any-token' })).status).toBe(404);
    expect(provider.requests).toEqual([]);
    await other.close();
  });
});
