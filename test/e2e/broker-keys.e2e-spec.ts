import { inspect } from 'node:util';

import { decodeProtectedHeader } from 'jose';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import { brokerParts } from '../support/broker-parts.js';
import {
  brokerLogin,
  guarded,
  pull,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { INSTANCES_ISSUER, startInstances } from '../support/broker-instances.js';
import { countingStore } from '../support/counting-store.js';
import { compactJws, keySigner } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { ownSigningKey } from '../support/own-keys.js';
import { SteppedClock } from '../support/stepped-clock.js';

const JWKS = '/auth/v2/.well-known/jwks.json';
const DAY = 24 * 3600;

const jwks = (app: TestApp, method = 'GET'): Promise<Reply> => request(app.url + JWKS, { method });

const keysOf = (reply: Reply): Record<string, unknown>[] => {
  expect(reply.status, reply.text()).toBe(200);
  const { keys } = reply.json();
  if (!Array.isArray(keys)) throw new Error('No keys');
  return keys.map((key: unknown) => Object.fromEntries(Object.entries(Object(key))));
};

describe.each(flowAdapters)('the keys of an application on %s', (adapter) => {
  let clock: FakeClock;
  let provider: MisbehavingProvider;

  beforeEach(async () => {
    GuardedRoutes.reached.length = 0;
    clock = new FakeClock();
    provider = await startMisbehavingProvider({ clock });
    onTestFinished(() => provider.close());
  });

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const app = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => app.close());
    return app;
  };

  it('KM-2: rotate twice: the next one is published ahead, the old one as long as its tokens live', async () => {
    const { one, other } = await startInstances({ adapter, provider, clock });
    let [old] = keysOf(await jwks(one));

    for (let turn = 0; turn < 2; turn += 1) {
      const before = await brokerLogin(one);
      clock.advance(90 * DAY - (turn === 0 ? 5400 : 10_800));
      await pull(one);
      await pull(other);
      const [first, next] = keysOf(await jwks(other));
      expect(first?.['kid']).toBe(old?.['kid']);
      const ahead = await brokerLogin(other);
      expect(decodeProtectedHeader(ahead.accessToken).kid).toBe(old?.['kid']);
      expect(await guarded(one, before.accessToken)).toBe('401 invalid_token'); // expired

      clock.advance(3600); // an hour later the old one signs still
      const last = await brokerLogin(other);
      expect(decodeProtectedHeader(last.accessToken).kid).toBe(old?.['kid']);
      clock.advance(1801);
      const fresh = await brokerLogin(one);
      expect(decodeProtectedHeader(fresh.accessToken).kid).toBe(next?.['kid']);
      for (const { accessToken } of [last, fresh]) {
        expect(await guarded(one, accessToken)).toBe('200');
        expect(await guarded(other, accessToken)).toBe('200');
      }

      clock.advance(1799); // the last second of the last token
      await pull(one);
      expect(keysOf(await jwks(one))).toHaveLength(2);
      expect(await guarded(one, last.accessToken)).toBe('200');
      clock.advance(3600);
      await pull(one);
      await pull(other);
      expect(keysOf(await jwks(one)).map(({ kid }) => kid)).toEqual([next?.['kid']]);
      old = next;
    }
  });

  it('KM-2: that are retired in an emergency end their tokens here at once, elsewhere with the next pull', async () => {
    const { one, other } = await startInstances({ adapter, provider, clock });
    const { accessToken } = await brokerLogin(one);
    expect([await guarded(one, accessToken), await guarded(other, accessToken)]).toEqual([
      '200',
      '200',
    ]);

    expect(await one.service.retireSigningKey()).toBe(true);

    expect(await guarded(one, accessToken)).toBe('401 invalid_token');
    const { kid } = decodeProtectedHeader(accessToken);
    expect(keysOf(await jwks(one)).map((key) => key['kid'])).not.toContain(kid);
    await pull(other);
    GuardedRoutes.reached.length = 0;
    const reply = await request(`${other.url}/required`, { bearer: accessToken });
    expectGuardRefusal(reply, 401, 'invalid_token');
    const fresh = await brokerLogin(other);
    expect(await guarded(one, fresh.accessToken)).toBe('200');
    expect(fresh.claims['iss']).toBe(INSTANCES_ISSUER);
  });

  it('KM-2: that are retired in an emergency are so everywhere within ten seconds, by itself', async () => {
    const stepped = new SteppedClock(clock.now());
    const { one, other } = await startInstances({ adapter, provider, clock: stepped });
    const { accessToken } = await brokerLogin(one);
    expect(await guarded(other, accessToken)).toBe('200');

    await one.service.retireSigningKey();
    const fresh = await brokerLogin(one);
    await stepped.asleep([8500, 10_000], 8); // four matters of each instance
    stepped.advance(10);

    await expect.poll(() => guarded(other, accessToken), { interval: 5 }).toBe('401 invalid_token');
    await expect.poll(() => guarded(other, fresh.accessToken), { interval: 5 }).toBe('200');
  });

  it('LO-2: the guard asks no store, whatever token it sees', async () => {
    const { store, calls } = countingStore();
    const app = await start({
      store,
      broker: { signingAlgorithm: 'ES256', revocationPollSec: 10, purgeIntervalSec: 0 },
    });
    const tokens = [await brokerLogin(app), await brokerLogin(app)];
    await app.service.revoke(String(tokens[1]?.accessToken));
    await pull(app);
    calls.length = 0;

    for (const { accessToken } of tokens) {
      for (const path of ['/required', '/optional', '/admins', '/scoped']) {
        await request(`${app.url}${path}`, { bearer: accessToken });
        await request(`${app.url}${path}`, { bearer: `${accessToken}A` });
      }
    }
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
    await request(`${app.url}/required`);
    await jwks(app);

    expect(calls).toEqual([]);
  });

  it('KM-2: that are new after an emergency are known at once, or make 503 while they cannot be read', async () => {
    const counting = countingStore();
    const { one, other } = await startInstances({
      adapter,
      provider,
      clock,
      store: counting.store,
    });
    await brokerLogin(other);
    await one.service.retireSigningKey();
    const { accessToken } = await brokerLogin(one);
    counting.faults.set('listSigningKeys', 'reject');
    GuardedRoutes.reached.length = 0;

    const reply = await request(`${other.url}/required`, { bearer: accessToken });

    expectGuardRefusal(reply, 503, 'temporarily_unavailable');
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
    counting.faults.clear();
    expect(await guarded(other, accessToken)).toBe('200');
  });

  it('JV-7: verify no token that lives longer than the key allows, whoever signed it', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store, broker: { accessTokenLifetimeSec: 7200 } });
    await brokerLogin(app);
    const key = await ownSigningKey(app, store);
    const iat = Math.floor(clock.now().getTime() / 1000) - 100;
    const living = (seconds: number): string =>
      compactJws(
        { alg: key.alg, kid: key.kid, typ: 'at+jwt' },
        { iss: app.url, aud: 'myapp-api', sub: 's', iat, exp: iat + seconds },
        keySigner(key),
      );

    expect(await guarded(app, living(7200))).toBe('200');
    expect(await guarded(app, living(7201))).toBe('401 invalid_token');
  });

  it('KM-5: that cannot be decrypted make 503 of the guard, the JWKS and the token route, and stay', async () => {
    const { one, store } = await startInstances({ adapter, provider, clock });
    const { accessToken, refreshToken } = await brokerLogin(one);
    const rows = await store.listSigningKeys();
    const other = await start({
      store,
      broker: { issuer: INSTANCES_ISSUER },
      options: { encryptionKeys: ['another-encryption-key-of-32-characters'] },
    });

    const refusals = [
      await request(`${other.url}/required`, { bearer: accessToken }),
      await jwks(other),
      await request(`${other.url}/auth/v2/token`, {
        form: { subject_token: provider.accessToken() },
      }),
    ];

    expect(refusals.map(({ status }) => status)).toEqual([503, 503, 503]);
    expect(other.logs().join('\n')).toContain('"encryptionKeys"');
    expect(await store.listSigningKeys()).toEqual(rows);
    expect(await guarded(one, accessToken)).toBe('200');
    expect(
      (await request(`${one.url}/auth/v2/token`, { form: { refresh_token: refreshToken } })).status,
    ).toBe(200);
  });

  it('fault 20: go on when their encryption key is put second', async () => {
    const { one, store } = await startInstances({ adapter, provider, clock });
    const { accessToken } = await brokerLogin(one);
    const next = 'another-encryption-key-of-32-characters';

    const other = await start({
      store,
      broker: { issuer: INSTANCES_ISSUER },
      options: { encryptionKeys: [next, 'encryption-key-of-the-broker-tests-32+'] },
    });

    expect(await guarded(other, accessToken)).toBe('200');
    expect(await guarded(one, (await brokerLogin(other)).accessToken)).toBe('200');
    expect(await store.listSigningKeys()).toHaveLength(1);
    expect(other.logs().join('\n')).not.toContain('undecryptable');
  });

  it('LG-1: show no private part where the service or its parts are printed', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store });
    await app.service.jwks();
    const { d = '' } = (await ownSigningKey(app, store)).privateJwk;

    const keys = brokerParts(app.app).ofSessions.keys;
    const prints = [
      inspect(keys, { depth: 10, showHidden: true, getters: true }),
      inspect(app.service, { depth: 10, showHidden: true }),
      JSON.stringify(await store.listSigningKeys()),
    ];

    expect(d.length).toBeGreaterThan(40);
    for (const print of prints) expect(print).not.toContain(d);
  });
});
