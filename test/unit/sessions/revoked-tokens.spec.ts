import { describe, expect, it } from 'vitest';

import type { Revocation } from '../../../lib/contract/broker-store.js';
import { storedHash } from '../../../lib/sessions/refresh-tokens.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import type { IdTokenClaims } from '../../../lib/tokens/id-token-claims.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startKeyKeeper, type KeyKeeper } from '../../support/key-keeper.js';

const NOW_SEC = 1_800_000_000;
const SESSION = '0'.repeat(32);

async function start(store = new MemoryBrokerStore()): Promise<KeyKeeper> {
  const keeper = await startKeyKeeper({ store, clock: new FakeClock(new Date(NOW_SEC * 1000)) });
  await keeper.revocations.pull();
  return keeper;
}

/** Claims of a token of alice that was issued so many seconds after the beginning. */
function issued(seconds: number, members: Partial<IdTokenClaims> = {}): IdTokenClaims {
  const iat = NOW_SEC + seconds;
  return { iss: 'ours', sub: 'alice', aud: 'x', jti: 'a token', iat, exp: iat + 3600, ...members };
}

describe('a token', () => {
  it('LO-2: of a user of whom all were revoked is refused, up to the second of that', async () => {
    const { revocations } = await start();
    await revocations.revokeSubject(storedHash('alice'), 'all');

    expect(revocations.covers(issued(0))).toBe(true);
    expect(revocations.covers(issued(1))).toBe(false);
    expect(revocations.covers(issued(0, { sub: 'bob' }))).toBe(false);
    const { iat: _iat, ...undated } = issued(0);
    expect(revocations.covers(undated)).toBe(true);
  });

  it('LO-2: of a session is refused with them when it is ten seconds older', async () => {
    const { revocations } = await start();
    await revocations.revokeSubject(storedHash('alice'), 'all');

    expect(revocations.covers(issued(-10, { sid: SESSION }))).toBe(true);
    expect(revocations.covers(issued(-9, { sid: SESSION }))).toBe(false);
  });

  it('LO-3: of a session is not refused with those that belong to none', async () => {
    const { revocations } = await start();
    await revocations.revokeSubject(storedHash('alice'), 'without a session');

    expect(revocations.covers(issued(0))).toBe(true);
    expect(revocations.covers(issued(1))).toBe(false);
    expect(revocations.covers(issued(-3600, { sid: SESSION }))).toBe(false);
  });

  it('LO-2: is refused by its own name, and by its session, whenever it was issued', async () => {
    const { revocations, clock } = await start();
    await revocations.revokeToken('another token', issued(0, { sub: 'bob', sid: SESSION }));
    revocations.add({ kind: 'session', id: SESSION, at: clock.now() });

    expect(revocations.covers(issued(60, { jti: 'another token' }))).toBe(true);
    expect(revocations.covers(issued(60, { sid: SESSION }))).toBe(true);
    expect(revocations.covers(issued(60))).toBe(false);
    const { jti: _jti, ...unnamed } = issued(60);
    expect(revocations.covers(unnamed)).toBe(false);
  });

  it('LO-3: that is to be had by exchange for one of before is refused too', async () => {
    const { revocations } = await start();
    await revocations.revokeSubject(storedHash('alice'), 'all');

    expect(revocations.coversSubject('alice', NOW_SEC)).toBe(true);
    expect(revocations.coversSubject('alice', NOW_SEC + 1)).toBe(false);
    expect(revocations.coversSubject('bob', NOW_SEC)).toBe(false);
  });

  it('fault 13: is refused while the wall clock is more than a minute back', async () => {
    const { revocations, clock } = await start();
    clock.set(new Date(NOW_SEC * 1000 - 60_000));
    expect(revocations.covers(issued(-60))).toBe(false);

    clock.set(new Date(NOW_SEC * 1000 - 60_001));
    expect(revocations.covers(issued(-60))).toBe(true);
    await revocations.ready();
    expect(revocations.covers(issued(-60))).toBe(false);
  });

  it('DS-2: is refused by its age when there are more revocations than are remembered', async () => {
    class FullStore extends MemoryBrokerStore {
      override async listRevocations(): Promise<Revocation[]> {
        const [at, expiresAt] = [new Date(NOW_SEC * 1000), new Date((NOW_SEC + 9000) * 1000)];
        const row = { kind: 'session', at, expiresAt } as const;
        return Array.from({ length: 100_000 }, (_, number) => ({ ...row, id: `${number}` }));
      }
    }
    const { revocations } = await start(new FullStore());

    expect([0, 1].map((second) => revocations.covers(issued(second)))).toEqual([true, false]);
    expect([0, 1].map((second) => revocations.coversSubject('alice', NOW_SEC + second))).toEqual([
      true,
      false,
    ]);
  });
});

describe('revocations', () => {
  it('fault 8: are not known before they were pulled once: no token is taken', async () => {
    const { revocations, store } = await startKeyKeeper({
      clock: new FakeClock(new Date(NOW_SEC * 1000)),
    });
    expect(revocations.covers(issued(0))).toBe(true);

    await revocations.ready();
    expect(revocations.covers(issued(0))).toBe(false);
    expect(await store.listRevocations(new Date(0), new Date(NOW_SEC * 1000))).toEqual([]);
  });

  it('LO-2: are kept as long as any token may live, tolerances, ten minutes and a day', async () => {
    const { revocations, clock } = await start();
    const at = clock.now();

    // Of an hour, the key's limit; 30 s of grace; 5 s of tolerance.
    expect(revocations.keepUntil(at).getTime() - at.getTime()).toBe(
      (3600 + 30 + 5 + 600 + 86_400) * 1000,
    );
  });

  it('fault 10: are written and pulled also where a connection was lost', async () => {
    const { revocations, store } = await start();
    const losing = (method: 'addRevocation' | 'listRevocations'): void => {
      const usual: (...call: never[]) => Promise<unknown> = store[method].bind(store);
      Object.assign(store, {
        [method]: () => {
          Object.assign(store, { [method]: usual });
          return Promise.reject(new Error('the connection was lost'));
        },
      });
    };
    losing('addRevocation');
    await revocations.revokeSubject(storedHash('alice'), 'all');
    losing('listRevocations');
    await revocations.pull();

    expect(revocations.covers(issued(0))).toBe(true);
  });

  it('fault 13: that are known already tell nothing of clocks', async () => {
    const keeper = await start();
    const told = keeper.record('clocks-differ');
    await keeper.revocations.revokeSubject(storedHash('alice'), 'all');
    for (let pull = 0; pull < 3; pull += 1) {
      await keeper.revocations.pull();
      keeper.clock.advance(100);
    }

    expect(told).toEqual([]);
  });
});

describe('tokens by exchange that are revoked', () => {
  it('DS-2: count for their subject, and those of a session do not', async () => {
    const { revocations, store, clock } = await start();
    const kinds = async (): Promise<string[]> =>
      (await store.listRevocations(new Date(0), clock.now())).map(({ kind }) => kind);
    for (let at = 0; at < 100; at += 1) {
      await revocations.revokeToken(`of a session ${at}`, issued(0, { sid: SESSION }));
      await revocations.revokeToken(`by exchange ${at}`, issued(0));
    }
    await revocations.revokeToken('of a session, the last', issued(0, { sid: SESSION }));
    expect(await kinds()).toEqual(Array(201).fill('token'));

    await revocations.revokeToken('by exchange, one too many', issued(0));
    expect(await kinds()).toContain('subject');
  });
});
