import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { startApp, type TestApp } from '../support/app.js';
import { brokerLogin, guarded, refresh, startBrokerApp } from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { countingStore, type CountingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { delay, failWith } from '../support/faults.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { exchange } from '../support/token-exchange.js';

describe('getIdpToken()', () => {
  let clock: FakeClock;
  let provider: MisbehavingProvider;
  let counting: CountingStore;
  let app: TestApp;

  beforeEach(async () => {
    clock = new FakeClock();
    provider = await startMisbehavingProvider({ clock });
    onTestFinished(() => provider.close());
    counting = countingStore();
    app = await startBrokerApp({
      provider,
      clock,
      store: counting.store,
      broker: { signingAlgorithm: 'ES256' },
    });
    onTestFinished(() => app.close());
  });

  const idpToken = async (session: unknown, at = app): Promise<string> => {
    const token = await at.service.getIdpToken(String(session));
    registerIfSecret(token, 'access token');
    return token;
  };
  const refreshes = (): number =>
    provider.requestsTo('token').filter(({ body }) => body['grant_type'] === 'refresh_token')
      .length;

  it('gives the access token of the login while it lives, without a call', async () => {
    const { claims } = await brokerLogin(app);
    provider.clearRequests();

    const token = await idpToken(claims['sid']);
    clock.advance(200);

    expect(await idpToken(claims['sid'])).toBe(token);
    expect(provider.requests).toEqual([]);
    expect((await exchange(app, token)).status).toBe(200); // it is one of the provider
  });

  it('RF-4: renews it once before it ends, however many ask', async () => {
    const { claims } = await brokerLogin(app);
    const first = await idpToken(claims['sid']);
    clock.advance(280);
    provider.behaviour.faults.token = delay(50);

    const tokens = await Promise.all(Array.from({ length: 10 }, () => idpToken(claims['sid'])));

    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(first);
    expect(refreshes()).toBe(1);
  });

  it('RF-4: renews it once, whichever instance is asked', async () => {
    const { one, other } = await startInstances({ provider, clock });
    const { claims } = await brokerLogin(one);
    clock.advance(280);
    provider.behaviour.faults.token = delay(50);

    const tokens = await Promise.all([
      idpToken(claims['sid'], one),
      idpToken(claims['sid'], other),
      idpToken(claims['sid'], one),
    ]);

    expect(new Set(tokens).size).toBe(1);
    expect(refreshes()).toBe(1);
  });

  it('RF-3: leaves the refresh token of the client as it is', async () => {
    const { claims, refreshToken, accessToken } = await brokerLogin(app);
    clock.advance(280);
    await idpToken(claims['sid']);

    expect(await guarded(app, accessToken)).toBe('200');
    expect((await refresh(app, refreshToken)).status).toBe(200);
    clock.advance(280);
    await idpToken(claims['sid']);
    expect(refreshes()).toBe(3);
  });

  it('RF-6: does not keep a session alive that nobody uses', async () => {
    const { claims } = await brokerLogin(app);
    for (let day = 0; day < 13; day += 1) {
      clock.advance(86_400);
      await idpToken(claims['sid']);
    }

    clock.advance(86_401);

    await expect(idpToken(claims['sid'])).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('RF-5: is 503 while the provider is down, loses nothing, and heals', async () => {
    const { claims } = await brokerLogin(app);
    clock.advance(400);
    provider.behaviour.faults.token = failWith(503);
    await expect(idpToken(claims['sid'])).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });

    provider.resetBehaviour();

    expect(await idpToken(claims['sid'])).toMatch(/^eyJ/);
  });

  it('RF-5: ends the session that the provider has ended', async () => {
    const { claims, accessToken } = await brokerLogin(app);
    clock.advance(400);
    provider.endSessions();

    await expect(idpToken(claims['sid'])).rejects.toMatchObject({ error: 'invalid_grant' });

    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });

  it('LO-2: gives nothing for a session that is over, unknown or no session at all', async () => {
    const { claims } = await brokerLogin(app);
    await app.service.revokeSession(String(claims['sid']));
    counting.calls.length = 0;

    for (const session of [claims['sid'], '0'.repeat(32)]) {
      await expect(idpToken(session)).rejects.toMatchObject({
        error: 'invalid_grant',
        status: 400,
      });
    }
    counting.calls.length = 0;
    for (const session of ['', 'x', "' OR 1=1", '{"$ne":""}', '__proto__', 'A'.repeat(32)]) {
      await expect(idpToken(session)).rejects.toMatchObject({ error: 'invalid_grant' });
    }
    expect(counting.calls.filter((name) => name === 'findSession')).toEqual([]); // ST-4
  });

  it('gives the token of a session without a refresh token as long as it lives', async () => {
    provider.behaviour.issueRefreshTokens = false;
    const { accessToken } = await loginWithoutRefreshToken();
    const { sid } = await app.service.verify(accessToken);

    expect(await idpToken(sid)).toMatch(/^eyJ/);
    clock.advance(301);

    await expect(idpToken(sid)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  const loginWithoutRefreshToken = async (): Promise<{ accessToken: string }> => {
    const { accessToken, body } = await brokerLogin(app);
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('refresh_expires');
    return { accessToken };
  };

  it('is 404 in passthrough mode, as all that only broker mode has', async () => {
    const passthrough = await startApp({ provider });
    onTestFinished(() => passthrough.close());
    const { service } = passthrough;

    for (const asked of [
      service.getIdpToken('0'.repeat(32)),
      service.listSessions('alice'),
      service.revokeSession('0'.repeat(32)),
      service.revokeSessions('alice'),
      service.retireSigningKey(),
      service.jwks(),
      service.introspect('token', () => 'token'),
      service.backchannelLogout('token'),
    ]) {
      await expect(asked).rejects.toMatchObject({ status: 404, error: 'invalid_request' });
    }
  });
});
