import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { hashedId } from '../../lib/events/oidc-events.js';
import { OidcEvents } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  guarded,
  pull,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { hang } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';
import { exchange, mintedToken } from '../support/token-exchange.js';

const revoke = (
  app: { readonly url: string },
  token: string,
  token_type_hint?: string,
): Promise<Reply> =>
  request(`${app.url}/auth/v2/revoke`, {
    form: { token, ...(token_type_hint === undefined ? {} : { token_type_hint }) },
  });

describe.each(adapters)('revocation of broker mode on %s', (adapter) => {
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

  it.each([
    ['access', 'access_token'],
    ['access', 'refresh_token'],
    ['access', undefined],
    ['refresh', 'refresh_token'],
    ['refresh', 'access_token'],
    ['refresh', 'nonsense'],
  ])('LO-2: by an %s token, called %s, ends the session', async (kind, hint) => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    provider.clearRequests();

    const reply = await revoke(app, kind === 'access' ? accessToken : refreshToken, hint);

    expect([reply.status, reply.text()]).toEqual([200, '{}']);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    const [sent] = provider.requestsTo('revocation');
    expect(provider.refreshTokenState(sent?.body['token'] ?? '')).toBe('revoked');
    expect(provider.requestsTo('revocation')).toHaveLength(1);
  });

  it('LO-2: by a refresh token that was replaced ends the session, and is no alarm', async () => {
    const first = await brokerLogin(app);
    const second = (await refresh(app, first.refreshToken)).json();
    const alarms: unknown[] = [];
    const end = app.app
      .get(OidcEvents, { strict: false })
      .on('refresh-token-reused', (event) => alarms.push(event));
    clock.advance(3000);

    await revoke(app, first.refreshToken);
    end();

    expectRefusal(await refresh(app, String(second['refresh_token'])), 400, 'invalid_grant');
    expect(alarms).toEqual([]);
  });

  it('LO-2: by a token of exchange ends that token alone', async () => {
    const [one, other] = [
      mintedToken(await exchange(app, provider.accessToken())),
      mintedToken(await exchange(app, provider.accessToken())),
    ];
    provider.clearRequests();

    await revoke(app, one);

    expect(await guarded(app, one)).toBe('401 invalid_token');
    expect(await guarded(app, other)).toBe('200');
    expect(provider.requests).toEqual([]);
  });

  it('LO-2: reaches the other instances with their next pull, without a query in the guard', async () => {
    const { store, calls } = countingStore();
    const { one, other } = await startInstances({ adapter, provider, clock, store });
    const session = await brokerLogin(one);
    const exchanged = mintedToken(await exchange(one, provider.accessToken()));
    const survivor = mintedToken(await exchange(one, provider.accessToken()));
    for (const token of [session.accessToken, exchanged]) {
      expect(await guarded(other, token)).toBe('200');
    }

    await revoke(one, session.refreshToken);
    await revoke(one, exchanged);
    await pull(other);
    calls.length = 0;

    expect(await guarded(other, session.accessToken)).toBe('401 invalid_token');
    expect(await guarded(other, exchanged)).toBe('401 invalid_token');
    expect(await guarded(other, survivor)).toBe('200');
    expect(calls).toEqual([]);
  });

  it('LO-2: reaches the other instances within ten seconds by itself', async () => {
    const stepped = new SteppedClock();
    const { one, other } = await startInstances({ adapter, provider, clock: stepped });
    provider.behaviour.now = () => stepped.now();
    const { accessToken } = await brokerLogin(one);
    expect(await guarded(other, accessToken)).toBe('200');

    await revoke(one, accessToken);
    await stepped.asleep([8500, 10_000], 8); // four matters of each instance
    stepped.advance(10);

    await expect.poll(() => guarded(other, accessToken), { interval: 5 }).toBe('401 invalid_token');
  });

  it('FD-3: is 200 for what is not ours, and reaches nobody', async () => {
    const peer = await startMisbehavingProvider({ clock, audience: 'myapp-api' });
    onTestFinished(() => peer.close());
    const trusting = await start({ broker: { trustedIssuers: [peer.issuer] } });
    const { accessToken, claims } = await brokerLogin(trusting);
    const ofPeer = peer.accessToken({ jti: claims['jti'], sid: claims['sid'], sub: claims['sub'] });
    provider.clearRequests();
    peer.clearRequests();

    for (const token of [
      ofPeer,
      provider.accessToken({ sid: claims['sid'] }),
      provider.idToken(),
      'unknown',
      'x'.repeat(16_384),
      String(claims['sid']),
      String(claims['jti']),
      `${accessToken.slice(0, -4)}AAAA`,
    ]) {
      expect((await revoke(trusting, token)).status).toBe(200);
    }

    expect([...provider.requests, ...peer.requests]).toEqual([]);
    expect(await guarded(trusting, accessToken)).toBe('200');
  });

  it('LO-2: is 200 again for what was revoked before', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);

    for (const token of [accessToken, accessToken, refreshToken]) {
      expect((await revoke(app, token)).status).toBe(200);
    }
  });

  it('LO-2: is 503 and changes nothing while the store cannot be asked', async () => {
    const counting = countingStore();
    const other = await start({ store: counting.store });
    const { accessToken, refreshToken } = await brokerLogin(other);
    counting.down = true;

    const replies = [await revoke(other, accessToken), await revoke(other, refreshToken)];
    counting.down = false;

    for (const reply of replies) expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(await guarded(other, accessToken)).toBe('200');
    expect((await revoke(other, accessToken)).status).toBe(200);
    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });

  it('TK-2: wants a token, once', async () => {
    const url = `${app.url}/auth/v2/revoke`;

    for (const form of [{}, { token: '' }, new URLSearchParams('token=a&token=b')]) {
      expectRefusal(await request(url, { form }), 400, 'invalid_request');
    }
    expectRefusal(await revoke(app, 'x'.repeat(16_385)), 400, 'invalid_request');
  });

  it('LG-3: is told to the host with a hashed token, and only when something was revoked', async () => {
    const seen: unknown[] = [];
    const end = app.app
      .get(OidcEvents, { strict: false })
      .on('revoke', (event) => seen.push(event));
    const { refreshToken } = await brokerLogin(app);

    await revoke(app, 'unknown');
    await revoke(app, refreshToken);
    await revoke(app, refreshToken);
    end();

    expect(seen).toEqual([{ provider: 'default', token: hashedId(refreshToken) }]);
  });
});

describe('a provider that takes no token back, on each adapter', () => {
  it('LO-2: holds revocation and logout up for three seconds, and the session ends all the same', async () => {
    const provider = await startMisbehavingProvider();
    onTestFinished(() => provider.close());
    for (const adapter of adapters) {
      const clock = new SteppedClock();
      provider.resetBehaviour();
      provider.behaviour.now = () => clock.now();
      const app = await startBrokerApp({ adapter, provider, clock });
      onTestFinished(() => app.close());
      const [one, other] = [await brokerLogin(app), await brokerLogin(app)];
      provider.behaviour.faults.revocation = hang();

      const answers = [
        revoke(app, one.refreshToken),
        request(`${app.url}/auth/v2/logout`, { bearer: other.accessToken }),
      ];
      await clock.asleep(3000, 2);
      clock.advance(3);

      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 302]);
      for (const { accessToken, refreshToken } of [one, other]) {
        expect(await guarded(app, accessToken)).toBe('401 invalid_token');
        expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
      }
    }
  });
});
