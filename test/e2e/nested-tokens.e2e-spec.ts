import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp, type BrokerTokens } from '../support/broker-app.js';
import { answerWith } from '../support/faults.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { LOGOUT_EVENT, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { nestedJson, nestedToken } from '../support/nested-json.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { ownSigningKey } from '../support/own-keys.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange } from '../support/token-exchange.js';
import { alice } from '../support/users.js';

/** The harness fails a test in which any answer was 500. */
describe.each(adapters)('what nests 4,200 deep, on %s', (adapter) => {
  const store = new MemoryBrokerStore();
  let provider: MisbehavingProvider;
  let broker: TestApp;
  let passthrough: TestApp;
  let session: BrokerTokens;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ algorithms: ['ES256'] });
    broker = await startBrokerApp({
      adapter,
      provider,
      store,
      broker: { introspectionScope: 'myscope' },
    });
    passthrough = await startApp({ adapter, provider, controllers: [GuardedRoutes] });
    session = await brokerLogin(broker);
  });

  beforeEach(() => {
    provider.resetBehaviour();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await broker.close();
    await passthrough.close();
    await provider.close();
  });

  const ofProvider = (): string =>
    nestedToken(provider.signingKey, decodeJwt(provider.accessToken()));
  const ofOurs = async (): Promise<string> =>
    nestedToken(await ownSigningKey(broker, store), decodeJwt(session.accessToken), 'at+jwt');

  const introspect = (token: string, bearer: string): Promise<Reply> =>
    request(`${broker.url}/auth/v2/introspect`, { form: { token }, bearer });

  it('DS-1: is refused by the guard, of the provider and of our own', async () => {
    for (const [app, bearer] of [
      [passthrough, ofProvider()],
      [broker, await ofOurs()],
    ] as const) {
      expectGuardRefusal(await request(`${app.url}/required`, { bearer }), 401, 'invalid_token');
      expect((await request(`${app.url}/optional`, { bearer })).json()['type']).toBe('undefined');
      GuardedRoutes.reached.length = 0;
      expectRefusal(await request(`${app.url}/auth/v2/userinfo`, { bearer }), 401, 'invalid_token');
    }
  });

  it('DS-1: is not active for introspection, and introspects nothing', async () => {
    const deep = await ofOurs();

    expect((await introspect(deep, session.accessToken)).json()).toEqual({ active: false });
    expectRefusal(await introspect(session.accessToken, deep), 401, 'invalid_token');
  });

  it('DS-1: is exchanged, refreshed, revoked and logged out by nobody', async () => {
    const [deep, own] = [ofProvider(), await ofOurs()];

    expectRefusal(await exchange(broker, deep), 400, 'invalid_request');
    expectRefusal(await postToken(broker, { refresh_token: own }), 400, 'invalid_grant');
    const form = { token: own };
    expect((await request(`${broker.url}/auth/v2/revoke`, { form })).status).toBe(200);
    expect((await request(`${broker.url}/auth/v2/logout`, { bearer: own })).status).toBe(302);
  });

  it('DS-1: logs nobody out as a logout token', async () => {
    const { iss, aud, iat, exp } = decodeJwt(provider.idToken());
    const claims = { iss, aud, iat, exp, jti: 'j', sub: alice.sub, events: { [LOGOUT_EVENT]: {} } };
    const token = nestedToken(provider.signingKey, claims, 'logout+jwt');

    expectRefusal(await sendLogoutToken(broker, token), 400, 'invalid_request');
  });

  it.each(['id_token', 'access_token'] as const)(
    'DS-1: never breaks a login as its %s',
    async (member) => {
      provider.behaviour.tokenResponse = (body) => ({
        ...body,
        [member]: nestedToken(provider.signingKey, decodeJwt(String(body[member]))),
      });

      for (const app of [broker, passthrough]) {
        const reply = await postToken(app, handleForm(await openLogin(app)));
        if (member === 'id_token') expectRefusal(reply, 502, 'server_error');
        else expect(reply.status).toBe(200); // it is no source of claims, and the guard refuses it
      }
    },
  );

  it('DS-1: never breaks a login as userinfo, which counts for nothing then', async () => {
    const { preferred_username: _, ...claims } = decodeJwt(provider.accessToken());
    provider.behaviour.accessToken.claims = () => claims; // so that userinfo is asked
    provider.behaviour.idToken.claims = ({ preferred_username: __, ...others }) => others;
    provider.behaviour.faults.userinfo = answerWith({
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: nestedJson({ sub: alice.sub, preferred_username: 'deep' }),
    });

    const { claims: minted, accessToken } = await brokerLogin(broker);

    expect(provider.requestsTo('userinfo').length).toBeGreaterThan(0);
    expect(minted).not.toHaveProperty('preferred_username');
    expect((await request(`${broker.url}/required`, { bearer: accessToken })).status).toBe(200);
    const bearer = provider.accessToken({ preferred_username: undefined });
    const reply = await request(`${passthrough.url}/auth/v2/userinfo`, { bearer });
    expectRefusal(reply, 502, 'server_error');
  });

  it('DS-1: never breaks a login as a member of the token answer', async () => {
    provider.behaviour.tokenResponse = (body) => nestedJson(body);

    for (const app of [broker, passthrough]) {
      const reply = await postToken(app, handleForm(await openLogin(app)));
      expect([200, 502]).toContain(reply.status);
    }
  });
});
