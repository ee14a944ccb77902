import { describe, expect, it } from 'vitest';

import type { StoredPeerKeys } from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { FakeClock } from '../../support/fake-clock.js';
import { OWN_ISSUER, startFederation, startPeer } from '../../support/federation.js';

/** A store that tells whose key sets were written and deleted. */
class WatchedStore extends MemoryBrokerStore {
  reads = 0;

  override async listPeerKeys(): Promise<StoredPeerKeys[]> {
    this.reads += 1;
    return super.listPeerKeys();
  }
}

describe('the list of trusted issuers', () => {
  it('FD-2: refuses an issuer that is not in it, without a call to anybody', async () => {
    const clock = new FakeClock();
    const [trusted, stranger] = [await startPeer(clock), await startPeer(clock)];
    const federation = await startFederation({ clock, trustedIssuers: [trusted.issuer] });
    const refused = federation.record('issuer-refused');

    expect(await federation.outcome(stranger.accessToken())).toBe('401 invalid_token');

    expect(refused).toEqual([{ provider: 'default', issuer: stranger.issuer }]);
    expect(stranger.requests).toEqual([]);
    expect(trusted.requests).toEqual([]);
  });

  it('FD-2: trusts nobody by default', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const federation = await startFederation({ clock, trustedIssuers: undefined });
    await federation.peers.refresh();

    expect(await federation.outcome(peer.accessToken())).toBe('401 invalid_token');
    expect(peer.requests).toEqual([]);
  });

  it('FD-4: compares issuers as exact strings', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });
    const { issuer } = peer;
    const others = [`${issuer}/`, issuer.toUpperCase(), ` ${issuer}`, `${issuer}#`, `${issuer}\0`];

    for (const iss of [...others, issuer.replace('127.0.0.1', 'localhost'), '__proto__']) {
      expect(await federation.outcome(peer.accessToken({ iss }))).toBe('401 invalid_token');
    }
    expect(peer.requests).toEqual([]);
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
  });

  it('FD-4: ignores our own issuer, so that a fleet can share one list', async () => {
    const clock = new FakeClock();
    const peer = await startPeer(clock);
    const trustedIssuers = [OWN_ISSUER, { issuer: peer.issuer }];
    const federation = await startFederation({ clock, trustedIssuers });

    expect(federation.peers.named(OWN_ISSUER)).toBeUndefined();
    expect(federation.peers.named(peer.issuer)).toMatchObject({ kind: 'peer' });
  });

  it('FD-2: refuses a former issuer after a restart, asks nobody and deletes its stored keys', async () => {
    const clock = new FakeClock();
    const store = new WatchedStore();
    const [a, b] = [await startPeer(clock), await startPeer(clock)];
    const both = await startFederation({ clock, store, trustedIssuers: [a.issuer, b.issuer] });
    await both.verify(a.accessToken());
    await both.verify(b.accessToken());
    await expect.poll(() => both.kept()).toEqual([a.issuer, b.issuer].toSorted());
    await both.close();
    b.clearRequests();

    const federation = await startFederation({ clock, store, trustedIssuers: [a.issuer] });
    store.reads = 0;
    const outcome = await federation.outcome(b.accessToken());
    const readsForIt = store.reads;
    await federation.peers.refresh();

    expect({ outcome, readsForIt }).toEqual({ outcome: '401 invalid_token', readsForIt: 0 });
    await expect.poll(() => federation.kept()).toEqual([a.issuer]);
    expect(b.requests).toEqual([]);
  });

  it('FD-2: looks through the store once when the list stands in the options', async () => {
    const clock = new FakeClock();
    const store = new WatchedStore();
    const federation = await startFederation({ clock, store, trustedIssuers: [OWN_ISSUER] });

    for (let at = 0; at < 20; at += 1) {
      clock.advance(5);
      await federation.peers.refresh();
      await expect.poll(() => store.reads).toBe(1);
    }
  });

  it('FD-2: deletes the keys of former issuers as soon as the store can be asked', async () => {
    const clock = new FakeClock();
    const store = new (class extends MemoryBrokerStore {
      down = true;

      override async deletePeerKeys(issuerHash: string): Promise<void> {
        if (this.down) throw new Error('down');
        return super.deletePeerKeys(issuerHash);
      }
    })();
    const issuer = 'https://former.example.org';
    const row = { issuer, issuerHash: 'f'.repeat(64), jwks: '{"keys":[]}', fetchedAt: clock.now() };
    await store.savePeerKeys(row);
    const federation = await startFederation({ clock, store, trustedIssuers: [] });
    const failures = federation.record('store-failed');
    await federation.peers.refresh();
    await expect.poll(() => failures.length).toBeGreaterThan(0);
    expect(await federation.kept()).toEqual([issuer]);

    store.down = false;

    await expect
      .poll(async () => {
        await federation.peers.refresh();
        return federation.kept();
      })
      .toEqual([]);
  });
});
