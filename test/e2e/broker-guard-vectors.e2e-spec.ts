import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { compactJws, keySigner } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { ownSigningKey, ownVectorSource } from '../support/own-keys.js';
import { expectRefusal } from '../support/refusal.js';
import { accepted, refused, tokenVectors, type TokenVector } from '../support/token-vectors.js';

const rows = ['JV-1', 'JV-2', 'JV-3', 'JV-4', 'JV-5', 'JV-6', 'JV-7', 'JV-8', 'JV-9'] as const;

/** Hundreds of requests in one test: longer than a busy machine takes. */
const PATIENCE_MS = 180_000;

describe.each(flowAdapters)(
  'guarded handlers of broker mode on %s',
  { timeout: PATIENCE_MS },
  (adapter) => {
    const clock = new FakeClock();
    const store = new MemoryBrokerStore();
    let provider: MisbehavingProvider;
    let app: TestApp;
    let all: TokenVector[];

    beforeAll(async () => {
      provider = await startMisbehavingProvider({ clock });
      app = await startBrokerApp({ adapter, provider, clock, store });
      await app.service.jwks();
      const source = await ownVectorSource(app, { store, now: () => clock.now() });
      all = (await tokenVectors(source)).filter(({ fitsHeader }) => fitsHeader);
    });

    beforeEach(() => {
      GuardedRoutes.reached.length = 0;
      provider.clearRequests();
    });

    afterAll(async () => {
      await app.close();
      await provider.close();
    });

    it.each(rows)('%s: answer 401 with one body to tokens in our own name', async (id) => {
      const vectors = refused(all, id);
      const bodies = new Set<string>();

      for (const { token } of vectors) {
        const reply = await request(`${app.url}/required`, { bearer: token });
        expectGuardRefusal(reply, 401, 'invalid_token');
        bodies.add(`${reply.headers.get('www-authenticate')} ${reply.text()}`);
      }

      expect(vectors.length).toBeGreaterThan(3);
      expect(bodies.size).toBe(1);
      expect(provider.requests).toEqual([]);
    });

    it('JV-9: let what looks odd and is right through', async () => {
      const vectors = accepted(all);

      for (const { name, token } of vectors) {
        const { status } = await request(`${app.url}/required`, { bearer: token });
        expect([name, status]).toEqual([name, 200]);
      }

      expect(vectors.length).toBeGreaterThan(3);
    });

    it('CL-6: see an anonymous caller for every token that does not hold', async () => {
      for (const { name, token } of refused(all)) {
        const reply = await request(`${app.url}/optional`, { bearer: token });

        const seen = { name, status: reply.status, ...reply.json() };
        expect(seen).toEqual({ name, status: 200, type: 'undefined', sub: null, email: null });
        expect(reply.headers.has('www-authenticate')).toBe(false);
      }
    });

    it('JV-8: refuse what the identity provider signs, of every kind, without asking it', async () => {
      const tokens = [
        provider.accessToken(),
        provider.accessToken({ iss: app.url }),
        provider.accessToken({ aud: 'myapp-api', iss: app.url }, { typ: 'at+jwt' }),
        provider.accessToken({ aud: 'myapp-api' }, { typ: 'at+jwt' }),
        provider.idToken(),
        provider.idToken({}, { typ: 'logout+jwt' }),
      ];

      for (const bearer of tokens) {
        expectGuardRefusal(await request(`${app.url}/required`, { bearer }), 401, 'invalid_token');
      }
      expect(provider.requests).toEqual([]);
    });

    it('RF-1: refuse our own refresh tokens, login handles and the names of sessions', async () => {
      const { refreshToken, claims } = await brokerLogin(app);
      const begun = await request(
        `${app.url}/auth/v2/login?redirect_uri=http://localhost:53100/callback`,
      );
      const state = begun.location?.searchParams.get('state') ?? '';
      const handle = state.slice(state.lastIndexOf('|') + 1);
      expect(handle.split('.')).toHaveLength(5);

      for (const bearer of [refreshToken, handle, String(claims['sid']), String(claims['jti'])]) {
        expectGuardRefusal(await request(`${app.url}/required`, { bearer }), 401, 'invalid_token');
      }
    });

    it('RF-1: an access token of anybody is no refresh token, and costs no look-up', async () => {
      const { accessToken, refreshToken, claims } = await brokerLogin(app);
      provider.clearRequests();
      const secret = refreshToken.slice(refreshToken.indexOf('.') + 1);

      for (const refresh_token of [
        accessToken,
        provider.accessToken(),
        provider.idToken(),
        refreshToken.slice(0, -1),
        `${'0'.repeat(32)}.${secret}`,
        `${String(claims['sid'])}.${'A'.repeat(secret.length)}`,
        String(claims['sid']),
      ]) {
        expectRefusal(await postToken(app, { refresh_token }), 400, 'invalid_grant');
      }

      expect(provider.requests).toEqual([]);
      expect((await postToken(app, { refresh_token: refreshToken })).status).toBe(200);
    });

    it('JV-8: want the type of access tokens, whatever else our own key signs', async () => {
      const key = await ownSigningKey(app, store);
      const nowSec = Math.floor(clock.now().getTime() / 1000);
      const claims = { iss: app.url, aud: 'myapp-api', sub: 's', iat: nowSec, exp: nowSec + 60 };
      const signed = (typ: string | undefined): string =>
        compactJws({ alg: key.alg, kid: key.kid, typ }, claims, keySigner(key));

      for (const typ of [undefined, 'JWT', 'logout+jwt', 'secevent+jwt', 'id+jwt', 'at']) {
        const reply = await request(`${app.url}/required`, { bearer: signed(typ) });
        expectGuardRefusal(reply, 401, 'invalid_token');
      }
      for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT']) {
        const { status } = await request(`${app.url}/required`, { bearer: signed(typ) });
        expect([typ, status]).toEqual([typ, 200]);
      }
    });

    it('JV-10: remember a token for as long as it holds, and never another text of it', async () => {
      const passing = new FakeClock(); // the others' vectors are of one moment
      const ownProvider = await startMisbehavingProvider({ clock: passing });
      const ownApp = await startBrokerApp({ adapter, provider: ownProvider, clock: passing });
      onTestFinished(async () => {
        await ownApp.close();
        await ownProvider.close();
      });
      const { accessToken } = await brokerLogin(ownApp);
      const ask = async (bearer: string): Promise<number> =>
        (await request(`${ownApp.url}/required`, { bearer })).status;
      const [header = '', payload = '', signature = ''] = accessToken.split('.');
      expect(await ask(accessToken)).toBe(200);

      expect(await ask(`${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`)).toBe(401);
      expect(await ask(`${header}.${payload}.`)).toBe(401);
      passing.advance(3604);
      expect(await ask(accessToken)).toBe(200); // within the tolerance
      passing.advance(2);
      expect(await ask(accessToken)).toBe(401);
    });

    it('DS-1: refuse over-long tokens without reading them', async () => {
      const { accessToken } = await brokerLogin(app);
      const padded = `${accessToken}${'A'.repeat(12 * 1024 + 1 - accessToken.length)}`;

      const reply = await request(`${app.url}/required`, { bearer: padded });

      expectGuardRefusal(reply, 401, 'invalid_token');
    });
  },
);
