import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { OAuthError, OidcEvents, type LoginNotice } from '../../lib/index.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import {
  brokerLogin,
  guarded,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import type { Reply } from '../support/http-request.js';
import { idTokenMutations } from '../support/id-token-mutations.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { alice, bob } from '../support/users.js';

const redeem = async (app: TestApp): Promise<Reply> =>
  postToken(app, handleForm(await openLogin(app)));

describe.each(flowAdapters)('refused logins of broker mode on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(() => provider.close());

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const app = await startBrokerApp({
      adapter,
      provider,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => app.close());
    return app;
  };
  /** Asserts that a login ended with nothing: no row, no token, and the provider's own given back. */
  const expectNoSession = async (
    app: TestApp,
    calls: readonly string[],
    [status, error]: [number, string],
  ): Promise<void> => {
    const reply = await redeem(app);

    expect({ status: reply.status, error: reply.json()['error'] }).toEqual({ status, error });
    expect(reply.text()).not.toMatch(/eyJ|_token"/);
    expect(calls).not.toContain('createSession');
    const [revocation] = provider.requestsTo('revocation');
    expect(provider.refreshTokenState(revocation?.body['token'] ?? '')).toBe('revoked');
  };

  it('CL-5: are those without the claim that is to name the user', async () => {
    const { store, calls } = countingStore();
    const app = await start({ store, broker: { subjectClaim: 'employee_number' } });

    await expectNoSession(app, calls, [502, 'server_error']);
    expect(app.logs().join('\n')).toContain('"broker.subjectClaim"');
  });

  it('CL-5: are those whose userinfo is about somebody else', async () => {
    const { store, calls } = countingStore();
    const app = await start({ store });
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken = { claims: ({ email: _email, ...claims }) => claims };
    provider.behaviour.userinfo = () => ({ ...bob });

    await expectNoSession(app, calls, [502, 'server_error']);
  });

  it('CB-5: are those by an ID token with anything wrong', async () => {
    const { store, calls } = countingStore();
    const app = await start({ store });
    const { issuer, clientId, clientSecret, audience, keys } = provider;
    const source = { issuer, clientId, clientSecret, audience, keys, staleNonce: 'stale-nonce' };
    const mutations = await idTokenMutations(source);

    for (const [name, patch] of mutations) {
      provider.behaviour.idToken = patch;
      const reply = await redeem(app);
      expect([name, reply.status, reply.json()['error']]).toEqual([name, 502, 'server_error']);
    }
    provider.resetBehaviour();
    provider.behaviour.tokenResponse = ({ id_token: _idToken, ...body }) => body;
    expectRefusal(await redeem(app), 502, 'server_error');

    expect(mutations.size).toBeGreaterThan(30);
    expect(calls).not.toContain('createSession');
  });

  it('CL-2: are those of a user whom the option "claims" keeps out', async () => {
    const { store, calls } = countingStore();
    const app = await start({ store, options: { claims: { groups: ['team-b'] } } });

    await expectNoSession(app, calls, [403, 'insufficient_scope']);

    provider.behaviour.user = bob;
    const { accessToken } = await brokerLogin(app);
    expect(await guarded(app, accessToken)).toBe('200'); // without the claim: it was held against the provider's
  });

  it('HS-6: are those for which "broker.mapClaims" throws a refusal', async () => {
    const { store, calls } = countingStore();
    const app = await start({
      store,
      broker: {
        mapClaims: () => {
          throw new OAuthError('access_denied', 'Not today', { status: 403 });
        },
      },
    });

    await expectNoSession(app, calls, [403, 'access_denied']);
  });

  it('fault 17: leave no session behind when no token can be minted after it was written', async () => {
    const app = await start();
    const events: unknown[] = [];
    const oidcEvents = app.app.get(OidcEvents, { strict: false });
    oidcEvents.on('login', (event) => events.push(event));
    oidcEvents.on('session-ended', ({ reason }) => events.push(reason));
    brokerParts(app.app).ofSessions.minter.mint = () => {
      return Promise.reject(new OAuthError('temporarily_unavailable', 'no key to sign with'));
    };

    expectRefusal(await redeem(app), 503, 'temporarily_unavailable');

    expect(await app.service.listSessions(alice.sub)).toEqual([]);
    const revocations = provider.requestsTo('revocation');
    expect(revocations).toHaveLength(1);
    expect(provider.refreshTokenState(revocations[0]?.body['token'] ?? '')).toBe('revoked');
    expect(events).toEqual(['login-failed']);
  });

  it('are up to the host by "onLogin", which sees what the provider says', async () => {
    const seen: LoginNotice[] = [];
    const { store, calls } = countingStore();
    const app = await start({
      store,
      options: {
        onLogin: (login) => {
          seen.push(login);
          if (login.claims?.['email'] === alice.email) {
            throw new OAuthError('access_denied', 'Not you', { status: 403 });
          }
        },
      },
    });

    provider.behaviour.idToken = { claims: (claims) => ({ ...claims, acr: 'gold', amr: ['otp'] }) };

    await expectNoSession(app, calls, [403, 'access_denied']);
    provider.behaviour.user = bob;
    await brokerLogin(app);

    expect(seen.map(({ grant, provider: name }) => [grant, name])).toEqual([
      ['authorization_code', 'default'],
      ['authorization_code', 'default'],
    ]);
    expect(seen[0]?.claims).toMatchObject({
      iss: provider.issuer,
      sub: alice.sub,
      realm_access: alice.realm_access,
      acr: 'gold', // how the user was authenticated, as in passthrough mode
      amr: ['otp'],
    });
    expect(calls.filter((name) => name === 'createSession')).toHaveLength(1);
  });
});
