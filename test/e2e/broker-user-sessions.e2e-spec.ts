import { describe, expect, it, onTestFinished } from 'vitest';

import { storedHash } from '../../lib/sessions/refresh-tokens.js';
import type { OAuthError } from '../../lib/index.js';
import type { BrokerSession } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { NOW, aSession } from '../../lib/testing/store-contract/rows.js';
import { brokerLogin, guarded, pull, refresh, startBrokerApp } from '../support/broker-app.js';
import { startInstances } from '../support/broker-instances.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { FakeClock } from '../support/fake-clock.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';

/** A store whose reads do not see what was written: its list stays as it was first. */
class StaleStore extends MemoryBrokerStore {
  listings = 0;
  #listed: Promise<BrokerSession[]> | undefined;

  override listSessions(...asked: Parameters<MemoryBrokerStore['listSessions']>) {
    this.listings += 1;
    this.#listed ??= super.listSessions(...asked);
    return this.#listed;
  }
}

describe('the sessions of a user', () => {
  it('LO-2: are listed, ended one by one or all at once, which refuses what was issued until then', async () => {
    const clock = new FakeClock();
    const provider = await startMisbehavingProvider({ clock });
    onTestFinished(() => provider.close());
    const { one, other } = await startInstances({ provider, clock });
    const first = await brokerLogin(one);
    clock.advance(10);
    const second = await brokerLogin(one);
    const exchanged = mintedToken(await exchange(one, provider.accessToken()));
    const sub = String(first.claims['sub']);

    const sessions = await other.service.listSessions(sub);
    expect(sessions.map(({ id }) => id)).toEqual([second.claims['sid'], first.claims['sid']]);
    expect(sessions[0]).toEqual({
      id: second.claims['sid'],
      provider: 'default',
      createdAt: clock.now(),
      usedAt: clock.now(),
      expiresAt: expect.any(Date),
      current: false,
    });
    expect(await other.service.listSessions('nobody')).toEqual([]);

    expect(await other.service.revokeSession(String(first.claims['sid']))).toBe(true);
    expect(await other.service.revokeSession(String(first.claims['sid']))).toBe(false);
    expect(await other.service.revokeSession("' OR 1=1")).toBe(false);
    expect(await guarded(other, first.accessToken)).toBe('401 invalid_token');
    expect(await guarded(other, second.accessToken)).toBe('200');

    expect(await other.service.revokeSessions(sub)).toBe(1);
    await pull(one);
    for (const token of [second.accessToken, exchanged]) {
      expect(await guarded(one, token)).toBe('401 invalid_token');
      expect(await guarded(other, token)).toBe('401 invalid_token');
    }
    expectRefusal(await refresh(one, second.refreshToken), 400, 'invalid_grant');
    clock.advance(1);
    expect(await guarded(one, (await brokerLogin(one)).accessToken)).toBe('200');
  });

  it('LO-2: are found by the verified claims of one of their tokens', async () => {
    const provider = await startMisbehavingProvider();
    onTestFinished(() => provider.close());
    const { one } = await startInstances({ provider });
    const { service } = one;
    const [first, second] = [await brokerLogin(one), await brokerLogin(one)];
    const claims = await service.verify(first.accessToken);

    const idpToken = await service.getIdpToken(claims);
    registerIfSecret(idpToken, 'access token');
    expect(idpToken).toBe(await service.getIdpToken(String(claims.sid)));
    expect((await service.listSessions(claims)).map(({ id }) => id)).toEqual(
      expect.arrayContaining([first.claims['sid'], second.claims['sid']]),
    );
    expect(await service.revokeSession(claims)).toBe(true);
    expect(await guarded(one, first.accessToken)).toBe('401 invalid_token');
    expect(await guarded(one, second.accessToken)).toBe('200');
    expect(await service.revokeSessions(claims)).toBe(1);
    expect(await guarded(one, second.accessToken)).toBe('401 invalid_token');
  });

  it.each<[string, number, number | 'temporarily_unavailable']>([
    ['of a few', 3, 3],
    ['of more than it lists at once', 1001, 'temporarily_unavailable'],
  ])(
    'LO-2: ending all %s ends, on a store that goes on listing them',
    async (_what, count, told) => {
      const store = new StaleStore();
      const app = await startBrokerApp({ store, clock: new FakeClock(NOW) });
      onTestFinished(() => app.close());
      const subjectHash = storedHash('alice');
      for (let made = 0; made < count; made += 1) {
        await store.createSession(aSession({ subjectHash }));
      }

      const outcome = await app.service
        .revokeSessions('alice')
        .catch(({ error }: OAuthError) => error);

      expect(outcome).toBe(told);
      expect(store.listings).toBeLessThan(5);
    },
  );

  it('LO-2: are all ended, also when there are more than a store lists at once', async () => {
    const store = new MemoryBrokerStore();
    const app = await startBrokerApp({ store, clock: new FakeClock(NOW) });
    onTestFinished(() => app.close());
    const subjectHash = storedHash('alice');
    for (let made = 0; made < 1001; made += 1) await store.createSession(aSession({ subjectHash }));

    expect(await app.service.revokeSessions('alice')).toBe(1001);

    expect(await app.service.listSessions('alice')).toEqual([]);
  });

  it('LO-2: are none for claims without a session, and for no claims at all', async () => {
    const provider = await startMisbehavingProvider();
    onTestFinished(() => provider.close());
    const { one } = await startInstances({ provider });
    const { service } = one;
    const { accessToken } = await brokerLogin(one);
    const exchanged = await service.verify(
      mintedToken(await exchange(one, provider.accessToken())),
    );

    for (const nobody of [exchanged, undefined]) {
      await expect(service.getIdpToken(nobody)).rejects.toMatchObject({ error: 'invalid_grant' });
      expect(await service.revokeSession(nobody)).toBe(false);
    }
    expect(await service.listSessions(undefined)).toEqual([]);
    expect(await service.revokeSessions(undefined)).toBe(0);
    expect(await guarded(one, accessToken)).toBe('200');
  });
});
