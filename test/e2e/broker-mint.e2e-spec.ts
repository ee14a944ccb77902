import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { hashedId } from '../../lib/events/oidc-events.js';
import { OidcEvents } from '../../lib/index.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  brokerTokens,
  guarded,
  pull,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { countingStore } from '../support/counting-store.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin } from '../support/open-login.js';
import { startProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';
import { alice } from '../support/users.js';

describe.each(flowAdapters)('minted tokens on %s', (adapter) => {
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
  it('CL-4: name a user by the subject of the provider, whatever the user is called', async () => {
    const app = await start();
    const before = await brokerLogin(app);
    provider.behaviour.user = { ...alice, preferred_username: 'renamed', email: 'new@example.org' };

    const after = await brokerLogin(app);

    expect(before.claims).toMatchObject({ sub: alice.sub, preferred_username: 'alice' });
    expect(after.claims).toMatchObject({ sub: alice.sub, preferred_username: 'renamed' });
  });

  it('ST-5: are what the first row of a login comes with: a login that was only begun writes nothing', async () => {
    const { store, calls } = countingStore();
    const app = await start({ store, broker: { revocationPollSec: 10 } });
    await pull(app);
    calls.length = 0;

    for (let turn = 0; turn < 20; turn += 1) await openLogin(app);
    expect(calls).toEqual([]);

    await brokerLogin(app);
    expect(calls.filter((name) => name === 'createSession')).toHaveLength(1);
  });

  it('CL-4: name a user by "broker.subjectClaim" where a fleet wants that', async () => {
    const app = await start({ broker: { subjectClaim: 'preferred_username' } });

    const { claims, accessToken } = await brokerLogin(app);

    expect(claims).toMatchObject({ sub: 'alice', preferred_username: 'alice' });
    expect(await guarded(app, accessToken)).toBe('200');
  });

  it('CL-5: have the same subject whether userinfo is up or down', async () => {
    const app = await start();
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken = { claims: ({ email: _email, ...claims }) => claims };
    const up = await brokerLogin(app);
    provider.behaviour.faults.userinfo = failWith(503);

    const down = await brokerLogin(app);

    expect(up.claims).toMatchObject({ sub: alice.sub, email: alice.email });
    expect(down.claims).toMatchObject({ sub: alice.sub, roles: up.claims['roles'] });
    expect(down.claims).not.toHaveProperty('email');
  });

  it('CB-5: are good beside an opaque access token of the provider', async () => {
    const app = await start();
    provider.behaviour.opaqueAccessTokens = true;

    const { claims, accessToken } = await brokerLogin(app);

    expect(claims).toMatchObject({
      sub: alice.sub,
      roles: ['staff', 'admins', 'team-a', 'editor'],
    });
    expect(await guarded(app, accessToken, '/admins')).toBe('200');
  });

  it('CL-2: hold roles of this client alone, else those of "broker.roleClients"', async () => {
    const usual = await start();
    const other = await start({ broker: { roleClients: ['my-client', 'other-client'] } });

    const [ofUsual, ofOther] = [await brokerLogin(usual), await brokerLogin(other)];

    expect(await guarded(usual, ofUsual.accessToken, '/superusers')).toBe('403 insufficient_scope');
    expect(await guarded(other, ofOther.accessToken, '/superusers')).toBe('200');
  });

  it('CL-1: are held against scopes, word by word', async () => {
    const app = await start();
    const { accessToken } = await brokerLogin(app);

    const reply = await request(`${app.url}/scoped`, { bearer: accessToken });

    expect(reply.status).toBe(403);
    expect(reply.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_scope", .*, scope="myscope admin"$/,
    );
    const verify = (scopes: string) => app.service.verify(accessToken, { scopes });
    expect((await verify('myscope email')).sub).toBe(alice.sub);
    for (const scope of ['myscop', 'MYSCOPE', 'myscope2']) {
      await expect(verify(scope)).rejects.toMatchObject({ error: 'insufficient_scope' });
    }
  });

  it('CL-2: get claims of the host by "broker.mapClaims", which guards can demand', async () => {
    const app = await start({
      broker: {
        mapClaims: ({ groups }) => ({
          account: { tier: 'gold' },
          teams: groups,
          iss: 'https://evil.example',
          sub: 'root',
          aud: 'other',
          exp: 9_999_999_999,
          scope: 'admin',
          sid: 'x',
        }),
      },
    });

    const { claims, accessToken } = await brokerLogin(app);

    expect(claims).toMatchObject({
      account: { tier: 'gold' },
      teams: ['team-a'],
      iss: app.url,
      sub: alice.sub,
      aud: 'myapp-api',
      scope: 'openid myscope profile email',
    });
    expect(Number(claims['exp'])).toBe(Number(claims['iat']) + 3600);
    expect(await guarded(app, accessToken, '/gold')).toBe('200');
    expect(app.logs().join('\n')).toContain('"broker.mapClaims" gives "iss"');
  });

  it('RF-6: end no later than their session', async () => {
    const app = await start({ broker: { sessionLifetimeSec: 600, sessionIdleSec: 300 } });

    const { body, claims } = await brokerLogin(app);

    expect(body['expires_in']).toBeGreaterThanOrEqual(299);
    expect(body['expires_in']).toBeLessThanOrEqual(300);
    expect(claims['exp']).toBe(body['expires']);
    expect(Number(body['refresh_expires'])).toBe(Number(body['expires']));
  });

  it('HS-3: name "publicUrl" as their issuer, whatever the headers of the request say', async () => {
    const app = await start();
    const form = handleForm(await openLogin(app));
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example',
      origin: 'https://evil.example',
    };

    const { claims } = brokerTokens(await request(`${app.url}/auth/v2/token`, { form, headers }));

    expect(claims['iss']).toBe(app.url);
  });

  it('LG-3: are announced as a login with hashed ids', async () => {
    const app = await start();
    const seen: unknown[] = [];
    app.app.get(OidcEvents, { strict: false }).on('login', (event) => seen.push(event));

    const { claims } = await brokerLogin(app);

    expect(seen).toEqual([
      {
        provider: 'default',
        grant: 'authorization_code',
        subject: hashedId(alice.sub),
        session: hashedId(String(claims['sid'])),
      },
    ]);
  });

  it('come of a login at a real provider', async () => {
    const real = await startProvider();
    onTestFinished(() => real.close());
    const app = await start({ provider: real });
    const agent = new UserAgent();
    const callback = encodeURIComponent(`${app.url}/auth/v2/callback`);

    const back = await agent.loginAt(
      real,
      `${app.url}/auth/v2/login?redirect_uri=${callback}`,
      'alice',
    );

    const { claims, accessToken } = brokerTokens(await agent.get(back));
    expect(decodeJwt(accessToken).iss).toBe(app.url);
    expect(claims).toMatchObject({ sub: alice.sub, preferred_username: 'alice' });
    expect(await guarded(app, accessToken)).toBe('200');
  });
});
