import { decodeProtectedHeader } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { brokerTokens, guarded, startBrokerApp, type BrokerTokens } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import { handleForm, LOOPBACK_REDIRECT, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { keycloak, keycloakToStart } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakServer } from './support/keycloak-server.js';
import { KeycloakUser } from './support/keycloak-user.js';
import { RealTime } from './support/real-time.js';

const running = keycloak();
const startable = keycloakToStart();

/** Longer than key sets are fresh, and than any wait after a failure. */
const SIX_MINUTES = 360;

const apps: TestApp[] = [];

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(
  realm: KeycloakRealm,
  mode: 'passthrough' | 'broker',
  { adapter, clock }: { adapter: AdapterName; clock: RealTime },
): Promise<TestApp> {
  const app = await (mode === 'broker' ? startBrokerApp : startApp)({
    adapter,
    clock,
    provider: realm,
    controllers: [GuardedRoutes],
  });
  apps.push(app);
  return app;
}

async function logIn(realm: KeycloakRealm, app: TestApp): Promise<BrokerTokens> {
  return brokerTokens(await postToken(app, handleForm(await new KeycloakUser(realm).logIn(app))));
}

function refresh(app: TestApp, { refreshToken }: BrokerTokens): Promise<Reply> {
  return postToken(app, { 'refresh-token': refreshToken });
}

function keyOf({ accessToken }: BrokerTokens): string | undefined {
  return decodeProtectedHeader(accessToken).kid;
}

const { at, skipped } = running;
describe.skipIf(skipped)(`Key rotation at Keycloak${skipped ? ` (${skipped})` : ''}`, () => {
  let realm: KeycloakRealm;

  beforeAll(() => {
    realm = new KeycloakRealm(at, 'keys');
  });

  it.each(adapters)(
    'JW-1, JW-3: a new key is found on %s with its first token, and an old one counts until it is removed',
    async (adapter) => {
      await realm.create();
      const clock = new RealTime();
      const app = await start(realm, 'passthrough', { adapter, clock });
      const broker = await start(realm, 'broker', { adapter, clock });
      const [before, session] = [await logIn(realm, app), await logIn(realm, broker)];

      await realm.addSigningKey('second');
      const after = await logIn(realm, app);

      expect(keyOf(after)).not.toBe(keyOf(before));
      expect(await guarded(app, after.accessToken)).toBe('200');
      expect(await guarded(app, before.accessToken)).toBe('200');
      const renewed = brokerTokens(await refresh(broker, session));

      await realm.removeOtherSigningKeys('second');
      clock.pass(SIX_MINUTES);

      await expect
        .poll(() => guarded(app, before.accessToken), { timeout: 5000 })
        .toBe('401 invalid_token');
      expect(await guarded(app, after.accessToken)).toBe('200');
      brokerTokens(await refresh(broker, renewed));
      expect(await guarded(broker, session.accessToken)).toBe('200');
    },
  );
});

const missing = startable.skipped;
describe.skipIf(missing)(`A restart of Keycloak${missing ? ` (${missing})` : ''}`, () => {
  let server: KeycloakServer;

  beforeAll(async () => {
    server = await KeycloakServer.start(startable.at);
  });

  afterAll(async () => {
    await server.stop();
  });

  it('RF-5, JW-2: loses its sessions and keys, and applications heal without a restart of theirs', async () => {
    const realm = await new KeycloakRealm(server.url, 'restart').create();
    const clock = new RealTime();
    const [one, other] = adapters;
    const passthrough = await start(realm, 'passthrough', { adapter: one, clock });
    const broker = await start(realm, 'broker', { adapter: other, clock });
    const [token, session] = [await logIn(realm, passthrough), await logIn(realm, broker)];

    await server.stop();

    expect(await guarded(passthrough, token.accessToken)).toBe('200');
    expect(await guarded(broker, session.accessToken)).toBe('200');
    expectRefusal(await refresh(passthrough, token), 503, 'temporarily_unavailable');
    expectRefusal(await refresh(broker, session), 503, 'temporarily_unavailable');
    expect(await guarded(broker, session.accessToken)).toBe('200');
    const login = `${broker.url}/auth/v2/login?redirect_uri=${LOOPBACK_REDIRECT}`;
    expect((await request(login)).status).toBe(302);

    await server.startAgain();
    await realm.create();
    clock.pass(SIX_MINUTES);

    expect(await guarded(broker, session.accessToken)).toBe('200');
    const [again, anew] = [await logIn(realm, passthrough), await logIn(realm, broker)];
    expect(keyOf(again)).not.toBe(keyOf(token));
    expect(await guarded(passthrough, again.accessToken)).toBe('200');
    expect(await guarded(broker, anew.accessToken)).toBe('200');
    expect(await guarded(passthrough, token.accessToken)).toBe('401 invalid_token');
    expectRefusal(await refresh(passthrough, token), 400, 'invalid_grant');

    expect(await guarded(broker, session.accessToken)).toBe('200');
    expectRefusal(await refresh(broker, session), 400, 'invalid_grant');
    expect(await guarded(broker, session.accessToken)).toBe('401 invalid_token');
    brokerTokens(await refresh(broker, anew));
  }, 180_000);
});
