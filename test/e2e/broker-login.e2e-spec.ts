import { decodeProtectedHeader } from 'jose';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  onTestFinished,
} from 'vitest';

import { OAuthError } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { adapters, type TestApp } from '../support/app.js';
import {
  BROKER_AUDIENCE,
  brokerLogin,
  brokerTokens,
  guarded,
  startBrokerApp,
} from '../support/broker-app.js';
import { INSTANCES_ISSUER } from '../support/broker-instances.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { alice } from '../support/users.js';

/** An ID token that says whose it is and no more. */
function bare({ sub, iss, aud, exp, iat, nonce }: JsonMembers): JsonMembers {
  return { sub, iss, aud, exp, iat, ...(nonce === undefined ? {} : { nonce }) };
}

describe.each(adapters)('logins in broker mode on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({ adapter, provider, clock });
  });

  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('TK-4: answer with our own tokens, in the members of the contract and no others', async () => {
    const { body, accessToken, claims } = await brokerLogin(app);

    expect(Object.keys(body).toSorted()).toEqual(
      [
        'access_token',
        'expires',
        'expires_in',
        'refresh_expires',
        'refresh_token',
        'scope',
        'token_type',
      ].toSorted(),
    );
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3600 });
    expect(body['expires']).toBe(claims['exp']);
    expect(decodeProtectedHeader(accessToken)).toEqual({
      alg: 'ES256',
      kid: expect.stringMatching(/^[\w-]{43}$/),
      typ: 'at+jwt',
    });
    expect(claims).toEqual({
      iss: app.url,
      aud: BROKER_AUDIENCE,
      client_id: 'my-client',
      sub: alice.sub,
      preferred_username: 'alice',
      email: 'alice@example.org',
      email_verified: true,
      roles: ['staff', 'admins', 'team-a', 'editor'], // and no role of another client
      scope: 'openid myscope profile email',
      jti: expect.stringMatching(/^[\w-]{36}$/),
      sid: expect.stringMatching(/^[0-9a-f]{32}$/),
      iat: expect.any(Number),
      exp: Number(claims['iat']) + 3600,
      auth_time: expect.any(Number),
    });
  });

  it('end at our own callback too, and by a device, with a session for each', async () => {
    const login = await openOwnLogin(app);
    const callback = brokerTokens(await login.agent.get(wayBack(login, provider)));
    const device = await startDevice(app);
    provider.approveDevice(device.userCode, 'bob');
    const polled = brokerTokens(await pollDevice(app, device.deviceCode));

    expect(await guarded(app, callback.accessToken)).toBe('200');
    expect(await guarded(app, polled.accessToken)).toBe('200');
    expect(polled.claims).toMatchObject({ preferred_username: 'bob', email_verified: false });
    expect(polled.claims['sid']).not.toBe(callback.claims['sid']);
  });

  it('CL-1: enforce scopes, and roles', async () => {
    const { accessToken } = await brokerLogin(app);

    expect(await guarded(app, accessToken, '/scoped')).toBe('403 insufficient_scope');
    expect(await guarded(app, accessToken, '/admins')).toBe('200');
    expect(await guarded(app, accessToken, '/superusers')).toBe('403 insufficient_scope');
  });

  it('JV-8: the guard takes our own access tokens, and nothing else of anybody', async () => {
    const { accessToken, refreshToken } = await brokerLogin(app);
    const [header = '', payload = '', signature = ''] = accessToken.split('.');

    expect(await guarded(app, provider.accessToken())).toBe('401 invalid_token');
    expect(await guarded(app, provider.idToken())).toBe('401 invalid_token');
    expect(await guarded(app, refreshToken)).toBe('401 invalid_token'); // RF-1
    expect(await guarded(app, `${header}.${payload}.A${signature.slice(1)}`)).toBe(
      '401 invalid_token',
    );
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('CB-5: need the ID token only: an opaque access token is fine, and roles come from elsewhere', async () => {
    provider.behaviour.opaqueAccessTokens = true;

    const { claims } = await brokerLogin(app);

    expect(claims['roles']).toEqual(['staff', 'admins', 'team-a', 'editor']);
  });

  it('CB-5: give nothing out without an ID token, or with a wrong one, and give the tokens back', async () => {
    provider.behaviour.tokenResponse = ({ id_token: _dropped, ...body }) => body;
    expectRefusal(await postToken(app, handleForm(await openLogin(app))), 502, 'server_error');

    delete provider.behaviour.tokenResponse;
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, nonce: 'stale' });
    expectRefusal(await postToken(app, handleForm(await openLogin(app))), 502, 'server_error');
  });

  it('CL-5: end when userinfo is about somebody else, and go on with the same subject without it', async () => {
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken.claims = bare;
    provider.behaviour.userinfo = (claims) => ({ ...claims, sub: 'somebody-else' });
    expectRefusal(await postToken(app, handleForm(await openLogin(app))), 502, 'server_error');
    expect(provider.requestsTo('revocation')).toHaveLength(1);

    provider.behaviour.faults.userinfo = failWith(500);
    const { claims } = await brokerLogin(app);

    expect(claims).toMatchObject({ sub: alice.sub, roles: [] });
    expect(claims).not.toHaveProperty('preferred_username');
  });

  it('CL-4: take user name and e-mail from the top alone, and the verification with its address', async () => {
    const nested = {
      preferred_username: 'admin',
      email: 'admin@example.org',
      email_verified: true,
    };
    const { email_verified: _verified, ...unverified } = alice;
    provider.behaviour.user = { attributes: nested, ...unverified };
    provider.behaviour.userinfo = (claims) => ({ ...claims, email_verified: true });

    const { claims } = await brokerLogin(app);

    expect(claims).toMatchObject({ preferred_username: 'alice', email: 'alice@example.org' });
    expect(claims).not.toHaveProperty('email_verified');
  });

  it('TK-3: of one login redeemed 20 times at once one gets tokens', async () => {
    const form = handleForm(await openLogin(app));

    const replies = await Promise.all(Array.from({ length: 20 }, () => postToken(app, form)));

    const statuses = replies.map(({ status }) => status).toSorted((one, two) => one - two);
    expect(statuses).toEqual([200, ...Array.from({ length: 19 }, () => 400)]);
    expect(provider.requestsTo('token')).toHaveLength(1);
  });
});

describe('logins in broker mode', () => {
  let provider: MisbehavingProvider;
  const apps: TestApp[] = [];

  const start = async (options: Parameters<typeof startBrokerApp>[0] = {}): Promise<TestApp> => {
    const app = await startBrokerApp({ provider, ...options });
    apps.push(app);
    return app;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(() => provider.close());

  it('TK-3: are single-use on all instances, and the loser gives its tokens back', async () => {
    const store = new MemoryBrokerStore();
    const publicUrl = 'http://localhost:3999';
    const options = { publicUrl };
    const [one, other] = [await start({ store, options }), await start({ store, options })];
    // A provider that lets a code be used twice, which none should.
    const login = await openLogin(one);
    const body = await new Promise<Record<string, unknown>>((resolve) => {
      provider.behaviour.tokenResponse = (first) => {
        resolve(first);
        return first;
      };
      void postToken(one, handleForm(login)).then((reply) => brokerTokens(reply));
    });
    provider.behaviour.token = async () => ({
      status: 200,
      body: { ...body, refresh_token: 'another-refresh-token-of-the-provider' },
    });

    expectRefusal(await postToken(other, handleForm(login)), 400, 'invalid_grant');

    expect(provider.requestsTo('revocation').map((sent) => sent.body['token'])).toEqual([
      'another-refresh-token-of-the-provider',
    ]);
  });

  it('take the subject from the claim that the host names, and refuse a login without it', async () => {
    const app = await start({ broker: { subjectClaim: 'preferred_username' } });

    expect((await brokerLogin(app)).claims['sub']).toBe('alice');
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken.claims = ({ preferred_username: _gone, ...claims }) => claims;
    provider.behaviour.userinfo = ({ preferred_username: _gone, ...claims }) => claims;

    // CL-5: never a silent fallback
    expectRefusal(await postToken(app, handleForm(await openLogin(app))), 502, 'server_error');
  });

  it('hold the option claims against the provider, before there is a session', async () => {
    const store = new MemoryBrokerStore();
    const options = { claims: { 'realm_access.roles': ['staff', 'admins'] } };
    const app = await start({ store, options });
    const { accessToken, claims } = await brokerLogin(app);
    expect(await guarded(app, accessToken)).toBe('200'); // no guard repeats it on our tokens

    provider.behaviour.user = { ...alice, realm_access: { roles: ['staff'] } };
    const refused = await postToken(app, handleForm(await openLogin(app)));

    expect({ status: refused.status, error: refused.json()['error'] }).toEqual({
      status: 403,
      error: 'insufficient_scope',
    });
    expect(provider.requestsTo('revocation')).toHaveLength(1);
    expect(await app.service.listSessions(String(claims['sub']))).toHaveLength(1);
  });

  it('ask the host, who may refuse, and give the tokens back then', async () => {
    const notices: unknown[] = [];
    const app = await start({
      options: {
        onLogin: ({ grant, claims }) => {
          notices.push([grant, claims?.['preferred_username']]);
          if (notices.length > 1)
            throw new OAuthError('access_denied', 'Not today', { status: 403 });
        },
      },
    });
    await brokerLogin(app);

    const refused = await postToken(app, handleForm(await openLogin(app)));

    expect(refused.status).toBe(403);
    expect(refused.json()['error']).toBe('access_denied');
    expect(notices).toEqual([
      ['authorization_code', 'alice'],
      ['authorization_code', 'alice'],
    ]);
    expect(provider.requestsTo('revocation')).toHaveLength(1);
    expect(await app.service.listSessions(alice.sub)).toHaveLength(1);
  });

  it('add what the host maps, and no name that the token needs', async () => {
    const app = await start({
      broker: {
        mapClaims: (claims) => ({
          tenant: claims['groups'],
          roles: ['mapped'],
          iss: 'https://evil.example',
          sub: 'root',
          exp: 9_999_999_999,
          scope: 'admin',
          nonce: 'n',
        }),
      },
    });

    const { claims, accessToken } = await brokerLogin(app);

    expect(claims).toMatchObject({
      tenant: ['team-a'],
      roles: ['mapped'],
      sub: alice.sub,
      iss: app.url,
    });
    expect(claims['exp']).toBe(Number(claims['iat']) + 3600);
    expect(claims['scope']).not.toContain('admin');
    expect(await guarded(app, accessToken)).toBe('200');
    expect(app.logs().join('\n')).toContain('"broker.mapClaims" gives "iss"');
  });

  it.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'sign with %s on demand',
    async (signingAlgorithm) => {
      const app = await start({ broker: { signingAlgorithm } });

      const { accessToken } = await brokerLogin(app);

      expect(decodeProtectedHeader(accessToken).alg).toBe(signingAlgorithm);
      expect(await guarded(app, accessToken)).toBe('200');
    },
  );

  it('ST-5: that were only begun leave no row', async () => {
    class CountingStore extends MemoryBrokerStore {
      writes = 0;

      override createSession(...call: Parameters<MemoryBrokerStore['createSession']>) {
        this.writes += 1;
        return super.createSession(...call);
      }
    }
    const store = new CountingStore();
    const app = await start({ store });

    for (let at = 0; at < 100; at += 1) await openLogin(app);

    expect(store.writes).toBe(0);
  });

  it('fault 9: are refused while the store is down, before the code is spent, and the same code works after', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store, options: { timeoutMs: 500 } });
    const { accessToken } = await brokerLogin(app);
    const login = await openLogin(app);
    const device = await startDevice(app);
    provider.approveDevice(device.userCode);
    provider.clearRequests();
    const findSession = store.findSession.bind(store);
    store.findSession = () =>
      Promise.reject(new Error('connection lost, postgres://user:canary@h'));

    expectRefusal(await postToken(app, handleForm(login)), 503, 'temporarily_unavailable');
    const polled = await pollDevice(app, device.deviceCode); // DV-2
    expectRefusal(polled, 400, 'slow_down');
    expect(provider.requestsTo('token')).toEqual([]);
    expect(await guarded(app, accessToken)).toBe('200'); // from memory
    expect(app.logs().join('\n')).not.toContain('canary');

    store.findSession = findSession;
    expect((await postToken(app, handleForm(login))).status).toBe(200);
  });

  it('fault 9: whose session cannot be written after the code was spent give the tokens back', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store });
    store.createSession = () => Promise.reject(new Error('disk full'));

    expectRefusal(
      await postToken(app, handleForm(await openLogin(app))),
      503,
      'temporarily_unavailable',
    );

    expect(provider.requestsTo('revocation')).toHaveLength(1);
  });

  it('TK-6: get a sane end of their refresh token, whatever the provider says of its own', async () => {
    const app = await start();
    const now = Math.floor(Date.now() / 1000);
    const session = now + 14 * 86_400;
    const endFor = async (members: Record<string, unknown>): Promise<number> => {
      provider.behaviour.tokenResponse = ({ refresh_expires_in: _own, ...body }) => ({
        ...body,
        ...members,
      });
      return Number((await brokerLogin(app)).body['refresh_expires']);
    };

    for (const members of [
      {},
      { refresh_expires_in: 0 },
      { refresh_expires_in: 'NaN' },
      { refresh_expires_in: -1 },
    ]) {
      expect(Math.abs((await endFor(members)) - session)).toBeLessThan(60);
    }
    expect(Math.abs((await endFor({ refresh_expires_in: 1800 })) - now - 1800)).toBeLessThan(60);
    expect(Math.abs((await endFor({ refresh_expires_in: 1e12 })) - session)).toBeLessThan(60);
  });

  it('without a refresh token of the provider give none out, and can be ended all the same', async () => {
    const app = await start();
    provider.behaviour.issueRefreshTokens = false;

    const { body, accessToken, claims } = await brokerLogin(app);

    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('refresh_expires');
    expect(await app.service.revokeSession(String(claims['sid']))).toBe(true);
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });

  it('fault 1: start with the provider down; what needs no provider works', async () => {
    const shared = { store: new MemoryBrokerStore(), broker: { issuer: INSTANCES_ISSUER } };
    const { accessToken } = await brokerLogin(await start(shared));
    await provider.stop();
    onTestFinished(() => provider.start());

    const app = await start(shared);

    expect(await guarded(app, accessToken)).toBe('200');
    const login = await request(`${app.url}/auth/v2/login?redirect_uri=http://localhost/callback`);
    expectRefusal(login, 503, 'temporarily_unavailable');
  });
});
