import { EventEmitter, once } from 'node:events';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { OidcEvents, type OidcEventName } from '../../lib/index.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { flowAdapters, type TestApp } from '../support/app.js';
import {
  BROKER_ENCRYPTION_KEY,
  brokerLogin,
  brokerTokens,
  guarded,
  pull,
  refresh,
  startBrokerApp,
} from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  type Fault,
  answerWith,
  closeSocket,
  failWith,
  hang,
  html,
  redirectTo,
  truncatedJson,
} from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { alice } from '../support/users.js';

let provider: MisbehavingProvider;
const apps: TestApp[] = [];

const refreshes = (): readonly Record<string, string>[] =>
  provider
    .requestsTo('token')
    .map(({ body }) => body)
    .filter((body) => body['grant_type'] === 'refresh_token');

beforeAll(async () => {
  provider = await startMisbehavingProvider();
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  provider.resetBehaviour();
  provider.clearRequests();
  GuardedRoutes.reached.length = 0;
});

afterAll(() => provider.close());

async function start(options: Parameters<typeof startBrokerApp>[0] = {}): Promise<TestApp> {
  const { clock } = options;
  if (clock !== undefined) provider.behaviour.now = () => clock.now();
  const app = await startBrokerApp({ provider, ...options });
  apps.push(app);
  return app;
}

function recorded(app: TestApp, name: OidcEventName): unknown[] {
  const events: unknown[] = [];
  app.app.get(OidcEvents, { strict: false }).on(name, (event) => events.push(event));
  return events;
}

describe.each(flowAdapters)('a refresh in broker mode on %s', (adapter) => {
  it('RF-2: gives a new refresh token each time, and an access token that works', async () => {
    const app = await start({ adapter });
    const login = await brokerLogin(app);

    const first = brokerTokens(await refresh(app, login.refreshToken));
    const second = brokerTokens(
      await request(`${app.url}/auth/v2/token`, { form: { 'refresh-token': first.refreshToken } }),
    );

    expect(new Set([login, first, second].map((one) => one.refreshToken)).size).toBe(3);
    expect(second.claims['sid']).toBe(login.claims['sid']);
    expect(await guarded(app, second.accessToken)).toBe('200');
    expect(second.body['refresh_expires']).toEqual(expect.any(Number));
  });

  it('RF-1: takes no access token, foreign token or guess, and asks nobody about them', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ adapter, store });
    const [one, other] = [await brokerLogin(app), await brokerLogin(app)];
    const [session = '', secret = ''] = one.refreshToken.split('.');
    const [otherSession = ''] = other.refreshToken.split('.');
    provider.clearRequests();
    let lookUps = 0;
    const findSession = store.findSession.bind(store);
    store.findSession = (...call) => {
      lookUps += 1;
      return findSession(...call);
    };

    for (const token of [
      one.accessToken,
      provider.accessToken(),
      'an-opaque-refresh-token-of-the-provider',
      `${session}.`,
      `${session}.${secret.slice(0, -4)}`,
      `${session}.${'A'.repeat(91)}`,
      `${otherSession}.${secret}`,
      `${session.toUpperCase()}.${secret}`,
      `${secret}.${session}`,
      `${session}.${secret.slice(0, -1)}${secret.endsWith('B') ? 'A' : 'B'}`,
    ]) {
      expectRefusal(await refresh(app, token), 400, 'invalid_grant');
    }

    expect(lookUps).toBe(0); // DS-4
    expect(provider.requests).toEqual([]);
    expect((await refresh(app, one.refreshToken)).status).toBe(200); // no guess counted as reuse
  });

  it('RF-3: 20 at once get the same successor, by one call, and all can go on', async () => {
    const app = await start({ adapter });
    const { refreshToken } = await brokerLogin(app);

    const replies = await Promise.all(Array.from({ length: 20 }, () => refresh(app, refreshToken)));

    const tokens = replies.map(brokerTokens);
    expect(new Set(tokens.map((one) => one.refreshToken)).size).toBe(1);
    expect(refreshes()).toHaveLength(1);
    for (const { accessToken } of tokens) expect(await guarded(app, accessToken)).toBe('200');
    const successor = tokens[0]?.refreshToken ?? '';
    expect((await refresh(app, successor)).status).toBe(200);
  });

  it('RF-7: gives no scope that the session lacks, before anything is asked, and fewer on demand', async () => {
    const app = await start({ adapter });
    const { refreshToken } = await brokerLogin(app);

    const wider = await postToken(app, { refresh_token: refreshToken, scope: 'openid admin' });
    expectRefusal(wider, 400, 'invalid_scope');
    expect(refreshes()).toEqual([]);
    const fewer = brokerTokens(
      await postToken(app, { refresh_token: refreshToken, scope: 'openid email' }),
    );

    expect(fewer.claims['scope']).toBe('openid email');
    expect(fewer.body['scope']).toBe('openid email');
    const next = brokerTokens(await refresh(app, fewer.refreshToken));
    expect(next.claims['scope']).toBe('openid myscope profile email');
  });

  it('RF-7: loses the scopes that the provider takes away, and asks for them are answered without', async () => {
    const app = await start({ adapter });
    const { refreshToken } = await brokerLogin(app);
    provider.behaviour.tokenResponse = (body) => ({ ...body, scope: 'openid profile' });

    const asked = { refresh_token: refreshToken, scope: 'openid email' };
    const after = brokerTokens(await postToken(app, asked));
    delete provider.behaviour.tokenResponse;
    const next = brokerTokens(await refresh(app, after.refreshToken));

    expect([after.claims['scope'], after.body['scope']]).toEqual(['openid', 'openid']);
    expect(next.claims['scope']).toBe('openid profile');
    const again = await postToken(app, { refresh_token: next.refreshToken, scope: 'email' });
    expectRefusal(again, 400, 'invalid_scope');
  });

  it('RF-2: used again with a scope that nobody has ends the session, as without one', async () => {
    const clock = new FakeClock();
    const app = await start({ adapter, clock });
    const { refreshToken, accessToken } = await brokerLogin(app);
    await refresh(app, refreshToken);
    clock.advance(31);

    const reply = await postToken(app, { refresh_token: refreshToken, scope: 'bogus' });

    expectRefusal(reply, 400, 'invalid_grant');
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });
});

describe('a refresh in broker mode', () => {
  it('RF-3: repeated in the grace time gives the same successor and a fresh access token, without a call', async () => {
    const clock = new FakeClock();
    const app = await start({ clock });
    const { refreshToken } = await brokerLogin(app);
    const first = brokerTokens(await refresh(app, refreshToken));
    clock.advance(29);

    const repeated = brokerTokens(await refresh(app, refreshToken));

    expect(repeated.refreshToken).toBe(first.refreshToken);
    expect(repeated.claims['jti']).not.toBe(first.claims['jti']);
    expect(Number(repeated.claims['iat'])).toBe(Number(first.claims['iat']) + 29);
    expect(refreshes()).toHaveLength(1);
  });

  it('RF-3: two generations old, each step in its grace time, leads to the current one', async () => {
    const clock = new FakeClock();
    const app = await start({ clock });
    const { refreshToken } = await brokerLogin(app);
    const first = brokerTokens(await refresh(app, refreshToken));
    clock.advance(10);
    const second = brokerTokens(await refresh(app, first.refreshToken));
    clock.advance(10);

    expect(brokerTokens(await refresh(app, refreshToken)).refreshToken).toBe(second.refreshToken);
  });

  it('RF-2: after the grace time ends the session, here, at the provider and for every token of it', async () => {
    const clock = new FakeClock();
    const app = await start({ clock });
    const alarms = recorded(app, 'refresh-token-reused');
    const ends = recorded(app, 'session-ended');
    const login = await brokerLogin(app);
    const first = brokerTokens(await refresh(app, login.refreshToken));
    const [call] = refreshes();
    clock.advance(31);

    expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');

    expectRefusal(await refresh(app, first.refreshToken), 400, 'invalid_grant');
    expect(await guarded(app, first.accessToken)).toBe('401 invalid_token');
    expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
    expect(provider.refreshTokenState(call?.['refresh_token'] ?? '')).toBe('revoked');
    expect(alarms).toHaveLength(1);
    expect(ends).toEqual([expect.objectContaining({ reason: 'refresh-token-reused' })]);
    expect(JSON.stringify([alarms, ends])).not.toContain(String(login.claims['sid'])); // LG-3: hashed
  });

  it('RF-2: any genuine earlier one counts as reuse, however old', async () => {
    const clock = new FakeClock();
    const app = await start({ clock });
    const { refreshToken } = await brokerLogin(app);
    let current = refreshToken;
    for (let at = 0; at < 5; at += 1) {
      clock.advance(100);
      current = brokerTokens(await refresh(app, current)).refreshToken;
    }

    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    expectRefusal(await refresh(app, current), 400, 'invalid_grant');
  });

  it('RF-2: with no grace time counts as reuse at once, but not for those who came in time', async () => {
    const app = await start({ broker: { refreshGraceSec: 0 } });
    const { refreshToken } = await brokerLogin(app);

    const together = await Promise.all([1, 2, 3].map(() => refresh(app, refreshToken)));
    expect(together.map(({ status }) => status)).toEqual([200, 200, 200]);

    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
    const [first] = together.map(brokerTokens);
    expectRefusal(await refresh(app, first?.refreshToken ?? ''), 400, 'invalid_grant');
  });

  it('RF-4: at two instances at once makes one call, and both get the same successor', async () => {
    const store = new MemoryBrokerStore();
    const options = { publicUrl: 'http://localhost:3999' };
    const [one, other] = [await start({ store, options }), await start({ store, options })];
    const { refreshToken } = await brokerLogin(one);

    const replies = await Promise.all(
      [one, other, one, other].map((app) => refresh(app, refreshToken)),
    );

    expect(new Set(replies.map((reply) => brokerTokens(reply).refreshToken)).size).toBe(1);
    expect(refreshes()).toHaveLength(1);
  });

  it('fault 18: whose lease another instance has taken over is thrown away, and its caller gets the successor', async () => {
    provider.behaviour.rotateRefreshTokens = false;
    const store = new MemoryBrokerStore();
    const clock = new FakeClock();
    const options = { publicUrl: 'http://localhost:3999' };
    const [slow, other] = [
      await start({ store, options, clock }),
      await start({ store, options, clock }),
    ];
    const { refreshToken } = await brokerLogin(slow);
    const gate = new EventEmitter();
    const open = once(gate, 'open');
    provider.behaviour.token = async (_, usual) => {
      await open;
      return usual();
    };
    const late = refresh(slow, refreshToken);
    await expect.poll(() => refreshes().length).toBe(1);
    delete provider.behaviour.token;
    clock.advance(16); // more than timeoutMs and 5 s

    const meanwhile = brokerTokens(await refresh(other, refreshToken));
    gate.emit('open');

    expect(brokerTokens(await late).refreshToken).toBe(meanwhile.refreshToken);
    expect((await refresh(slow, meanwhile.refreshToken)).status).toBe(200);
  });

  const failures: readonly [string, Fault, number][] = [
    ['closes the connection before it works', closeSocket('before'), 503],
    ['is overloaded', failWith(503), 503],
    ['hangs', hang(), 503],
    ['fails', failWith(500), 503],
    ['redirects', redirectTo('https://evil.example.org/token'), 502],
    ['answers a page', html(), 502],
    ['refuses our own secret', answerWith({ status: 401, body: { error: 'invalid_client' } }), 502],
  ];
  it.each(failures)('RF-5: loses nothing when the provider %s', async (_, fault, status) => {
    const app = await start({ options: { timeoutMs: 500 } });
    const login = await brokerLogin(app);
    provider.behaviour.faults.token = fault;

    const reply = await refresh(app, login.refreshToken);
    expect(reply.status).toBe(status);
    delete provider.behaviour.faults.token;

    const after = brokerTokens(await refresh(app, login.refreshToken));
    expect(await guarded(app, after.accessToken)).toBe('200');
  });

  it.each([
    ['an answer that is cut off', closeSocket('during')],
    ['half a document', truncatedJson()],
  ])('RF-5: of a provider that does not rotate loses nothing by %s', async (_, fault) => {
    provider.behaviour.rotateRefreshTokens = false;
    const app = await start({ options: { timeoutMs: 500 } });
    const login = await brokerLogin(app);
    provider.behaviour.faults.token = fault;

    expect((await refresh(app, login.refreshToken)).status).toBeGreaterThanOrEqual(502);
    delete provider.behaviour.faults.token;

    brokerTokens(await refresh(app, login.refreshToken)); // also: no new token of the provider keeps the old one
    expect(refreshes().length).toBeGreaterThanOrEqual(2);
  });

  it('RF-5: that the provider refuses ends the session, and its access tokens', async () => {
    const app = await start();
    const ends = recorded(app, 'session-ended');
    const login = await brokerLogin(app);
    provider.endSessions();

    expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');

    expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
    expect(ends).toEqual([expect.objectContaining({ reason: 'provider-ended-it' })]);
    expect(await app.service.listSessions(alice.sub)).toEqual([]);
  });

  it.each([
    ['sub', { sub: 'somebody-else' }],
    ['iss', { iss: 'https://evil.example.org' }],
    ['aud', { aud: 'another-client' }],
  ])('RF-7: that brings an ID token of another %s ends the session', async (_, changes) => {
    const app = await start();
    const login = await brokerLogin(app);
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, ...changes });

    expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');
    provider.resetBehaviour();

    expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');
    expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
  });

  it.each([
    ['issuer', { iss: 'https://other.example' }, 'issuer-changed', 'id-token-mismatch'],
    ['audience', { aud: 'other-client' }, 'audience-changed', 'id-token-mismatch'],
    ['authorized party', { azp: 'other-client' }, 'audience-changed', 'id-token-mismatch'],
    ['subject', { sub: 'somebody-else' }, 'subject-changed', 'subject-mismatch'],
  ])('LG-3: tells of an ID token of another %s as what it is', async (_, changes, end, alarm) => {
    const app = await start();
    const { refreshToken } = await brokerLogin(app);
    const seen: object[] = [];
    const events = app.app.get(OidcEvents, { strict: false });
    for (const name of ['subject-mismatch', 'id-token-mismatch', 'session-ended'] as const) {
      events.on(name, (event) => seen.push({ name, ...event }));
    }
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, ...changes });

    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');

    expect(seen).toEqual([
      expect.objectContaining({ name: alarm, subject: expect.stringMatching(/^[0-9a-f]{16}$/) }),
      expect.objectContaining({ name: 'session-ended', reason: end }),
    ]);
    const [claim = ''] = Object.keys(changes);
    if (alarm === 'id-token-mismatch') {
      expect(seen[0]).toMatchObject({
        reason: expect.stringContaining(`${claim} of the ID token`),
      });
    }
  });

  it('RF-6: renews roles and claims, and keeps the subject', async () => {
    const app = await start({ broker: { subjectClaim: 'preferred_username' } });
    const login = await brokerLogin(app);
    provider.behaviour.user = {
      ...alice,
      preferred_username: 'alice-renamed',
      realm_access: { roles: ['staff'] },
      groups: [],
    };
    provider.behaviour.idToken.claims = (claims) => ({ ...claims, ...provider.behaviour.user });
    provider.behaviour.accessToken.claims = (claims) => ({ ...claims, ...provider.behaviour.user });

    const after = brokerTokens(await refresh(app, login.refreshToken));

    expect(login.claims['roles']).toContain('admins');
    expect(after.claims['roles']).toEqual(['staff', 'editor']);
    expect(after.claims).toMatchObject({ sub: 'alice', preferred_username: 'alice-renamed' });
  });

  it('RF-6: whose claims cannot be renewed goes on with those of before, and tells', async () => {
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken.claims = ({
      realm_access: _r,
      resource_access: _a,
      groups: _g,
      ...claims
    }) => claims;
    const app = await start({ options: { timeoutMs: 500 } });
    const events = recorded(app, 'claims-not-renewed');
    const login = await brokerLogin(app);
    provider.behaviour.faults.userinfo = failWith(500);

    const after = brokerTokens(await refresh(app, login.refreshToken));

    expect(after.claims['roles']).toEqual(login.claims['roles']);
    expect(events).toHaveLength(1);
  });

  it('RF-6: whose claims break the option claims ends the session', async () => {
    const app = await start({ options: { claims: ['admins'] } });
    const login = await brokerLogin(app);
    const withoutAdmins = { realm_access: { roles: ['staff'] } };
    provider.behaviour.accessToken.claims = (claims) => ({ ...claims, ...withoutAdmins });

    const reply = await refresh(app, login.refreshToken);

    expect({ status: reply.status, error: reply.json()['error'] }).toEqual({
      status: 403,
      error: 'insufficient_scope',
    });
    expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');
    expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
  });

  it('RF-6: moves the idle limit and never the absolute one, which no access token outlives', async () => {
    const clock = new FakeClock();
    const app = await start({
      clock,
      broker: { sessionLifetimeSec: 10_000, sessionIdleSec: 4000, accessTokenLifetimeSec: 3600 },
    });
    provider.behaviour.tokenResponse = ({ refresh_expires_in: _own, ...body }) => body;
    const login = await brokerLogin(app);
    const began = Number(login.claims['iat']);
    clock.advance(3900);
    const second = brokerTokens(await refresh(app, login.refreshToken));
    clock.advance(3900);
    const third = brokerTokens(await refresh(app, second.refreshToken));

    expect(second.claims['exp']).toBe(began + 3900 + 3600);
    expect(third.claims['exp']).toBe(began + 10_000);
    expect(third.body['refresh_expires']).toBe(began + 10_000);
    clock.advance(2300);
    expectRefusal(await refresh(app, third.refreshToken), 400, 'invalid_grant');
  });

  it('RF-6: after the idle limit is too late', async () => {
    const clock = new FakeClock();
    const app = await start({ clock, broker: { sessionIdleSec: 4000 } });
    const { refreshToken } = await brokerLogin(app);
    clock.advance(4000);

    expectRefusal(await refresh(app, refreshToken), 400, 'invalid_grant');
  });

  it('fault 20: opens what a former encryption key wrote, and nothing without that key', async () => {
    const store = new MemoryBrokerStore();
    const publicUrl = 'http://localhost:3999';
    const keys = (...encryptionKeys: string[]) => ({
      store,
      options: { publicUrl, encryptionKeys },
    });
    const next = 'the-next-encryption-key-of-these-tests-32+';
    const login = await brokerLogin(await start(keys(BROKER_ENCRYPTION_KEY)));

    const both = await start(keys(next, BROKER_ENCRYPTION_KEY));
    const after = brokerTokens(await refresh(both, login.refreshToken));
    expect(await guarded(both, login.accessToken)).toBe('200');
    const nextOnly = await start(keys(next));
    expect(await guarded(nextOnly, after.accessToken)).toBe('200'); // the signing key was encrypted anew
    expect((await refresh(nextOnly, after.refreshToken)).status).toBe(200);

    const stranger = await start(keys('a-key-that-has-nothing-to-do-with-the-others'));
    expectRefusal(await refresh(stranger, after.refreshToken), 400, 'invalid_grant');
    expect(await guarded(stranger, after.accessToken)).toBe('503 temporarily_unavailable'); // KM-5
    expect(stranger.logs().join('\n')).toContain('encryptionKeys');
  });

  it('fault 12: an instance that runs goes on when another one has encrypted the signing key anew', async () => {
    const store = new MemoryBrokerStore();
    const publicUrl = 'http://localhost:3999';
    const keys = (...encryptionKeys: string[]) => ({
      store,
      options: { publicUrl, encryptionKeys },
    });
    const old = await start(keys(BROKER_ENCRYPTION_KEY));
    const login = await brokerLogin(old);
    await start(keys('the-next-encryption-key-of-these-tests-32+', BROKER_ENCRYPTION_KEY));
    await pull(old);

    expect(await guarded(old, login.accessToken)).toBe('200');
    brokerTokens(await refresh(old, login.refreshToken)); // and signs
  });

  it('ST-1: opens no content that was moved to another row', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store });
    const [one, other] = [await brokerLogin(app), await brokerLogin(app)];
    const now = new Date();
    const rowOf = async (id: unknown) => store.findSession(String(id), now);
    const [rowOne, rowOther] = [await rowOf(one.claims['sid']), await rowOf(other.claims['sid'])];
    if (!rowOne || !rowOther) throw new Error('Both were written');
    const findSession = store.findSession.bind(store);
    store.findSession = async (id, at) => {
      const found = await findSession(id, at);
      return found?.id === rowOne.id ? { ...found, sealed: rowOther.sealed } : found;
    };

    expectRefusal(await refresh(app, one.refreshToken), 400, 'invalid_grant');
    expect((await refresh(app, other.refreshToken)).status).toBe(200);
  });

  it('fault 9: is 503 while the store is down, before the provider is called, and the same token works after', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store, options: { timeoutMs: 500 } });
    const { refreshToken } = await brokerLogin(app);
    const findSession = store.findSession.bind(store);
    store.findSession = () => Promise.reject(new Error('connection lost'));

    expectRefusal(await refresh(app, refreshToken), 503, 'temporarily_unavailable');
    expect(refreshes()).toEqual([]);
    store.findSession = findSession;

    expect((await refresh(app, refreshToken)).status).toBe(200);
  });

  it('fault 10: survives a lost answer of the store at each step, without a second call to the provider', async () => {
    const store = new MemoryBrokerStore();
    const app = await start({ store });
    const { refreshToken } = await brokerLogin(app);
    const [takeLease, rotate] = [store.takeLease.bind(store), store.rotateSession.bind(store)];
    store.takeLease = async (...call) => {
      await takeLease(...call);
      store.takeLease = takeLease;
      throw new Error('connection lost after the write');
    };
    store.rotateSession = async (...call) => {
      await rotate(...call);
      store.rotateSession = rotate;
      throw new Error('connection lost after the write');
    };

    const after = brokerTokens(await refresh(app, refreshToken));

    expect(refreshes()).toHaveLength(1);
    expect(await guarded(app, after.accessToken)).toBe('200');
    expect((await refresh(app, after.refreshToken)).status).toBe(200);
  });

  it('gives a live token of the provider to the host, renewed under the same lease when it is about to end', async () => {
    const clock = new FakeClock();
    const app = await start({ clock });
    const login = await brokerLogin(app);
    const sid = String(login.claims['sid']);

    const first = await app.service.getIdpToken(sid);
    const again = await app.service.getIdpToken(sid);
    clock.advance(280); // of the 300 that it lives
    const renewed = await Promise.all([1, 2, 3].map(() => app.service.getIdpToken(sid)));

    expect(again).toBe(first);
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(first);
    expect(refreshes()).toHaveLength(1);
    expect((await refresh(app, login.refreshToken)).status).toBe(200); // ours was not touched
    await app.service.revokeSession(sid);
    await expect(app.service.getIdpToken(sid)).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});
