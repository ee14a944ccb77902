import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  guarded,
  pull,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
  type BrokerTokens,
} from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { alice, bob } from '../support/users.js';

describe.each(adapters)('back-channel logout on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const started = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => started.close());
    return started;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({
      adapter,
      provider,
      clock,
      broker: { signingAlgorithm: 'ES256' },
    });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
    clock.advance(1); // what an earlier test revoked counts for tokens until then
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** A login whose ID token names a session of the provider. */
  const loginWith = (sid: string, at = app): Promise<BrokerTokens> => {
    provider.behaviour.idToken = { claims: (claims) => ({ ...claims, sid }) };
    return brokerLogin(at);
  };

  it('LO-5: by "sid" ends that session, its tokens and the token at the provider, and no other', async () => {
    const [one, other] = [await loginWith('sid-one'), await loginWith('sid-other')];
    provider.clearRequests();

    const reply = await sendLogoutToken(
      app,
      logoutToken(provider, { claims: { sid: 'sid-one', sub: undefined } }),
    );

    expect(reply.status).toBe(200);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(await guarded(app, one.accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(app, one.refreshToken), 400, 'invalid_grant');
    expect(provider.requestsTo('revocation')).toHaveLength(1);
    expect(await guarded(app, other.accessToken)).toBe('200');
    expect((await refresh(app, other.refreshToken)).status).toBe(200);
  });

  it('LO-5: by "sub" ends every session of that user, and tokens by exchange, but none of later', async () => {
    const sessions = [await loginWith('sid-three'), await brokerLogin(app)];
    const exchanged = mintedToken(await exchange(app, provider.accessToken()));
    provider.behaviour.user = bob;
    const ofBob = await brokerLogin(app);

    const reply = await sendLogoutToken(app, logoutToken(provider));

    expect(reply.status).toBe(200);
    for (const { accessToken, refreshToken } of sessions) {
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    }
    expect(await guarded(app, exchanged)).toBe('401 invalid_token');
    expect(await guarded(app, ofBob.accessToken)).toBe('200');
    provider.behaviour.user = alice;
    clock.advance(1);
    expect(await guarded(app, (await brokerLogin(app)).accessToken)).toBe('200');
  });

  it('LO-5: finds the sessions of a user whose tokens have another name', async () => {
    const other = await start({ broker: { subjectClaim: 'preferred_username' } });
    const { accessToken, claims } = await brokerLogin(other);
    expect(claims['sub']).toBe('alice');

    await sendLogoutToken(other, logoutToken(provider));

    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });

  it('LO-5: reaches the other instances with their next pull, without a query in the guard', async () => {
    const { store, calls } = countingStore();
    const { one, other } = await startInstances({ adapter, provider, clock, store });
    const [bySid, bySub] = [await loginWith('sid-four', one), await loginWith('sid-five', other)];
    expect(await guarded(other, bySid.accessToken)).toBe('200');

    await sendLogoutToken(one, logoutToken(provider, { claims: { sid: 'sid-four' } }));
    await pull(other);
    calls.length = 0;
    expect(await guarded(other, bySid.accessToken)).toBe('401 invalid_token');
    expect(await guarded(other, bySub.accessToken)).toBe('200');
    expect(calls).toEqual([]);

    await sendLogoutToken(other, logoutToken(provider));
    expect(await guarded(other, bySub.accessToken)).toBe('401 invalid_token');
    await pull(one);
    expect(await guarded(one, bySub.accessToken)).toBe('401 invalid_token');
  });

  it('LO-5: takes each token once', async () => {
    const token = logoutToken(provider);
    expect((await sendLogoutToken(app, token)).status).toBe(200);
    clock.advance(1);
    const { accessToken } = await brokerLogin(app);

    expectRefusal(await sendLogoutToken(app, token), 400, 'invalid_request');

    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('LO-5: sent again to another instance ends no session that began after it', async () => {
    const { one, other } = await startInstances({ adapter, provider, clock });
    await brokerLogin(one);
    const token = logoutToken(provider);
    expect((await sendLogoutToken(one, token)).status).toBe(200);
    clock.advance(30);
    const later = await brokerLogin(one);

    expect((await sendLogoutToken(other, token)).status).toBe(200);

    expect((await refresh(one, later.refreshToken)).status).toBe(200);
    expect(await one.service.listSessions(alice.sub)).toHaveLength(1);
  });

  it('LO-5: takes one of two that come at once', async () => {
    const token = logoutToken(provider);

    const replies = await Promise.all([sendLogoutToken(app, token), sendLogoutToken(app, token)]);

    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 400]));
  });

  it('LO-5: is 200 where there is no such session', async () => {
    const reply = await sendLogoutToken(
      app,
      logoutToken(provider, { claims: { sid: 'unknown-sid', sub: undefined } }),
    );

    expect(reply.status).toBe(200);
  });

  it('LO-5: is 400, never 503, while the store cannot be asked, and works when it is sent again', async () => {
    const counting = countingStore();
    const other = await start({ store: counting.store });
    const { accessToken } = await brokerLogin(other);
    const token = logoutToken(provider);
    counting.down = true;
    expectRefusal(await sendLogoutToken(other, token), 400, 'invalid_request');
    counting.down = false;
    expect(await guarded(other, accessToken)).toBe('200');

    expect((await sendLogoutToken(other, token)).status).toBe(200);

    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });

  it('LO-5: is 400 while the keys of the provider cannot be had, and works later', async () => {
    const other = await start();
    provider.behaviour.faults.jwks = failWith(503);
    const token = logoutToken(provider);
    expectRefusal(await sendLogoutToken(other, token), 400, 'invalid_request');

    provider.resetBehaviour();
    clock.advance(31);

    expect((await sendLogoutToken(other, token)).status).toBe(200);
  });

  it('TK-2: wants one token, in a form', async () => {
    const url = `${app.url}/auth/v2/backchannel-logout`;
    const token = logoutToken(provider);
    const twice = new URLSearchParams([
      ['logout_token', token],
      ['logout_token', token],
    ]);
    const json = { 'content-type': 'application/json' };

    for (const reply of [
      await request(url, { form: {} }),
      await request(url, { form: { logout_token: '' } }),
      await request(url, { form: twice }),
      await request(`${url}?logout_token=${token}`, { form: {} }),
      await request(url, { headers: json, body: JSON.stringify({ logout_token: token }) }),
    ]) {
      expectRefusal(reply, 400, 'invalid_request');
    }
    expect((await request(`${url}?logout_token=${token}`)).status).toBe(404);
    expect((await sendLogoutToken(app, token)).status).toBe(200); // none of these used it up
  });

  it('HS-4: has our headers on every answer', async () => {
    for (const reply of [
      await sendLogoutToken(app, logoutToken(provider)),
      await sendLogoutToken(app, 'nonsense'),
    ]) {
      expect(reply.headers.get('cache-control')).toBe('no-store');
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
      expect(reply.headers.get('referrer-policy')).toBe('no-referrer');
      expect(reply.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  it('is 404 in passthrough mode and where it is switched off', async () => {
    const passthrough = await startApp({ adapter, provider });
    onTestFinished(() => passthrough.close());
    const off = await start({ options: { routes: { backchannelLogout: false } } });

    for (const other of [passthrough, off]) {
      expect((await sendLogoutToken(other, logoutToken(provider))).status).toBe(404);
      const url = `${other.url}/auth/v2/backchannel-logout`;
      expect((await request(url, { form: {} })).status).toBe(404);
    }
  });
});
