import { decodeJwt, decodeProtectedHeader } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';

import { adapters, flowAdapters, type AdapterName } from '../support/app.js';
import { addressOf, Fleet, logIn, type FleetMember } from '../support/fleet.js';
import { expectGuardRefusal, GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const [A, B] = [addressOf('a'), addressOf('b')];

const pairs = flowAdapters.flatMap((ofA) =>
  adapters.filter((ofB) => ofB !== ofA).map((ofB): [AdapterName, AdapterName] => [ofA, ofB]),
);

const ask = async (app: FleetMember, path: string, bearer: string): Promise<string> => {
  const reply = await request(`${app.url}${path}`, { bearer });
  return reply.status === 200 ? '200' : `${reply.status} ${String(reply.json()['error'])}`;
};

describe.each(pairs)('instance A on %s and instance B on %s', (adapterOfA, adapterOfB) => {
  beforeEach(() => {
    GuardedRoutes.reached.length = 0;
  });

  /** Two instances that share one list, in which each finds itself too. */
  const startPair = async (): Promise<{ fleet: Fleet; a: FleetMember; b: FleetMember }> => {
    const fleet = await Fleet.start();
    const a = await fleet.add('a', { adapter: adapterOfA, trustedIssuers: [A, B] });
    const b = await fleet.add('b', { adapter: adapterOfB, trustedIssuers: [A, B] });
    return { fleet, a, b };
  };

  it('FD-1: accept the tokens of each other, and tell whose they are', async () => {
    const { fleet, a, b } = await startPair();
    const [ofA, ofB] = [await logIn(a), await logIn(b)];
    fleet.provider.clearRequests();

    const atB = await request(`${b.url}/required`, { bearer: ofA.accessToken });
    const atA = await request(`${a.url}/required`, { bearer: ofB.accessToken });

    expect(atB.json()).toEqual({ iss: A, sub: decodeJwt(ofA.accessToken).sub });
    expect(atA.json()).toEqual({ iss: B, sub: decodeJwt(ofB.accessToken).sub });
    expect(await ask(b, '/admins', ofA.accessToken)).toBe('200');
    expect(await ask(b, '/superusers', ofA.accessToken)).toBe('403 insufficient_scope');
    expect(fleet.provider.requests).toEqual([]);
  });

  it('FD-1: find the key set of one that has a prefix of its own', async () => {
    const fleet = await Fleet.start();
    const routes = { prefix: '/api' };
    const a = await fleet.add('a', { adapter: adapterOfA, routes });
    const b = await fleet.add('b', { adapter: adapterOfB, trustedIssuers: [A] });
    const login = await logIn({ url: `${a.url}/api` });

    expect(await ask(b, '/required', login.accessToken)).toBe('200');
  });

  it('FD-2: refuse the tokens of an instance that they do not list', async () => {
    const fleet = await Fleet.start();
    const a = await fleet.add('a', { adapter: adapterOfA });
    const b = await fleet.add('b', { adapter: adapterOfB, trustedIssuers: [`${A}/`] });
    const { accessToken } = await logIn(a);

    const reply = await request(`${b.url}/required`, { bearer: accessToken });

    expectGuardRefusal(reply, 401, 'invalid_token');
  });

  it('FD-2: refuse an instance within the poll after the function leaves it out', async () => {
    const clock = new SteppedClock();
    const fleet = await Fleet.start(clock);
    const a = await fleet.add('a', { adapter: adapterOfA });
    let trusted: string[] = [A];
    const b = await fleet.add('b', {
      adapter: adapterOfB,
      trustedIssuers: async () => trusted,
      broker: { revocationPollSec: 1 },
    });
    const { accessToken } = await logIn(a);
    await expect.poll(() => ask(b, '/required', accessToken)).toBe('200');
    await clock.asleep([850, 1000], 4); // four matters of upkeep

    trusted = [];
    clock.advance(1);

    await expect.poll(() => ask(b, '/required', accessToken)).toBe('401 invalid_token');
    await expect.poll(() => b.store.listPeerKeys()).toEqual([]);
  });

  it('FD-4: refuse tokens for another audience, those of the identity provider included', async () => {
    const fleet = await Fleet.start();
    const a = await fleet.add('a', { adapter: adapterOfA, broker: { audience: 'other-api' } });
    const b = await fleet.add('b', { adapter: adapterOfB, trustedIssuers: [A] });
    const { accessToken } = await logIn(a);

    expect(await ask(a, '/required', accessToken)).toBe('200');
    expect(await ask(b, '/required', accessToken)).toBe('401 invalid_token');
    expect(await ask(b, '/required', fleet.provider.accessToken())).toBe('401 invalid_token');
  });

  it('FD-4: leave a peer the roles and scopes of its entry alone', async () => {
    const fleet = await Fleet.start();
    const a = await fleet.add('a', { adapter: adapterOfA });
    const limited = [{ issuer: A, roles: ['staff'], scopes: 'profile email' }];
    const b = await fleet.add('b', { adapter: adapterOfB, trustedIssuers: limited });
    const { accessToken } = await logIn(a);

    expect(await ask(a, '/admins', accessToken)).toBe('200');
    expect(await ask(b, '/required', accessToken)).toBe('200');
    expect(await ask(b, '/admins', accessToken)).toBe('403 insufficient_scope');
    const claims = await b.service.verify(accessToken, { roles: 'staff', scopes: 'profile' });
    expect(claims).toMatchObject({ iss: A, roles: ['staff'], scope: 'profile email' });
  });

  it('FD-4: demand of a peer the "claims" of its entry, else those of the module', async () => {
    const fleet = await Fleet.start();
    const a = await fleet.add('a', { adapter: adapterOfA });
    const { accessToken } = await logIn(a);
    const expected: [claims: object | undefined, outcome: string][] = [
      [undefined, '403 insufficient_scope'],
      [{ roles: ['admins'] }, '200'],
      [{ roles: ['superuser'] }, '403 insufficient_scope'],
    ];

    for (const [claims, outcome] of expected) {
      const entry = { issuer: A, ...(claims === undefined ? {} : { claims: { ...claims } }) };
      const b = await fleet.add('b', {
        adapter: adapterOfB,
        trustedIssuers: [entry],
        options: { claims: { roles: ['auditors'] } },
      });
      expect(await ask(b, '/required', accessToken)).toBe(outcome);
      await b.close();
    }
  });

  it('FD-3: keep their sessions apart, although they share client and keys', async () => {
    const { a, b } = await startPair();
    const { accessToken, refreshToken } = await logIn(a);

    expectRefusal(await postToken(b, { refresh_token: refreshToken }), 400, 'invalid_grant');
    expectRefusal(await postToken(b, { refresh_token: accessToken }), 400, 'invalid_grant');
    const logout = await request(`${b.url}/auth/v2/logout`, { bearer: accessToken });
    expectRefusal(logout, 400, 'invalid_request');
    for (const token of [accessToken, refreshToken]) {
      await request(`${b.url}/auth/v2/revoke`, { form: { token } });
    }

    expect(await ask(a, '/required', accessToken)).toBe('200');
    expect((await postToken(a, { refresh_token: refreshToken })).status).toBe(200);
  });

  it('JW-1: go on when one of them changes its signing key in an emergency', async () => {
    const { fleet, a, b } = await startPair();
    const old = await logIn(a);
    expect(await ask(b, '/required', old.accessToken)).toBe('200');

    await a.service.retireSigningKey();
    const next = await logIn(a);

    const kids = [old, next].map(({ accessToken }) => decodeProtectedHeader(accessToken).kid);
    expect(new Set(kids).size).toBe(2);
    expect(await ask(b, '/required', next.accessToken)).toBe('200');
    fleet.clock.advance(600); // the most that a peer may need to learn of a withdrawn key
    expect(await ask(b, '/required', old.accessToken)).toBe('401 invalid_token');
    expect(await ask(b, '/required', next.accessToken)).toBe('200');
  });

  it('JW-2: go on with known keys while one of them is down, also after a restart', async () => {
    const { fleet, a, b } = await startPair();
    const [{ accessToken }, ofB] = [await logIn(a), await logIn(b)];
    expect(await ask(b, '/required', accessToken)).toBe('200');
    await expect.poll(() => b.store.listPeerKeys()).toHaveLength(1);
    await a.close();
    fleet.clock.advance(1200);

    expect(await ask(b, '/required', accessToken)).toBe('200');
    await b.close();
    const again = await fleet.add('b', {
      adapter: adapterOfB,
      trustedIssuers: [A, B],
      store: b.store,
    });
    expect(await ask(again, '/required', accessToken)).toBe('200');
    expect(await ask(again, '/required', ofB.accessToken)).toBe('200');
  });

  it('JW-2: answer 503 for an instance that was never reached, and for nobody else', async () => {
    const { fleet, a, b } = await startPair();
    const [{ accessToken }, ofB] = [await logIn(a), await logIn(b)];
    await a.close();

    const reply = await request(`${b.url}/required`, { bearer: accessToken });
    expectGuardRefusal(reply, 503, 'temporarily_unavailable');
    expect(await ask(b, '/optional', accessToken)).toBe('200');
    expect(await ask(b, '/required', ofB.accessToken)).toBe('200');

    await fleet.add('a', { adapter: adapterOfA, store: a.store });
    fleet.clock.advance(30);
    expect(await ask(b, '/required', accessToken)).toBe('200');
  });
});
