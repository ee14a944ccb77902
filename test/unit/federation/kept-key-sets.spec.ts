import { describe, expect, it } from 'vitest';

import type { StoredPeerKeys } from '../../../lib/contract/broker-store.js';
import { KeptKeySets } from '../../../lib/federation/kept-key-sets.js';
import { type UsableKey, usableKeys } from '../../../lib/http/usable-keys.js';
import type { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { startKeyStore } from '../../support/key-rows.js';
import { keyRing } from '../../support/key-ring.js';
import { testKey } from '../../support/signing-keys.js';

const PEER = 'https://peer.example.org';
const OTHER = 'https://other.example.org';
const { publicJwk } = await testKey('EdDSA', 'peer');
const { publicJwk: plantedJwk } = await testKey('EdDSA', 'planted');

function keysWith(kid = publicJwk.kid): readonly UsableKey[] {
  return usableKeys({ keys: [{ ...publicJwk, kid }] });
}

async function start(ring = keyRing()) {
  const { store, access, clock } = await startKeyStore();
  return { store, clock, access, kept: new KeptKeySets(access, clock, ring) };
}

/** Changes the only row as somebody who can write to the database may. */
async function tamper(
  store: MemoryBrokerStore,
  change: (
    set: StoredPeerKeys,
    document: { keys: unknown; mac: unknown },
  ) => Partial<StoredPeerKeys>,
): Promise<void> {
  const [set] = await store.listPeerKeys();
  if (set === undefined) throw new Error('It was saved');
  await store.savePeerKeys({ ...set, ...change(set, JSON.parse(set.jwks)) });
}

describe('a kept key set', () => {
  it('JW-3: is found as it was saved, with its age', async () => {
    const { kept, clock } = await start();
    await kept.save(PEER, keysWith());
    clock.advance(90.5);

    const found = await kept.find(PEER);
    expect(found?.ageMs).toBe(90_500);
    expect(found?.document.map(({ jwk }) => jwk)).toEqual(keysWith().map(({ jwk }) => jwk));
    expect(await kept.find(OTHER)).toBeUndefined();
  });

  it.each<
    [
      what: string,
      change: (
        set: StoredPeerKeys,
        document: { keys: unknown; mac: unknown },
      ) => Partial<StoredPeerKeys>,
    ]
  >([
    ['keys', (_set, { mac }) => ({ jwks: JSON.stringify({ keys: [plantedJwk], mac }) })],
    ['time', ({ fetchedAt }) => ({ fetchedAt: new Date(fetchedAt.getTime() + 1) })],
    ['code', (_set, { keys }) => ({ jwks: JSON.stringify({ keys, mac: 'A'.repeat(43) }) })],
    ['code left out', (_set, { keys }) => ({ jwks: JSON.stringify({ keys }) })],
    ['shape', () => ({ jwks: '[]' })],
  ])('FD-1: is nothing with another %s', async (_what, change) => {
    const { kept, store } = await start();
    await kept.save(PEER, keysWith());
    expect(await kept.find(PEER)).toBeDefined();

    await tamper(store, change);
    expect(await kept.find(PEER)).toBeUndefined();
  });

  it('FD-1: is nothing for another issuer, or under a key that is listed no more', async () => {
    const { kept, store, access, clock } = await start();
    await kept.save(PEER, keysWith());
    const foreign = keyRing({ encryptionKeys: ['a-key-that-nobody-here-has-listed'] });

    expect(await new KeptKeySets(access, clock, foreign).find(PEER)).toBeUndefined();
    await tamper(store, () => ({ issuer: OTHER }));
    expect(await kept.find(OTHER)).toBeUndefined();
  });

  it('JW-6: is kept in ASCII, whatever its key ids are', async () => {
    const { kept, store } = await start();
    const kid = 'Schlüssel \u0007 \u2028 \ud83d\udd11~\u007f';
    await kept.save(PEER, keysWith(kid));

    expect((await store.listPeerKeys())[0]?.jwks).toMatch(/^[\u0020-\u007e]+$/);
    expect((await store.listPeerKeys())[0]?.jwks).toContain(
      String.raw`Schl\u00fcssel \u0007 \u2028 \ud83d\udd11~\u007f`,
    );
    expect((await kept.find(PEER))?.document[0]?.kid).toBe(kid);
  });

  it('JW-6: has 60,000 characters at most; beyond that the one before goes too', async () => {
    const { kept, store } = await start();
    const lengthOf = async (): Promise<number | undefined> =>
      (await store.listPeerKeys())[0]?.jwks.length;
    const [small] = keysWith();
    if (small === undefined) throw new Error('It is usable');
    await kept.save(PEER, [small]);
    const pad = 60_000 - ((await lengthOf()) ?? 0);
    const padded = (more: number): UsableKey =>
      Object.assign(Object.create(small), {
        jwk: { ...small.jwk, kid: `${small.kid}${'k'.repeat(more)}` },
      });

    await kept.save(PEER, [padded(pad)]);
    expect(await lengthOf()).toBe(60_000);
    await kept.save(PEER, [padded(pad + 1)]);
    expect(await lengthOf()).toBeUndefined();
  });

  it('FD-2: goes when its issuer is trusted no more', async () => {
    const { kept, store } = await start();
    for (const issuer of [PEER, OTHER]) await kept.save(issuer, keysWith());
    await kept.keepOnly([OTHER, 'https://third.example.org']);

    expect((await store.listPeerKeys()).map(({ issuer }) => issuer)).toEqual([OTHER]);
    await kept.keepOnly([]);
    expect(await store.listPeerKeys()).toEqual([]);
  });

  it('fault 10: is saved, and goes, also where a connection was lost', async () => {
    const { kept, store } = await start();
    const losing = (method: 'savePeerKeys' | 'deletePeerKeys' | 'listPeerKeys'): void => {
      const usual: (...call: never[]) => Promise<unknown> = store[method].bind(store);
      Object.assign(store, {
        [method]: () => {
          Object.assign(store, { [method]: usual });
          return Promise.reject(new Error('the connection was lost'));
        },
      });
    };
    losing('savePeerKeys');
    await kept.save(PEER, keysWith());
    expect(await store.listPeerKeys()).toHaveLength(1);

    losing('listPeerKeys');
    losing('deletePeerKeys');
    await kept.keepOnly([]);
    expect(await store.listPeerKeys()).toEqual([]);
  });
});
