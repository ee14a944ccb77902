import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { adapters, type TestApp } from '../support/app.js';
import { brokerLogin, brokerTokens, guarded, startBrokerApp } from '../support/broker-app.js';
import { closeSocket } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import type { Reply } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { alice } from '../support/users.js';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

const exchange = (app: TestApp, subject_token: string, more: Record<string, string> = {}) =>
  postToken(app, { grant_type: GRANT, subject_token, ...more });

const refused = async (reply: Promise<Reply>, error: string): Promise<void> =>
  expectRefusal(await reply, 400, error);

describe.each(adapters)('token exchange on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let sessions: number;

  class CountingStore extends MemoryBrokerStore {
    override createSession(...call: Parameters<MemoryBrokerStore['createSession']>) {
      sessions += 1;
      return super.createSession(...call);
    }
  }

  beforeAll(async () => {
    sessions = 0;
    provider = await startMisbehavingProvider();
    app = await startBrokerApp({
      adapter,
      provider,
      store: new CountingStore(),
      broker: { exchangeClients: ['my-client', 'batch-client'] },
    });
  });

  afterEach(() => {
    provider.resetBehaviour();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('TX-4: answers with a token of ours and says what it is', async () => {
    const tokens = brokerTokens(
      await exchange(app, provider.accessToken(), {
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: ACCESS_TOKEN,
        audience: 'myapp-api',
        resource: app.url,
      }),
    );

    expect(Object.keys(tokens.body).toSorted()).toEqual(
      [
        'access_token',
        'expires',
        'expires_in',
        'issued_token_type',
        'scope',
        'token_type',
      ].toSorted(),
    );
    expect(tokens.body).toMatchObject({ issued_token_type: ACCESS_TOKEN, token_type: 'Bearer' });
    expect(tokens.claims).toMatchObject({
      sub: alice.sub,
      preferred_username: 'alice',
      roles: ['staff', 'admins', 'team-a', 'editor'],
      scope: 'openid profile email myscope',
    });
    expect(await guarded(app, tokens.accessToken, '/admins')).toBe('200');
  });

  it('TX-3: is no longer and no wider than the subject token, and leaves no row', async () => {
    const before = sessions;
    const soon = Math.floor(Date.now() / 1000) + 5;
    const narrow = provider.accessToken({ exp: soon, scope: 'openid email' });

    const tokens = brokerTokens(await exchange(app, narrow));

    expect(tokens.claims['exp']).toBeLessThanOrEqual(soon);
    expect(tokens.body['expires_in']).toBeLessThanOrEqual(5);
    expect(tokens.claims['scope']).toBe('openid email');
    expect(tokens.claims).not.toHaveProperty('sid');
    expect(tokens.body).not.toHaveProperty('refresh_token');
    expect(brokerTokens(await exchange(app, narrow, { scope: 'email' })).claims['scope']).toBe(
      'email',
    );
    await refused(exchange(app, narrow, { scope: 'email myscope' }), 'invalid_scope');
    expect(sessions).toBe(before);
  });

  it('TX-1: takes access tokens of the provider alone', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    const past = Math.floor(Date.now() / 1000) - 60;

    for (const subject of [
      provider.idToken({ nonce: 'n' }),
      provider.accessToken({ typ: 'Refresh' }),
      accessToken,
      refreshToken,
      'opaque',
      provider.accessToken({ exp: past }),
      provider.accessToken({ iss: 'https://evil.example.org' }),
      provider.accessToken({ aud: 'somebody-else' }),
      `${provider.accessToken()}x`,
    ]) {
      await refused(exchange(app, subject), 'invalid_request');
    }
  });

  it('TX-1: takes those of listed clients alone', async () => {
    expect((await exchange(app, provider.accessToken({ azp: 'batch-client' }))).status).toBe(200);
    await refused(exchange(app, provider.accessToken({ azp: 'other-client' })), 'invalid_request');
    await refused(exchange(app, provider.accessToken({ azp: undefined })), 'invalid_request');
  });

  it('TX-2: refuses other types, an actor, and targets that are not ours', async () => {
    const token = provider.accessToken();
    const type = 'urn:ietf:params:oauth:token-type:';

    for (const more of [
      { subject_token_type: `${type}id_token` },
      { subject_token_type: `${type}refresh_token` },
      { subject_token_type: `${type}jwt` },
      { requested_token_type: `${type}refresh_token` },
      { requested_token_type: `${type}id_token` },
      { actor_token: token },
    ]) {
      await refused(exchange(app, token, more), 'invalid_request');
    }
    await refused(exchange(app, token, { audience: 'another-api' }), 'invalid_target');
    await refused(
      exchange(app, token, { resource: 'https://other.example.org' }),
      'invalid_target',
    );
  });
});

describe('token exchange', () => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterEach(() => provider.resetBehaviour());

  afterAll(() => provider.close());

  it('TX-1: is 503 while the keys of the provider cannot be had', async () => {
    const app = await startBrokerApp({ provider, options: { timeoutMs: 500 } });
    provider.behaviour.faults.jwks = closeSocket('before');

    expectRefusal(await exchange(app, provider.accessToken()), 503, 'temporarily_unavailable');
    await app.close();
  });

  it('cannot get round the option claims, nor round the host', async () => {
    const grants: string[] = [];
    const app = await startBrokerApp({
      provider,
      options: {
        claims: ['admins'],
        onLogin: ({ grant }) => {
          grants.push(grant);
        },
      },
    });
    const noAdmin = provider.accessToken({ realm_access: { roles: ['staff'] } });

    expect((await exchange(app, noAdmin)).json()['error']).toBe('insufficient_scope');
    expect((await exchange(app, provider.accessToken())).status).toBe(200);
    expect(grants).toEqual(['token_exchange']);
    await app.close();
  });

  it('LO-2: ends with the user, and by itself when it is revoked', async () => {
    const app = await startBrokerApp({ provider });
    const [one, other] = [
      brokerTokens(await exchange(app, provider.accessToken())),
      brokerTokens(await exchange(app, provider.accessToken())),
    ];

    await app.service.revoke(one.accessToken);
    expect(await guarded(app, one.accessToken)).toBe('401 invalid_token');
    expect(await guarded(app, other.accessToken)).toBe('200');
    await app.service.revokeSessions(alice.sub);
    expect(await guarded(app, other.accessToken)).toBe('401 invalid_token');
    await app.close();
  });
});
