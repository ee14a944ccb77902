import { describe, expect, it } from 'vitest';

import { storedHash } from '../../../lib/sessions/refresh-tokens.js';
import type { Revocation } from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import type { IdTokenClaims } from '../../../lib/tokens/id-token-claims.js';
import { aSession, anId } from '../../../lib/testing/store-contract/rows.js';
import { countingStore } from '../../support/counting-store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startKeyKeeper, type KeyKeeper } from '../../support/key-keeper.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
/** Lifetime of tokens, grace time of refresh tokens, tolerance, and ten minutes. */
const COUNTS_SEC = HOUR + 30 + 5 + 600;

function later(time: Date, seconds: number): Date {
  return new Date(time.getTime() + seconds * 1000);
}

/** Claims of a token that is issued now. */
function issued({ clock }: KeyKeeper, members: Partial<IdTokenClaims> = {}): IdTokenClaims {
  const iat = Math.floor(clock.now().getTime() / 1000);
  return { iss: 'ours', sub: anId(), jti: anId(), iat, exp: iat + HOUR, ...members };
}

/** An instance whose clock is that of another one and so much more. */
async function startWithClock(one: KeyKeeper, seconds: number): Promise<KeyKeeper> {
  const clock = new FakeClock(later(one.clock.now(), seconds));
  return startKeyKeeper({ store: one.store, clock });
}

const setBack = ({ clock }: KeyKeeper, seconds: number): void =>
  clock.set(later(clock.now(), -seconds));

const lifetime = (accessTokenLifetimeSec: number) => ({ broker: { accessTokenLifetimeSec } });

/** Revokes a token's session, the token, or all tokens of its subject, as they are revoked here. */
async function revoke(kind: Revocation['kind'], by: KeyKeeper, token: IdTokenClaims) {
  const { revocations, store, clock } = by;
  if (kind === 'token') return revocations.revokeToken(token.jti ?? '', token);
  if (kind === 'subject') return revocations.revokeSubject(storedHash(token.sub), 'all');
  const at = clock.now();
  await store.revokeSession(token.sid ?? '', { at, keepUntil: revocations.keepUntil(at) });
}

async function seenBy(offset: number): Promise<{ here: number[]; there: number[] }> {
  const here = await startKeyKeeper();
  const there = await startWithClock(here, offset);
  const events = [here, there].map((one) => one.record('clocks-differ'));
  const token = issued(there);
  for (const one of [here, there]) await one.revocations.pull();
  for (const one of [here, there]) one.clock.advance(4);
  await there.revocations.revokeToken(token.jti ?? '', token);
  for (const one of [here, there]) one.clock.advance(2);
  for (const one of [here, there]) await one.revocations.pull();
  const [ofHere = [], ofThere = []] = events.map((seen) => seen.map(({ aheadSec }) => aheadSec));
  return { here: ofHere, there: ofThere };
}

const OFFSETS = [-5 * DAY, -2 * HOUR, -HOUR, -601, -130, -5, 0, 5, 130, 2 * HOUR];

describe('the end of all sessions of a user', () => {
  it.each([0, 1, 5, 9])(
    'fault 13: refuses no token of a login after it, at an instance whose clock is %i s behind',
    async (seconds) => {
      const ahead = await startKeyKeeper();
      const behind = await startWithClock(ahead, -seconds);
      const sub = anId();
      const [before, exchanged] = [{ sid: anId(), sub }, { sub }].map((one) => issued(ahead, one));
      for (const one of [ahead, behind]) one.clock.advance(11);

      await ahead.revocations.revokeSubject(storedHash(sub), 'all');
      const after = issued(behind, { sid: anId(), sub });
      for (const one of [ahead, behind]) await one.revocations.pull();

      for (const { revocations } of [ahead, behind]) {
        expect(revocations.covers(after)).toBe(false);
        for (const token of [before, exchanged]) {
          expect(token && revocations.covers(token)).toBe(true);
        }
      }
    },
  );
});

describe('a pull of revocations', () => {
  it.each(OFFSETS)(
    'LO-2: brings the end of a session by an instance whose clock is %i s off',
    async (offset) => {
      const right = await startKeyKeeper();
      await right.revocations.pull();
      const other = await startWithClock(right, offset);
      const session = aSession({
        createdAt: later(right.clock.now(), -60),
        usedAt: right.clock.now(),
        expiresAt: later(right.clock.now(), 30 * DAY),
      });
      await right.store.createSession(session);
      const token = issued(right, { sid: session.id });

      const at = other.revocations.endOf(session);
      await other.store.revokeSession(session.id, {
        at,
        keepUntil: other.revocations.keepUntil(at),
      });
      await right.revocations.pull();
      expect(right.revocations.covers(token)).toBe(true);

      right.clock.advance(HOUR - 1);
      const fresh = await startKeyKeeper({ store: right.store, clock: right.clock });
      await fresh.revocations.pull();
      expect(fresh.revocations.covers(token)).toBe(true); // to its last second, also after a restart
    },
  );

  it.each([1, 60, 601, HOUR])(
    'LO-2: brings what became visible %i s after the time that it bears',
    async (seconds) => {
      const keeper = await startKeyKeeper();
      const { clock, store, revocations } = keeper;
      const token = issued(keeper);
      const written = { kind: 'token', id: storedHash(token.jti ?? ''), at: clock.now() } as const;
      clock.advance(seconds);
      await revocations.pull();
      expect(revocations.covers(token)).toBe(false);

      const expiresAt = revocations.keepUntil(written.at);
      await store.addRevocation({ ...written, expiresAt });
      await revocations.pull();

      expect(revocations.covers(token)).toBe(true);
    },
  );

  it('LO-2: asks for all that may count, and no more: ten minutes beyond the last token', async () => {
    const keeper = await startKeyKeeper();
    const { clock, store, revocations } = keeper;
    const asked: [since: Date, limit: number | undefined][] = [];
    const listRevocations = store.listRevocations.bind(store);
    store.listRevocations = (since, now, limit) => {
      asked.push([since, limit]);
      return listRevocations(since, now, limit);
    };

    await revocations.pull();
    clock.advance(5);
    await revocations.pull();

    const since = later(clock.now(), -COUNTS_SEC);
    expect(asked).toEqual([
      [later(since, -5), 100_000],
      [since, 100_000],
    ]);
  });

  it('LO-2: leaves rows in the store for a day after nobody needs them, for clocks that are set back', async () => {
    const { clock, revocations } = await startKeyKeeper();
    await revocations.pull();

    expect(revocations.keepUntil(clock.now())).toEqual(later(clock.now(), COUNTS_SEC + DAY));
  });

  it('DS-2: forgets what counts no more', async () => {
    const keeper = await startKeyKeeper();
    const { clock, revocations } = keeper;
    await revocations.pull();
    const token = issued(keeper);
    await revocations.revokeToken(token.jti ?? '', token);

    clock.advance(COUNTS_SEC);
    await revocations.pull();
    expect(revocations.covers(token)).toBe(true);
    clock.advance(1);
    await revocations.pull();

    expect(revocations.covers(token)).toBe(false); // it has expired long ago
  });
});

describe('a wall clock that is set back', () => {
  it.each([61, 700, 4000, 5000, DAY])(
    'fault 13: by %i s revives nothing that was revoked',
    async (seconds) => {
      const keeper = await startKeyKeeper();
      const { clock, store, revocations } = keeper;
      await revocations.pull();
      clock.advance(100);
      const token = issued(keeper);
      await revocations.revokeToken(token.jti ?? '', token);
      clock.advance(Math.max(seconds, COUNTS_SEC) + 10); // forgotten here
      await revocations.pull();
      await store.purgeExpired(later(clock.now(), -60), 500);
      expect(revocations.covers(token)).toBe(false);

      setBack(keeper, seconds);

      expect(revocations.covers(token)).toBe(true); // nobody can tell, so what is remembered of it does not count
      await revocations.ready();
      const isAlive = token.exp > clock.now().getTime() / 1000;
      if (isAlive) expect(revocations.covers(token)).toBe(true);
      expect(revocations.covers(issued(keeper))).toBe(false);
    },
  );

  it('fault 13: makes 503 while the store cannot be asked', async () => {
    const { store, faults } = countingStore();
    const keeper = await startKeyKeeper({ store });
    await keeper.revocations.pull();
    setBack(keeper, HOUR);
    faults.set('listRevocations', 'reject');

    await expect(keeper.revocations.ready()).rejects.toMatchObject({ status: 503 });
    expect(keeper.revocations.covers(issued(keeper))).toBe(true);
    faults.clear();
    await keeper.revocations.ready();

    expect(keeper.revocations.covers(issued(keeper))).toBe(false);
  });

  it('fault 13: is not met by a pull that began before', async () => {
    const store = new MemoryBrokerStore();
    const keeper = await startKeyKeeper({ store });
    await keeper.revocations.pull();
    const listRevocations = store.listRevocations.bind(store);
    let answer: (() => void) | undefined;
    const begun = new Promise<void>((resolve) => {
      store.listRevocations = async (...call) => {
        resolve();
        await new Promise<void>((held) => (answer = held));
        return listRevocations(...call);
      };
    });
    void keeper.revocations.pull();
    await begun;
    store.listRevocations = listRevocations;

    setBack(keeper, HOUR);
    const ready = keeper.revocations.ready();
    answer?.();
    await ready;

    expect(keeper.revocations.covers(issued(keeper))).toBe(false);
  });

  it('asks nothing of the store when it goes back by seconds, as clocks do', async () => {
    const counting = countingStore();
    const keeper = await startKeyKeeper({ store: counting.store });
    await keeper.revocations.pull();
    counting.calls.length = 0;

    setBack(keeper, 5);
    await keeper.revocations.ready();

    expect(counting.calls).toEqual([]);
    expect(keeper.revocations.covers(issued(keeper))).toBe(false);
  });
});

describe('lifetimes that are lowered', () => {
  const kinds = ['session', 'token', 'subject'] as const;

  it.each(
    kinds.flatMap((kind) => [
      { kind, by: 'a restarted instance', restarted: true },
      { kind, by: 'a second instance beside the first', restarted: false },
    ]),
  )(
    'LO-2: revive no $kind revoked by $by, on any instance, restarted or not',
    async ({ kind, restarted }) => {
      const long = await startKeyKeeper(lifetime(10 * HOUR));
      const { store, clock } = long;
      await long.revocations.pull();
      const session = aSession({ createdAt: clock.now(), usedAt: clock.now() });
      await store.createSession(session);
      const { exp } = await long.minter
        .mint({
          claims: { sub: 'alice' },
          provider: 'default',
          clientId: 'my-client',
          scope: '',
          sessionId: session.id,
          notAfter: later(clock.now(), 30 * DAY),
        })
        .then(({ expiresAt }) => ({ exp: expiresAt }));
      const token = issued(long, { exp, ...(kind === 'session' ? { sid: session.id } : {}) });
      const short = await startKeyKeeper({ store, clock, ...lifetime(300) });
      await short.revocations.pull();
      clock.advance(2);

      await revoke(kind, short, token);
      const fleet = restarted ? [short] : [short, long];
      for (let minutes = 0; minutes < 599; minutes += 10) {
        clock.advance(600);
        await Promise.all(fleet.map(({ revocations }) => revocations.pull()));
        await store.purgeExpired(later(clock.now(), -60), 500);
      }
      const fresh = await Promise.all(
        [300, 10 * HOUR].map((seconds) => startKeyKeeper({ store, clock, ...lifetime(seconds) })),
      );
      clock.set(new Date((exp - 1) * 1000));

      for (const one of [...fleet, ...fresh]) {
        await one.revocations.ready();
        expect(one.revocations.covers(token)).toBe(true);
        expect(one.revocations.covers(issued(one))).toBe(false);
      }
    },
  );
});

describe('tokens by exchange that are revoked one after another', () => {
  it('DS-2: are refused all together after a hundred of a subject, and nobody else’s', async () => {
    const counting = countingStore();
    const keeper = await startKeyKeeper({ store: counting.store });
    const { clock, revocations, store } = keeper;
    await revocations.pull();
    const ofSession = issued(keeper, { sub: 'mallory', sid: anId() });
    const ofAlice = issued(keeper, { sub: 'alice' });
    const revoked: IdTokenClaims[] = [];

    for (let at = 0; at < 250; at += 1) {
      const token = issued(keeper, { sub: 'mallory' });
      await revocations.revokeToken(token.jti ?? '', token);
      revoked.push(token);
      clock.advance(1);
    }

    expect(await store.listRevocations(new Date(0), clock.now())).toHaveLength(101);
    expect(revoked.every((token) => revocations.covers(token))).toBe(true);
    expect(revocations.covers(ofSession)).toBe(false);
    expect(revocations.covers(ofAlice)).toBe(false);
    expect(revocations.covers(issued(keeper, { sub: 'mallory' }))).toBe(false); // exchanged after the last
    const other = await startKeyKeeper({ store, clock });
    await other.revocations.pull();
    expect(revoked.every((token) => other.revocations.covers(token))).toBe(true);
  });

  it('DS-2: are counted anew when they count no more', async () => {
    const keeper = await startKeyKeeper();
    const { clock, revocations, store } = keeper;
    await revocations.pull();
    const revokeMany = async (): Promise<void> => {
      for (let at = 0; at < 100; at += 1) {
        const token = issued(keeper, { sub: 'alice' });
        await revocations.revokeToken(token.jti ?? '', token);
      }
    };
    await revokeMany();
    clock.advance(COUNTS_SEC + 1);
    await revocations.pull();

    await revokeMany();

    const kinds = (await store.listRevocations(new Date(0), clock.now())).map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['token']));
  });
});

describe('clocks of instances that differ', () => {
  it.each([0, 4, -4])('fault 13: by %i s are told to nobody', async (offset) => {
    expect(await seenBy(offset)).toEqual({ here: [], there: [] });
  });

  it.each([
    [130, 128],
    [HOUR, HOUR - 2],
    [-130, -126],
    [-HOUR, -HOUR + 4],
  ])('fault 13: by %i s are told by the rows of the other instance', async (offset, aheadSec) => {
    expect(await seenBy(offset)).toEqual({ here: [aheadSec], there: [] });
  });

  it('fault 13: are told by a session that was used at a later time, which then ends no sooner', async () => {
    const keeper = await startKeyKeeper();
    const { clock, revocations } = keeper;
    const seen = keeper.record('clocks-differ');
    const now = clock.now();
    const createdAt = later(now, -60);
    const used = (seconds: number) => ({ createdAt, usedAt: later(now, seconds) });

    for (const seconds of [-60, 0, 5]) revocations.compareClocks(used(seconds));
    expect(seen).toEqual([]);
    revocations.compareClocks(used(130));

    expect(seen).toEqual([{ provider: 'default', aheadSec: 130 }]);
    expect(revocations.endOf(used(130))).toEqual(later(now, 130));
    expect(revocations.endOf(used(-30))).toEqual(now);
  });

  it('fault 13: are not told by rows that are known', async () => {
    const here = await startKeyKeeper();
    const there = await startWithClock(here, 0);
    const seen = here.record('clocks-differ');
    await here.revocations.pull();
    await there.revocations.revokeToken(anId(), issued(there));

    for (let minute = 0; minute < 5; minute += 1) {
      await here.revocations.pull();
      here.clock.advance(60);
    }

    expect(seen).toEqual([]);
  });

  it('fault 13: are not told by a clock of ours that was set back', async () => {
    const here = await startKeyKeeper();
    const there = await startWithClock(here, -700);
    const seen = here.record('clocks-differ');
    await here.revocations.pull();
    setBack(here, 700);
    await there.revocations.revokeToken(anId(), issued(there));

    await here.revocations.pull();

    expect(seen).toEqual([]);
  });

  it('fault 13: are not told by old rows, which count again because tokens may live longer', async () => {
    const here = await startKeyKeeper(lifetime(300));
    const { store, clock } = here;
    const seen = here.record('clocks-differ');
    const token = issued(here);
    await (await startKeyKeeper({ store, clock })).revocations.revokeToken(token.jti ?? '', token);
    clock.advance(2 * HOUR);
    await here.revocations.pull();
    expect(here.revocations.covers(token)).toBe(false); // forgotten
    const { keys } = await startKeyKeeper({ store, clock, ...lifetime(10 * HOUR) });
    await keys.refresh();
    await here.keys.look();

    await here.revocations.pull();

    expect(here.revocations.covers(token)).toBe(true);
    expect(seen).toEqual([]);
  });
});
