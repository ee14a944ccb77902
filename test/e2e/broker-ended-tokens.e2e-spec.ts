import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import { brokerLogin, guarded, refresh, startBrokerApp } from '../support/broker-app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { compactJws, keySigner, type JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { ownSigningKey } from '../support/own-keys.js';
import { expectRefusal } from '../support/refusal.js';
import { testKey } from '../support/signing-keys.js';
import { exchange, mintedToken } from '../support/token-exchange.js';

const LIFETIME_SEC = 600;
const DAY_SEC = 86_400;

type Way = [way: string, present: (app: TestApp, token: string) => Promise<Reply>];

/** How an access token is presented to end something. */
const ways: readonly Way[] = [
  ['logout', ({ url }, bearer) => request(`${url}/auth/v2/logout`, { bearer })],
  ['revoke', ({ url }, token) => request(`${url}/auth/v2/revoke`, { form: { token } })],
];

describe.each(flowAdapters)('an access token that has ended, on %s', (adapter) => {
  const clock = new FakeClock();
  const store = new MemoryBrokerStore();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    const broker = { accessTokenLifetimeSec: LIFETIME_SEC };
    app = await startBrokerApp({ adapter, provider, clock, store, broker });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  describe.each(ways)('for %s', (_way, present) => {
    it.each([
      ['seconds', LIFETIME_SEC + 6],
      ['minutes', LIFETIME_SEC + 1800],
      ['hours', LIFETIME_SEC + DAY_SEC - 60],
    ])('LO-2: ends its session when it ended %s ago', async (_what, ageSec) => {
      const { accessToken, refreshToken } = await brokerLogin(app);
      clock.advance(ageSec);
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');

      const reply = await present(app, accessToken);

      expect(reply.status).toBeLessThan(400);
      expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
      expect(provider.requestsTo('revocation')).toHaveLength(1);
      expect(await guarded(app, accessToken)).toBe('401 invalid_token');
    });

    it('LO-2: ends nothing when it ended more than a day ago', async () => {
      const { accessToken, refreshToken } = await brokerLogin(app);
      clock.advance(LIFETIME_SEC + DAY_SEC + 6);

      const reply = await present(app, accessToken);

      expect(reply.status).toBeLessThan(400);
      expect((await refresh(app, refreshToken)).status).toBe(200);
    });

    it('LO-2: is good for nothing else, before and after', async () => {
      const { accessToken } = await brokerLogin(app);
      const exchanged = mintedToken(await exchange(app, provider.accessToken()));
      clock.advance(LIFETIME_SEC + 6);

      for (const token of [exchanged, accessToken]) {
        await present(app, token);
        await present(app, token);
        expect(await guarded(app, token)).toBe('401 invalid_token');
        await expect(app.service.userinfo(token)).rejects.toMatchObject({ error: 'invalid_token' });
      }
    });

    it.each<[string, { header?: JsonMembers; claims?: JsonMembers; foreign?: boolean }]>([
      ['is signed with another key of the same name', { foreign: true }],
      ['is of another kind', { header: { typ: 'JWT' } }],
      ['names no key', { header: { kid: undefined } }],
      ['is for another audience', { claims: { aud: 'somebody-else' } }],
      ['has no end', { claims: { exp: undefined } }],
      ['has an end that is text', { claims: { exp: '1' } }],
      ['has an end in far future', { claims: { exp: 1e11 } }],
      ['begins later', { claims: { nbf: 1e10 } }],
      ['was issued later', { claims: { iat: 1e10 } }],
      ['looks like an ID token', { claims: { typ: 'ID' } }],
      ['looks like a logout token', { claims: { events: {} } }],
    ])('LO-3: ends nothing when it %s', async (_what, { header, claims, foreign }) => {
      const { refreshToken, claims: good, accessToken } = await brokerLogin(app);
      const key = await ownSigningKey(app, store);
      const signer = {
        ...keySigner(foreign ? await testKey('ES256', 'foreign') : key),
        kid: key.kid,
      };
      const members = { alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...header };
      clock.advance(LIFETIME_SEC + 6);
      const forged = compactJws(members, { ...good, ...claims }, signer);
      registerIfSecret(forged, 'access token');

      await present(app, forged);
      await present(app, `${accessToken.slice(0, -4)}AAAA`);

      expect((await refresh(app, refreshToken)).status).toBe(200);
    });
  });
});
