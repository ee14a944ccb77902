import { describe, expect, it } from 'vitest';

import type { StoredPeerKeys } from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { failWith, hang, html, type Fault } from '../../support/faults.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { testKey, withKid } from '../../support/signing-keys.js';
import { SteppedClock } from '../../support/stepped-clock.js';

const HOUR_SEC = 3600;

const OLD_KEY = 'encryption-key-of-before-that-is-long';
const NEW_KEY = 'encryption-key-of-today-that-is-long-too';

/** What somebody who can write to the database has at hand. */
interface Planted {
  readonly row: StoredPeerKeys;
  readonly ofOther: StoredPeerKeys;
  readonly keys: readonly object[];
  readonly forged: object;
}

function membersOf({ jwks }: StoredPeerKeys): Record<string, unknown> {
  return Object.fromEntries(Object.entries(JSON.parse(jwks)));
}

function keysOf(row: StoredPeerKeys): object[] {
  const { keys } = membersOf(row);
  return Array.isArray(keys) ? keys : [];
}

/** The stored text with some members changed. */
function withMembers(row: StoredPeerKeys, members: Record<string, unknown>): string {
  return JSON.stringify({ ...membersOf(row), ...members });
}

/** A peer whose keys an instance has stored before it ended. */
async function startWithStoredKeys({
  kids = [] as string[],
  encryptionKeys = [] as string[],
} = {}) {
  const clock = new SteppedClock();
  const store = new MemoryBrokerStore();
  const keys = await Promise.all(kids.map(async (kid) => withKid(await testKey('RS256'), kid)));
  const peer = await startPeer(clock, {
    whileWaiting: () => clock.advance(0.3),
    ...(kids.length > 0 ? { keys } : {}),
  });
  const before = await startFederation({
    clock,
    store,
    options: encryptionKeys.length > 0 ? { encryptionKeys } : {},
    trustedIssuers: [peer.issuer],
  });
  await before.verify(peer.accessToken());
  await expect.poll(() => before.kept()).toEqual([peer.issuer]);
  await before.close();
  return { clock, store, peer };
}

describe('a restart while a trusted issuer is down', () => {
  it.each<[string, Fault | undefined]>([
    ['is gone', undefined],
    ['answers 500', failWith(500)],
    ['answers nonsense', html()],
    ['never answers', hang()],
  ])('JW-2: goes on with the stored keys when it %s', async (_how, fault) => {
    const { clock, store, peer } = await startWithStoredKeys();
    clock.advance(23 * HOUR_SEC);
    const known = peer.accessToken();
    await peer.rotateKeys();
    if (fault === undefined) await peer.stop();
    else peer.behaviour.faults.jwks = fault;

    const trustedIssuers = [peer.issuer];
    const options = { timeoutMs: 300 };
    const federation = await startFederation({ clock, store, options, trustedIssuers });

    expect(await federation.outcome(known)).toBe('accepted');
    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
  });

  it('FD-1: takes the stored keys of that issuer alone', async () => {
    const { clock, store, peer } = await startWithStoredKeys();
    const other = await startPeer(clock, {
      keys: [withKid(await testKey('RS256', 'other'), peer.signingKey.kid)],
    });
    const trustedIssuers = [other.issuer, peer.issuer];
    const before = await startFederation({ clock, store, trustedIssuers });
    await before.verify(other.accessToken());
    await expect.poll(() => before.kept()).toHaveLength(2);
    await Promise.all([peer.stop(), other.stop()]);

    const federation = await startFederation({ clock, store, trustedIssuers });

    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    expect(await federation.outcome(other.accessToken())).toBe('accepted');
    expect(await federation.outcome(other.accessToken({ iss: peer.issuer }))).toBe(
      '401 invalid_token',
    );
  });

  it('JW-2: does not make the stored keys younger than they are', async () => {
    const { clock, store, peer } = await startWithStoredKeys();
    await peer.stop();
    const trustedIssuers = [peer.issuer];

    clock.advance(23 * HOUR_SEC);
    const federation = await startFederation({ clock, store, trustedIssuers });
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    clock.advance(1.1 * HOUR_SEC);
    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');

    const later = await startFederation({ clock, store, trustedIssuers });
    expect(await later.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
  });

  it('JW-2: goes by the option "jwksStaleSec"', async () => {
    const { clock, store, peer } = await startWithStoredKeys();
    await peer.stop();
    const trustedIssuers = [peer.issuer];
    const options = { jwksStaleSec: 900 };

    clock.advance(890);
    const federation = await startFederation({ clock, store, options, trustedIssuers });
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    clock.advance(20);
    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
  });

  it('JW-3: takes the published keys over the stored ones as soon as there are any', async () => {
    const { clock, store, peer } = await startWithStoredKeys();
    const old = peer.accessToken({ exp: Math.floor(clock.now().getTime() / 1000) + HOUR_SEC });
    const { kid } = peer.signingKey;
    await peer.rotateKeys();
    peer.withdrawKey(kid);
    const trustedIssuers = [peer.issuer];

    const healthy = await startFederation({ clock, store, trustedIssuers });
    expect(await healthy.outcome(old)).toBe('401 invalid_token');
    await healthy.close();
  });

  it('JW-3: heals within 30 s of the issuer coming back, and then refuses withdrawn keys', async () => {
    const { clock, store, peer } = await startWithStoredKeys();
    const old = peer.accessToken({ exp: Math.floor(clock.now().getTime() / 1000) + HOUR_SEC });
    const { kid } = peer.signingKey;
    await peer.rotateKeys();
    peer.withdrawKey(kid);
    await peer.stop();
    const federation = await startFederation({ clock, store, trustedIssuers: [peer.issuer] });
    const changes = federation.record('peer-keys-changed');
    expect(await federation.outcome(old)).toBe('accepted');

    await peer.start();
    clock.advance(30);

    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    expect(await federation.outcome(old)).toBe('401 invalid_token');
    expect(changes).toEqual([
      { provider: 'default', issuer: peer.issuer, added: [peer.signingKey.kid], removed: [kid] },
    ]);
  });

  it('JW-2: finds keys that another instance stored after this one had started', async () => {
    const clock = new FakeClock();
    const store = new MemoryBrokerStore();
    const peer = await startPeer(clock);
    const trustedIssuers = [peer.issuer];
    const late = await startFederation({ clock, store, trustedIssuers });
    await late.peers.refresh();
    const other = await startFederation({ clock, store, trustedIssuers });
    await other.verify(peer.accessToken());
    await expect.poll(() => other.kept()).toEqual([peer.issuer]);
    await peer.stop();

    expect(await late.outcome(peer.accessToken())).toBe('accepted');
  });

  it('JW-6: takes stored keys whose names hold any character, as plain ASCII', async () => {
    const kids = ['a\u0000b', 'naïve \u{1f511}', '"quoted"\u2028', '\ud800'];
    const { clock, store, peer } = await startWithStoredKeys({ kids });
    await peer.stop();
    const federation = await startFederation({ clock, store, trustedIssuers: [peer.issuer] });

    for (const key of peer.keys) {
      const outcome = await federation.outcome(peer.accessToken({}, {}, key));
      expect(['accepted', '401 invalid_token']).toContain(outcome); // what a token's header may hold
    }
    expect(await federation.outcome(peer.accessToken({}, {}, peer.keys[1]))).toBe('accepted');
    const [row] = await store.listPeerKeys();
    expect(row?.jwks).toMatch(/^[ -~]+$/);
  });

  it.each<[string, (planted: Planted) => StoredPeerKeys]>([
    ['another key', ({ row, forged }) => ({ ...row, jwks: JSON.stringify({ keys: [forged] }) })],
    [
      'another key beside the code of the set',
      ({ row, forged }) => ({ ...row, jwks: withMembers(row, { keys: [forged] }) }),
    ],
    [
      'one more key',
      ({ row, forged, keys }) => ({ ...row, jwks: withMembers(row, { keys: [...keys, forged] }) }),
    ],
    [
      'the set of another issuer',
      ({ row, ofOther }) => ({ ...ofOther, issuer: row.issuer, issuerHash: row.issuerHash }),
    ],
    ['a younger date', ({ row }) => ({ ...row, fetchedAt: new Date(row.fetchedAt.getTime() + 1) })],
    ['a code that is no text', ({ row }) => ({ ...row, jwks: withMembers(row, { mac: [1] }) })],
    [
      'no code, as the version before',
      ({ row }) => ({ ...row, jwks: withMembers(row, { mac: undefined }) }),
    ],
  ])('FD-5: counts no stored set that we did not write: %s', async (_what, plant) => {
    const { clock, store, peer } = await startWithStoredKeys();
    const other = await startPeer(clock, { keys: [await testKey('RS256', 'other')] });
    const trustedIssuers = [peer.issuer, other.issuer];
    const before = await startFederation({ clock, store, trustedIssuers });
    await before.verify(other.accessToken());
    await expect.poll(() => before.kept()).toHaveLength(2);
    await peer.stop();
    const sets = await store.listPeerKeys();
    const [row, ofOther] = trustedIssuers.map((name) => sets.find(({ issuer }) => issuer === name));
    if (row === undefined || ofOther === undefined) throw new Error('nothing is stored');
    const [keys, [forged = {}]] = [keysOf(row), keysOf(ofOther)];
    await store.savePeerKeys(plant({ row, ofOther, keys, forged }));

    const federation = await startFederation({ clock, store, trustedIssuers });

    for (const token of [
      peer.accessToken(),
      other.accessToken({ iss: peer.issuer }, {}, other.signingKey),
    ]) {
      expect(await federation.outcome(token)).toBe('503 temporarily_unavailable');
    }
    await peer.start();
    clock.advance(30);
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
  });

  it('KM-5: takes stored keys that were written under a key now listed second, no other', async () => {
    const { clock, store, peer } = await startWithStoredKeys({ encryptionKeys: [OLD_KEY] });
    await peer.stop();
    const outcomeWith = async (...encryptionKeys: string[]): Promise<string> => {
      const options = { encryptionKeys };
      const trustedIssuers = [peer.issuer];
      const federation = await startFederation({ clock, store, options, trustedIssuers });
      return federation.outcome(peer.accessToken());
    };

    expect(await outcomeWith(NEW_KEY, OLD_KEY)).toBe('accepted');
    expect(await outcomeWith(NEW_KEY)).toBe('503 temporarily_unavailable');
  });

  it.each(['', '{', 'null', '{"keys":{}}', '{"keys":[null,{"kty":"oct","k":"AAAA"}]}'])(
    'JW-6: answers 503 when the store holds %j',
    async (jwks) => {
      const { clock, store, peer } = await startWithStoredKeys();
      await peer.stop();
      const [row] = await store.listPeerKeys();
      if (row === undefined) throw new Error('nothing is stored');
      await store.savePeerKeys({ ...row, jwks });
      const federation = await startFederation({ clock, store, trustedIssuers: [peer.issuer] });

      expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
    },
  );
});
