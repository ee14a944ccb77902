import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { TestApp } from '../support/app.js';
import { brokerLogin, guarded, pull, refresh, type BrokerTokens } from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { alice, bob, type TestUser } from '../support/users.js';

describe('what a logout token ends', () => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let one: TestApp;
  let other: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
  });

  beforeEach(async () => {
    provider.resetBehaviour();
    ({ one, other } = await startInstances({ provider, clock }));
  });

  afterAll(async () => {
    await provider.close();
  });

  /** A login whose ID token names this session of the provider, or none. */
  const loginOf = (user: TestUser, sid: string | undefined): Promise<BrokerTokens> => {
    provider.behaviour.user = user;
    provider.behaviour.idToken = { claims: (claims) => ({ ...claims, sid }) };
    return brokerLogin(one);
  };

  /** The names of those that the guards of both instances still take. */
  const alive = async (tokens: Readonly<Record<string, string>>): Promise<string[]> => {
    await pull(other);
    const answers = Object.entries(tokens).map(async ([name, token]) => {
      const [here, there] = [await guarded(one, token), await guarded(other, token)];
      expect(there, name).toBe(here);
      return here === '200' ? [name] : [];
    });
    return (await Promise.all(answers)).flat();
  };

  it.each<[string, JsonMembers, readonly string[]]>([
    ['"sub"', { sub: alice.sub }, ['ofBob', 'exchangedByBob']],
    ['"sid"', { sid: 'first', sub: undefined }, ['second', 'unnamed', 'ofBob', 'exchangedByBob']],
    ['"sid" and "sub"', { sid: 'first', sub: alice.sub }, ['second', 'ofBob', 'exchangedByBob']],
    [
      'a "sid" of no session here, and "sub"',
      { sid: 'elsewhere', sub: alice.sub },
      ['first', 'second', 'ofBob', 'exchangedByBob'],
    ],
    [
      'a "sid" of no session here',
      { sid: 'elsewhere', sub: undefined },
      ['first', 'second', 'unnamed', 'ofBob', 'exchanged', 'exchangedByBob'],
    ],
    [
      'a "sub" that is nobody',
      { sub: 'nobody' },
      ['first', 'second', 'unnamed', 'ofBob', 'exchanged', 'exchangedByBob'],
    ],
  ])('LO-5: by %s, on every instance', async (_by, claims, left) => {
    const sessions = {
      first: await loginOf(alice, 'first'),
      second: await loginOf(alice, 'second'),
      unnamed: await loginOf(alice, undefined),
      ofBob: await loginOf(bob, undefined),
    };
    const { first, second, unnamed, ofBob } = sessions;
    const tokens = {
      first: first.accessToken,
      second: second.accessToken,
      unnamed: unnamed.accessToken,
      ofBob: ofBob.accessToken,
      exchanged: mintedToken(await exchange(one, provider.accessToken({ sub: alice.sub }))),
      exchangedByBob: mintedToken(await exchange(one, provider.accessToken({ sub: bob.sub }))),
    };

    const reply = await sendLogoutToken(one, logoutToken(provider, { claims }));

    expect(reply.status).toBe(200);
    expect(await alive(tokens)).toEqual(left);
    for (const [name, { refreshToken }] of Object.entries(sessions)) {
      provider.behaviour.user = name === 'ofBob' ? bob : alice;
      const { status } = await refresh(other, refreshToken);
      expect([name, status]).toEqual([name, left.includes(name) ? 200 : 400]);
    }
  });

  it.each([undefined, null, '', 7, ['first']])(
    'LO-5: by "sid" and "sub" also a session whose ID token says %j of its own',
    async (sid) => {
      provider.behaviour.idToken = { claims: (claims) => ({ ...claims, sid }) };
      const { accessToken } = await brokerLogin(one);

      await sendLogoutToken(one, logoutToken(provider, { claims: { sid: 'first' } }));

      expect(await guarded(one, accessToken)).toBe('401 invalid_token');
    },
  );

  it('LO-5: by "sub", also what is exchanged later for a token from before', async () => {
    const before = provider.accessToken();
    clock.advance(5);
    await sendLogoutToken(one, logoutToken(provider));

    expectRefusal(await exchange(one, before), 400, 'invalid_request');
    await pull(other);
    expectRefusal(await exchange(other, before), 400, 'invalid_request');

    clock.advance(1);
    expect((await exchange(other, provider.accessToken())).status).toBe(200);
  });

  it('LO-5: by "sid", not what is exchanged later: it may come from another session', async () => {
    const before = provider.accessToken();
    await loginOf(alice, 'first');
    clock.advance(5);
    const claims = { sid: 'first', sub: alice.sub };
    await sendLogoutToken(one, logoutToken(provider, { claims }));
    clock.advance(1);

    const later = mintedToken(await exchange(one, before));

    expect(await guarded(one, later)).toBe('200');
  });

  it.each([8, 60, 110])(
    'LO-5: also a session that just began, when the clock of the provider is %i s behind',
    async (behindSec) => {
      provider.behaviour.now = () => new Date(clock.now().getTime() - behindSec * 1000);
      const { accessToken, refreshToken } = await loginOf(alice, 'first');
      clock.advance(1);

      await sendLogoutToken(one, logoutToken(provider, { claims: { sid: 'first' } }));

      expect(await guarded(one, accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(one, refreshToken), 400, 'invalid_grant');
    },
  );

  it.each([0, 8, 60])(
    'LO-5: no session that began after it, when it is sent again with the clock of the provider %i s behind',
    async (behindSec) => {
      provider.behaviour.now = () => new Date(clock.now().getTime() - behindSec * 1000);
      await loginOf(alice, 'first');
      const token = logoutToken(provider, { claims: { sid: 'first' } });
      expect((await sendLogoutToken(one, token)).status).toBe(200);
      clock.advance(30);
      const later = await loginOf(alice, 'first');

      expect((await sendLogoutToken(other, token)).status).toBe(200);

      expect((await refresh(one, later.refreshToken)).status).toBe(200);
    },
  );
});
