import { describe, expect, it } from 'vitest';

import type { StoredPeerKeys } from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';

/** A store whose key sets cannot be read or written: each call does this. */
class BrokenStore extends MemoryBrokerStore {
  constructor(private readonly fail: () => Promise<never>) {
    super();
  }

  override savePeerKeys(): Promise<void> {
    return this.fail();
  }

  override listPeerKeys(): Promise<StoredPeerKeys[]> {
    return this.fail();
  }
}

const refuse = (): Promise<never> => Promise.reject(new Error('connection refused'));
const hang = (): Promise<never> => new Promise<never>(() => undefined);

describe('stored key sets', () => {
  it.each([
    ['refuses', refuse],
    ['hangs', hang],
  ])('ST-2: disturb no verification while the store %s', async (_how, fail) => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const store = new BrokenStore(fail);
    const options = { timeoutMs: 5000 };
    const trustedIssuers = [peer.issuer];
    const federation = await startFederation({ clock, store, options, trustedIssuers });

    const begun = performance.now();
    await federation.peers.refresh();
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    expect(performance.now() - begun).toBeLessThan(4000);

    await peer.stop();
    clock.advance(3600);
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
  });

  it.each([
    ['refuses', refuse],
    ['hangs', hang],
  ])('JW-2: leave it at 503 when peer and store both fail, the store %s', async (_how, fail) => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    await peer.stop();
    const store = new BrokenStore(fail);
    const options = { timeoutMs: 300 };
    const trustedIssuers = [peer.issuer];
    const federation = await startFederation({ clock, store, options, trustedIssuers });

    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
    await peer.start();
    clock.advance(30);
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
  });

  it('JW-6: hold public members of usable keys only', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    peer.behaviour.jwks = ({ keys }) => ({
      keys: [
        ...keys.map((key) => ({ ...key, comment: { deep: ['x'] }, x5c: ['MIIB'] })),
        { kty: 'oct', k: 'c2VjcmV0' },
        { ...peer.signingKey.privateJwk, kid: 'private' },
      ],
      comment: 'x',
    });
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });
    await federation.verify(peer.accessToken());
    await expect.poll(() => federation.kept()).toEqual([peer.issuer]);

    const [row] = await federation.store.listPeerKeys();
    const { kid, kty, n, e, alg } = peer.signingKey.publicJwk;

    expect(JSON.parse(row?.jwks ?? '')).toEqual({
      keys: [{ kid, kty, n, e, alg }],
      mac: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(row).toMatchObject({ issuer: peer.issuer, fetchedAt: clock.now() });
    expect(row?.issuerHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('JW-6: are not kept beyond 60,000 characters, nor is the set before', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });
    await federation.verify(peer.accessToken());
    await expect.poll(() => federation.kept()).toEqual([peer.issuer]);

    peer.behaviour.jwks = ({ keys }) => {
      const more = Array.from({ length: 99 }, (_, at) => ({
        ...keys[0],
        kid: `${at}`.padEnd(250, 'x'),
      }));
      return { keys: [...keys, ...more] };
    };
    clock.advance(660);

    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    await expect.poll(() => federation.kept()).toEqual([]);
  });

  it('JW-3: follow each fetch', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });
    await federation.verify(peer.accessToken());
    const { kid } = await peer.rotateKeys();
    clock.advance(60);

    await federation.verify(peer.accessToken());

    await expect
      .poll(async () => (await federation.store.listPeerKeys()).map(({ jwks }) => jwks).join(' '))
      .toContain(kid);
    expect(await federation.store.listPeerKeys()).toHaveLength(1);
  });
});
