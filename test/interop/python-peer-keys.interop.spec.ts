import { decodeProtectedHeader } from 'jose';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/index.js';
import { brokerTokens, guarded, pull, type BrokerTokens } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { python } from './support/counterparts.js';
import { MixedFleet, pairs } from './support/mixed-fleet.js';

const { at, skipped } = python();

/** How often the reference asks a peer for its keys again, at most. */
const COOL_DOWN_SEC = 60;
/** A key's shortest life, and how long before it signs it is published. */
const [LIFETIME_SEC, AHEAD_SEC] = [10_800, 5400];

describe.skipIf(skipped)(`Keys of and for Python peers${skipped ? ` (${skipped})` : ''}`, () => {
  describe.each(pairs)('a peer on $framework and an instance on $adapter', (pair) => {
    let fleet: MixedFleet;

    beforeEach(async () => {
      fleet = await MixedFleet.start(at, pair);
    });

    afterEach(async () => {
      await fleet.end();
    });

    it('our next key is known to the peer before it begins to sign', async () => {
      // The peer refuses what was signed in the future, so that all of this lies in the past.
      const clock = new FakeClock(new Date(Date.now() - (LIFETIME_SEC + COOL_DOWN_SEC) * 1000));
      const provider = await startMisbehavingProvider({ clock });
      onTestFinished(() => provider.close());
      const peer = await fleet.preparePeer();
      const broker = { keyLifetimeSec: LIFETIME_SEC };
      const ours = await fleet.startInstance({ provider, clock, broker });
      await pull(ours); // makes the first key
      clock.advance(LIFETIME_SEC - AHEAD_SEC);
      await pull(ours); // and now the next one
      clock.advance(AHEAD_SEC - 30);
      await peer.start([ours.url]);
      const logIn = async (): Promise<BrokerTokens> =>
        brokerTokens(await postToken(ours, handleForm(await openLogin(ours))));

      const before = await logIn();
      clock.advance(60);
      const after = await logIn();

      expect(keyOf(after)).not.toBe(keyOf(before));
      expect(await peer.guard(before.accessToken)).toMatchObject({ iss: ours.url });
      expect(await peer.guard(after.accessToken)).toMatchObject({ iss: ours.url });
    });

    it('a key of ours that replaces a retired one is found by the peer after its cool-down', async () => {
      const { peer, ours } = await fleet.startPair();
      const before = await fleet.logIn(ours);
      expect(await peer.guard(before.accessToken)).toMatchObject({ iss: ours.url });

      await ours.service.retireSigningKey();
      const after = await fleet.logIn(ours);

      expect(keyOf(after)).not.toBe(keyOf(before));
      expect(await peer.guard(after.accessToken)).toBe(401);
      await peer.letPass(COOL_DOWN_SEC);
      expect(await peer.guard(after.accessToken)).toMatchObject({ iss: ours.url });
      expect(await guarded(ours, before.accessToken)).toBe('401 invalid_token');
      // The reference forgets no key before it is started again.
      expect(await peer.guard(before.accessToken)).toMatchObject({ iss: ours.url });
    });

    it('a peer that lost its key is known by its new one at once, and by the old one no more', async () => {
      const { peer, ours } = await fleet.startPair();
      const before = await fleet.logIn(peer);
      expect(await guarded(ours, before.accessToken)).toBe('200');

      await peer.loseAll();
      await peer.start();
      const after = await fleet.logIn(peer);

      expect(await guarded(ours, after.accessToken)).toBe('200');
      expect(await guarded(ours, before.accessToken)).toBe('401 invalid_token');
    });

    it('a peer that is started again while we are down knows our tokens from its store', async () => {
      const { peer, ours } = await fleet.startPair();
      const { accessToken } = await fleet.logIn(ours);
      await ours.close();

      await peer.stop();
      await peer.start();
      expect(await peer.guard(accessToken)).toMatchObject({ iss: ours.url });

      await peer.loseAll();
      await peer.start();
      expect(await peer.guard(accessToken)).toBe(401);
    });

    it('JW-2: an instance that is started again while the peer is down knows its tokens from the store', async () => {
      const store = new MemoryBrokerStore();
      const { peer, ours } = await fleet.startPair({ store });
      const { accessToken } = await fleet.logIn(peer);
      expect(await guarded(ours, accessToken)).toBe('200');
      await expect.poll(() => store.listPeerKeys()).toHaveLength(1);
      await ours.close();
      await peer.stop();

      const broker = { trustedIssuers: [peer.issuer] };
      const again = await fleet.startInstance({ store, broker });
      const empty = await fleet.startInstance({ broker });

      expect(await guarded(again, accessToken)).toBe('200');
      expect(await guarded(empty, accessToken)).toBe('503 temporarily_unavailable');
    });
  });
});

function keyOf({ accessToken }: BrokerTokens): string | undefined {
  return decodeProtectedHeader(accessToken).kid;
}
