import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { brokerTokens, guarded, pull, type BrokerTokens } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { startMisbehavingProvider } from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { python } from './support/counterparts.js';
import {
  logInAt,
  pairs,
  preparePeer,
  startInstance,
  startPair as start,
} from './support/mixed-fleet.js';

const { at, skipped } = python();

/** How often the reference asks a peer for its keys again, at most. */
const COOL_DOWN_SEC = 60;
/** A key's shortest life, and how long before it signs it is published. */
const [LIFETIME_SEC, AHEAD_SEC] = [10_800, 5400];

describe.skipIf(skipped)(`Keys of and for Python peers${skipped ? ` (${skipped})` : ''}`, () => {
  let provider: TestProvider;

  beforeAll(async () => {
    provider = await startProvider();
  });

  afterAll(async () => {
    await provider.close();
  });

  describe.each(pairs)('a peer on $framework and an instance on $adapter', (pair) => {
    const { framework, adapter } = pair;

    it('our next key is known to the peer when it begins to sign', async () => {
      const minuteAgo = Date.now() - 60_000;
      const clock = new FakeClock(new Date(minuteAgo - (LIFETIME_SEC + 1) * 1000));
      const scheduled = await startMisbehavingProvider({ clock });
      onTestFinished(() => scheduled.close());
      const peer = await preparePeer({ python: at, framework, provider: scheduled });
      const broker = { keyLifetimeSec: LIFETIME_SEC };
      const ours = await startInstance({ adapter, provider: scheduled, clock, broker });
      const logIn = async (): Promise<BrokerTokens> =>
        brokerTokens(await postToken(ours, handleForm(await openLogin(ours))));
      await logIn(); // makes the first key
      clock.advance(LIFETIME_SEC + 1 - AHEAD_SEC);
      await pull(ours); // and this the next one
      clock.advance(AHEAD_SEC - 60);
      await peer.start([ours.url]);

      const before = await logIn();
      clock.advance(60);
      const after = await logIn();

      expect(keyOf(after)).not.toBe(keyOf(before));
      expect(await peer.guard(before.accessToken)).toMatchObject({ iss: ours.url });
      expect(await peer.guard(after.accessToken)).toMatchObject({ iss: ours.url });
    });

    it('a key that replaces a retired one is found by the peer after its cool-down', async () => {
      const { peer, ours } = await start({ python: at, pair, provider });
      const before = await logInAt(ours, provider);
      expect(await peer.guard(before.accessToken)).toMatchObject({ iss: ours.url });

      await ours.service.retireSigningKey();
      const after = await logInAt(ours, provider);

      expect(keyOf(after)).not.toBe(keyOf(before));
      expect(await peer.guard(after.accessToken)).toBe(401);
      await peer.letPass(COOL_DOWN_SEC);
      expect(await peer.guard(after.accessToken)).toMatchObject({ iss: ours.url });
      expect(await guarded(ours, before.accessToken)).toBe('401 invalid_token');
      // The reference forgets no key before it is restarted.
      expect(await peer.guard(before.accessToken)).toMatchObject({ iss: ours.url });
    });

    it('a peer that lost its key is known by its new one at once, and by the old one no more', async () => {
      const { peer, ours } = await start({ python: at, pair, provider });
      const before = await logInAt(peer, provider);
      expect(await guarded(ours, before.accessToken)).toBe('200');

      await peer.loseAll();
      await peer.start();
      const after = await logInAt(peer, provider);

      expect(await guarded(ours, after.accessToken)).toBe('200');
      expect(await guarded(ours, before.accessToken)).toBe('401 invalid_token');
    });

    it('a peer that is started again while we are down still knows our tokens', async () => {
      const { peer, ours } = await start({ python: at, pair, provider });
      const { accessToken } = await logInAt(ours, provider);
      await ours.close();

      await peer.stop();
      await peer.start();
      expect(await peer.guard(accessToken)).toMatchObject({ iss: ours.url });

      await peer.loseAll();
      await peer.start();
      expect(await peer.guard(accessToken)).toBe(401);
    });

    it('JW-2: an instance that is started again while the peer is down still knows its tokens', async () => {
      const store = new MemoryBrokerStore();
      const { peer, ours } = await start({ python: at, pair, provider, store });
      const { accessToken } = await logInAt(peer, provider);
      expect(await guarded(ours, accessToken)).toBe('200');
      await ours.close();
      await peer.stop();
      const options = { adapter, provider, broker: { trustedIssuers: [peer.issuer] } };

      const again = await startInstance({ ...options, store });
      const empty = await startInstance(options);

      expect(await guarded(again, accessToken)).toBe('200');
      expect(await guarded(empty, accessToken)).toBe('503 temporarily_unavailable');
    });
  });
});

function keyOf({ accessToken }: BrokerTokens): string | undefined {
  return decodeProtectedHeader(accessToken).kid;
}
