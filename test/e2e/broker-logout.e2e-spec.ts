import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, guarded, pull, refresh, startBrokerApp } from '../support/broker-app.js';
import { closeSocket, hang } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { testKey } from '../support/signing-keys.js';
import { alice, bob } from '../support/users.js';

/** Counts what is asked of it. */
class WatchedStore extends MemoryBrokerStore {
  asked = 0;

  override findSession(...call: Parameters<MemoryBrokerStore['findSession']>) {
    this.asked += 1;
    return super.findSession(...call);
  }

  override listRevocations(...call: Parameters<MemoryBrokerStore['listRevocations']>) {
    this.asked += 1;
    return super.listRevocations(...call);
  }
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

describe.each(adapters)('logout in broker mode on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let store: WatchedStore;
  let app: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(async () => {
    store = new WatchedStore();
    const publicUrl = 'http://localhost:3999';
    const options = { publicUrl, timeoutMs: 5000 };
    app = await startBrokerApp({ adapter, provider, store, options });
    other = await startBrokerApp({ adapter, provider, store, options });
  });

  afterEach(async () => {
    await app.close();
    await other.close();
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(() => provider.close());

  const logout = (query = '', bearer?: string): Promise<Reply> =>
    request(`${app.url}/auth/v2/logout${query}`, bearer === undefined ? {} : { bearer });

  it('LO-2: ends the session here at once, at the provider, and at the other instance at its next pull', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    expect(await guarded(other, accessToken)).toBe('200');

    const reply = await logout('', accessToken);

    expect(reply.status).toBe(302);
    const { searchParams } = new URL(reply.headers.get('location') ?? '');
    expect(searchParams.get('id_token_hint')).toMatch(/^ey/);
    expect(searchParams.get('client_id')).toBe('my-client');
    expect(provider.requestsTo('revocation')).toHaveLength(1);
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(other, refreshToken), 400, 'invalid_grant');
    await pull(other);
    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });

  it('LO-2: reaches the guard without a question a request', async () => {
    const { accessToken } = await brokerLogin(app);
    await guarded(app, accessToken);
    const before = store.asked;

    for (let at = 0; at < 50; at += 1) await guarded(app, accessToken);

    expect(store.asked - before).toBeLessThanOrEqual(4); // what two instances pull meanwhile
  });

  it('LO-3: without a token sends on, and ends nothing; also with one that is worth nothing', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    const past = accessToken.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));

    for (const bearer of [undefined, 'opaque', past]) {
      const reply = await logout('', bearer);
      expect(reply.status).toBe(302);
      expect(reply.headers.get('location')).not.toContain('id_token_hint');
    }

    expect(await guarded(app, accessToken)).toBe('200');
    expect((await refresh(app, refreshToken)).status).toBe(200);
  });

  it('FD-3: refuses a token that is not ours', async () => {
    expectRefusal(await logout('', provider.accessToken()), 400, 'invalid_request');
    expectRefusal(
      await logout('', provider.accessToken({ iss: 'https://peer.example.org' })),
      400,
      'invalid_request',
    );
  });

  it('LO-4: is local while the provider is down, and waits for its revocation three seconds at most', async () => {
    const { accessToken } = await brokerLogin(app);
    provider.behaviour.faults.revocation = hang();
    const began = performance.now();

    const reply = await logout('?post_logout_redirect_uri=/&state=s', accessToken);

    expect(performance.now() - began).toBeLessThan(3800);
    expect(reply.status).toBe(302);
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });

  it('LO-2: POST revoke ends the session of a refresh token and of an access token, and answers 200 to all else', async () => {
    const [one, two] = [await brokerLogin(app), await brokerLogin(app)];
    provider.clearRequests();
    const revoke = (token: string) => request(`${app.url}/auth/v2/revoke`, { form: { token } });

    for (const token of ['opaque', provider.accessToken(), `${one.refreshToken}x`]) {
      expect((await revoke(token)).status).toBe(200);
    }
    expect(provider.requests).toEqual([]); // nothing of anybody else goes to the provider
    expect(await guarded(app, one.accessToken)).toBe('200');

    expect((await revoke(one.refreshToken)).status).toBe(200);
    expect((await revoke(two.accessToken)).status).toBe(200);

    for (const { accessToken, refreshToken } of [one, two]) {
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    }
  });

  it('LO-2: by subject refuses every token of that subject issued until then, everywhere', async () => {
    const [one, two] = [await brokerLogin(app), await brokerLogin(other)];
    provider.behaviour.user = bob;
    const ofBob = await brokerLogin(app);
    expect(await app.service.listSessions(alice.sub)).toHaveLength(2);

    expect(await app.service.revokeSessions(alice.sub)).toBe(2);
    await pull(other);

    for (const instance of [app, other]) {
      for (const { accessToken } of [one, two]) {
        expect(await guarded(instance, accessToken)).toBe('401 invalid_token');
      }
      expect(await guarded(instance, ofBob.accessToken)).toBe('200');
    }
    expect(await app.service.listSessions(alice.sub)).toEqual([]);
  });

  it('LO-2: 503 and nothing ended while the store is down', async () => {
    const { accessToken } = await brokerLogin(app);
    const revokeSession = store.revokeSession.bind(store);
    store.revokeSession = () => Promise.reject(new Error('connection lost'));

    expectRefusal(await logout('', accessToken), 503, 'temporarily_unavailable');
    store.revokeSession = revokeSession;

    expect(await guarded(app, accessToken)).toBe('200');
    expect((await logout('', accessToken)).status).toBe(302);
  });

  const logoutToken = (
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
  ) =>
    provider.idToken(
      {
        ...Object.fromEntries(Object.keys(alice).map((name) => [name, undefined])),
        auth_time: undefined,
        jti: `jti-${Math.random()}`,
        events: { [EVENT]: {} },
        sub: alice.sub,
        ...claims,
      },
      { typ: 'logout+jwt', ...header },
    );
  const post = (logout_token: string): Promise<Reply> =>
    request(`${app.url}/auth/v2/backchannel-logout`, { form: { logout_token } });

  describe('by back channel', () => {
    it('LO-5: ends the sessions of a subject, and of one session of the provider', async () => {
      provider.behaviour.idToken.claims = (claims) => ({ ...claims, sid: 'session-1' });
      const first = await brokerLogin(app);
      provider.behaviour.idToken.claims = (claims) => ({ ...claims, sid: 'session-2' });
      const second = await brokerLogin(app);
      provider.resetBehaviour();

      const bySession = await post(logoutToken({ sub: undefined, sid: 'session-1' }));
      expect(bySession.status).toBe(200);
      expect(bySession.headers.get('cache-control')).toBe('no-store');
      expect(await guarded(app, first.accessToken)).toBe('401 invalid_token');
      expect(await guarded(app, second.accessToken)).toBe('200');

      expect((await post(logoutToken())).status).toBe(200);
      expect(await guarded(app, second.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, second.refreshToken), 400, 'invalid_grant');
    });

    it('LO-5: refuses a token with one thing wrong, other kinds of tokens, and one that comes again', async () => {
      const { accessToken } = await brokerLogin(app);
      const now = Math.floor(Date.now() / 1000);
      const stranger = await testKey('RS256', 'a stranger');
      const wrong = [
        logoutToken({ iss: 'https://evil.example.org' }),
        logoutToken({ aud: 'another-client' }),
        logoutToken({ iat: now + 600 }),
        logoutToken({ iat: undefined }),
        logoutToken({ exp: now - 60 }),
        logoutToken({ exp: undefined }),
        logoutToken({ events: undefined }),
        logoutToken({ events: {} }),
        logoutToken({ events: { [EVENT]: true } }),
        logoutToken({ events: [EVENT] }),
        logoutToken({ nonce: 'n' }),
        logoutToken({ sub: undefined }),
        logoutToken({ sub: 7 }),
        logoutToken({ jti: undefined }),
        logoutToken({}, { typ: 'at+jwt' }),
        provider.idToken(),
        provider.accessToken(),
        accessToken,
        provider.idToken({ events: { [EVENT]: {} }, jti: 'x' }, { alg: 'RS256' }, stranger),
        'opaque',
      ];

      for (const token of wrong) expectRefusal(await post(token), 400, 'invalid_request');
      expect(await guarded(app, accessToken)).toBe('200');

      const token = logoutToken();
      expect((await post(token)).status).toBe(200);
      expectRefusal(await post(token), 400, 'invalid_request');
    });

    it('LO-5: knows no other status than 200 and 400, and a token that came to nothing may come again', async () => {
      const { accessToken } = await brokerLogin(app);
      const token = logoutToken();
      const revokeSession = store.revokeSession.bind(store);
      store.revokeSession = () => Promise.reject(new Error('connection lost'));
      expectRefusal(await post(token), 400, 'invalid_request');
      store.revokeSession = revokeSession;
      expect((await post(token)).status).toBe(200);
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');

      const fresh = await startBrokerApp({ adapter, provider, options: { timeoutMs: 500 } });
      provider.behaviour.faults.jwks = closeSocket('before');

      const reply = await request(`${fresh.url}/auth/v2/backchannel-logout`, {
        form: { logout_token: logoutToken() },
      });

      expectRefusal(reply, 400, 'invalid_request');
      await fresh.close();
    });
  });
});
