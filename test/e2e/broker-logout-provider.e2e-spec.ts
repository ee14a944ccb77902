import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { flowAdapters, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  guarded,
  refresh,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { TEST_CLIENT_ID } from '../support/provider-options.js';
import { decodeJwt } from 'jose';

interface LogoutOptions {
  readonly bearer?: string;
  readonly headers?: Record<string, string>;
}

const logout = (
  app: { readonly url: string },
  parameters: Record<string, string> = {},
  options: LogoutOptions = {},
): Promise<Reply> =>
  request(`${app.url}/auth/v2/logout?${new URLSearchParams(parameters).toString()}`, options);

describe.each(flowAdapters)('logout at the provider in broker mode on %s', (adapter) => {
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
      options: { allowedPostLogoutRedirectUris: ['/bye'] },
    });
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

  it('LO-1: a target that is not allowed is refused before anything ends', async () => {
    const { accessToken } = await brokerLogin(app);
    provider.clearRequests();

    for (const target of ['https://evil.example', '//evil.example', '/other', '/\\evil.example']) {
      const reply = await logout(
        app,
        { post_logout_redirect_uri: target },
        { bearer: accessToken },
      );
      expectRefusal(reply, 400, 'invalid_request');
    }

    expect(await guarded(app, accessToken)).toBe('200');
    expect(provider.requests).toEqual([]);
  });

  it('LO-4: sends the ID token of that session as the hint, and the state', async () => {
    const mine = await brokerLogin(app);
    provider.behaviour.user = { ...provider.behaviour.user, sub: 'sub-0002-bob' };
    await brokerLogin(app);

    const { location } = await logout(
      app,
      { post_logout_redirect_uri: '/bye', state: 's', id_token_hint: 'of-the-caller' },
      { bearer: mine.accessToken },
    );

    const { id_token_hint: hint = '', ...others } = Object.fromEntries(
      location?.searchParams ?? [],
    );
    expect(others).toEqual({
      client_id: TEST_CLIENT_ID,
      post_logout_redirect_uri: `${app.url}/bye`,
      state: 's',
    });
    expect(decodeJwt(hint)).toMatchObject({ iss: provider.issuer, sub: mine.claims['sub'] });
  });

  it('LO-4: sends the hint once: the session is over afterwards', async () => {
    const { accessToken } = await brokerLogin(app);
    await logout(app, {}, { bearer: accessToken });

    const again = await logout(app, {}, { bearer: accessToken });

    expect(again.status).toBe(302);
    expect(again.location?.searchParams.has('id_token_hint')).toBe(false);
  });

  it('LO-4: ends the session and redirects to the target while the provider is down', async () => {
    const own = await startMisbehavingProvider({ clock });
    const other = await start({ provider: own });
    const { accessToken, refreshToken } = await brokerLogin(other);
    await own.close();

    const begun = performance.now();
    const reply = await logout(other, { post_logout_redirect_uri: '/' }, { bearer: accessToken });

    expect(reply.status).toBe(302);
    expect(performance.now() - begun).toBeLessThan(4000);
    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(other, refreshToken), 400, 'invalid_grant');
  });

  it('LO-4: ends the session where the provider offers neither logout nor revocation', async () => {
    const own = await startMisbehavingProvider({
      clock,
      behaviour: {
        metadata: ({ end_session_endpoint: _end, revocation_endpoint: _revoke, ...document }) =>
          document,
      },
    });
    onTestFinished(() => own.close());
    const other = await start({ provider: own });
    const { accessToken } = await brokerLogin(other);

    const reply = await logout(
      other,
      { post_logout_redirect_uri: '/', state: 's' },
      { bearer: accessToken },
    );

    expect(reply.headers.get('location')).toBe('/?state=s');
    expect(await guarded(other, accessToken)).toBe('401 invalid_token');
  });

  it('LO-4: is 503 and ends nothing while the store cannot be asked', async () => {
    const counting = countingStore();
    const other = await start({ store: counting.store });
    const { accessToken } = await brokerLogin(other);
    counting.down = true;
    provider.clearRequests();

    const reply = await logout(other, {}, { bearer: accessToken });
    counting.down = false;

    expectRefusal(reply, 503, 'temporarily_unavailable');
    expect(provider.requestsTo('revocation')).toEqual([]);
    expect(await guarded(other, accessToken)).toBe('200');
  });

  it('FD-3: refuses the token of a trusted instance, and asks nobody about it', async () => {
    const peer = await startMisbehavingProvider({ clock, audience: 'myapp-api' });
    onTestFinished(() => peer.close());
    const trusting = await start({ broker: { trustedIssuers: [peer.issuer] } });
    const { accessToken, claims } = await brokerLogin(trusting);
    const forged = peer.accessToken({ sid: claims['sid'], jti: claims['jti'], sub: claims['sub'] });
    expect(await guarded(trusting, forged)).toBe('200');

    expectRefusal(await logout(trusting, {}, { bearer: forged }), 400, 'invalid_request');

    expect(await guarded(trusting, accessToken)).toBe('200');
  });

  it('JV-8: takes no token of the identity provider', async () => {
    const reply = await logout(app, {}, { bearer: provider.accessToken() });

    expectRefusal(reply, 400, 'invalid_request');
  });

  it('LO-2: goes on when the provider refuses to take its token back', async () => {
    const { accessToken } = await brokerLogin(app);
    provider.behaviour.faults.revocation = failWith(500);

    expect((await logout(app, {}, { bearer: accessToken })).status).toBe(302);
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });
});
