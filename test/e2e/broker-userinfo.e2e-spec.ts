import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp, type BrokerAppOptions } from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { alice } from '../support/users.js';

const userinfo = (app: { readonly url: string }, bearer: string): Promise<Reply> =>
  request(`${app.url}/auth/v2/userinfo`, { bearer });

const profileOfAlice = {
  username: 'alice',
  last_name: 'Doe',
  first_name: 'Alice',
  pw_name: 'alice',
  email: 'alice@example.org',
};

describe.each(adapters)('the userinfo route of broker mode on %s', (adapter) => {
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
    app = await startBrokerApp({ adapter, provider, clock, broker: { signingAlgorithm: 'ES256' } });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CL-5: answers from token and session, and asks the provider nothing', async () => {
    const { accessToken } = await brokerLogin(app);
    provider.clearRequests();

    const reply = await userinfo(app, accessToken);

    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual(profileOfAlice);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(provider.requests).toEqual([]);
  });

  it('CL-5: answers the names of userinfo where the tokens of the provider say none', async () => {
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken = {
      claims: ({ name: _n, given_name: _g, family_name: _f, email: _e, ...claims }) => claims,
    };

    const { accessToken } = await brokerLogin(app);

    expect((await userinfo(app, accessToken)).json()).toEqual(profileOfAlice);
  });

  it('CL-5: needs no scope "openid"', async () => {
    const token = mintedToken(await exchange(app, provider.accessToken({ scope: 'myscope' })));

    expect((await userinfo(app, token)).status).toBe(200);
  });

  it('CL-5: answers what a token of exchange says itself', async () => {
    const token = mintedToken(await exchange(app, provider.accessToken()));

    expect((await userinfo(app, token)).json()).toEqual({
      ...profileOfAlice,
      last_name: '',
      first_name: '',
    });
  });

  it('CL-4: names a user by the subject where there is no user name', async () => {
    provider.behaviour.user = { sub: alice.sub, preferred_username: '', email: alice.email };
    const { accessToken } = await brokerLogin(app);

    expect((await userinfo(app, accessToken)).json()).toMatchObject({ username: alice.sub });
  });

  it('FD-1: answers for a user of a trusted instance from the token alone, without a session of ours', async () => {
    const peer = await startMisbehavingProvider({ clock, audience: 'myapp-api' });
    onTestFinished(() => peer.close());
    const trusting = await start({ broker: { trustedIssuers: [peer.issuer] } });
    const { claims } = await brokerLogin(trusting);
    const ofPeer = peer.accessToken({
      sid: claims['sid'],
      sub: 'mallory',
      preferred_username: 'mallory',
      email: undefined,
    });

    const reply = await userinfo(trusting, ofPeer);

    expect(reply.json()).toEqual({
      username: 'mallory',
      last_name: '',
      first_name: '',
      pw_name: 'mallory',
      email: '',
    });
  });

  it('JV-8: refuses what the guard refuses, and sends it nowhere', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    await app.service.revoke(accessToken);
    provider.clearRequests();

    for (const token of [
      accessToken,
      refreshToken,
      provider.accessToken(),
      provider.idToken(),
      'opaque',
    ]) {
      expectRefusal(await userinfo(app, token), 401, 'invalid_token');
    }
    expect(provider.requests).toEqual([]);
  });

  it('fault 9: is 503 while the store cannot be asked for the session', async () => {
    const counting = countingStore();
    const other = await start({ store: counting.store });
    const { accessToken } = await brokerLogin(other);
    counting.down = true;

    const reply = await userinfo(other, accessToken);
    counting.down = false;

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect((await userinfo(other, accessToken)).json()).toEqual(profileOfAlice);
  });

  it('CL-2: holds the option "claims" of a peer, and not again for our own tokens', async () => {
    const strict = await start({ options: { claims: { groups: ['team-a'] } } });
    const { accessToken } = await brokerLogin(strict);

    expect((await userinfo(strict, accessToken)).status).toBe(200);
  });
});
