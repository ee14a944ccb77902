import { describe, expect, it } from 'vitest';

import { failWith } from '../../support/faults.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { forgedTokens, tally } from '../../support/verifier.js';

const HOUR_SEC = 3600;

async function startWithTwoPeers() {
  const clock = new FakeClock();
  const [peer, other] = [await startPeer(clock), await startPeer(clock)];
  const trustedIssuers = [peer.issuer, other.issuer];
  const federation = await startFederation({ clock, trustedIssuers });
  return { clock, peer, other, federation };
}

describe('renewing the key set of a trusted issuer', () => {
  it('JW-1: fetches three times at most for 1,000 forged tokens, and asks no other issuer', async () => {
    const { peer, other, federation } = await startWithTwoPeers();
    const tokens = forgedTokens(peer, 1000);

    const outcomes = await Promise.all(tokens.map((token) => federation.outcome(token)));

    expect(tally(outcomes)).toEqual({ '401 invalid_token': 1000 });
    expect(peer.requestsTo('jwks').length).toBeLessThanOrEqual(3);
    expect(other.requests).toEqual([]);
  });

  it('JW-1: leaves another issuer its own cool-down', async () => {
    const { peer, other, federation } = await startWithTwoPeers();
    await federation.verify(other.accessToken());
    for (const token of forgedTokens(peer, 100)) await federation.outcome(token);
    await other.rotateKeys();

    expect(await federation.outcome(other.accessToken())).toBe('accepted');
  });

  it('JW-1: fetches once for any number of first callers', async () => {
    const { peer, federation } = await startWithTwoPeers();
    const tokens = Array.from({ length: 50 }, () => peer.accessToken());

    const outcomes = await Promise.all(tokens.map((token) => federation.outcome(token)));

    expect(tally(outcomes)).toEqual({ accepted: 50 });
    expect(peer.requestsTo('jwks')).toHaveLength(1);
  });

  it('JW-1: keeps to the cool-down while the issuer fails', async () => {
    const { clock, peer, federation } = await startWithTwoPeers();
    await federation.verify(peer.accessToken());
    peer.behaviour.faults.jwks = failWith(503);

    for (const token of forgedTokens(peer, 280)) {
      clock.advance(1);
      await federation.outcome(token);
    }

    expect(peer.requestsTo('jwks').length).toBeLessThanOrEqual(1 + 2 + 9);
  });

  it('JW-1: finds a new key with the first token that names it, by one fetch', async () => {
    const { peer, federation } = await startWithTwoPeers();
    const old = peer.accessToken();
    await federation.verify(old);
    await peer.rotateKeys();

    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
    expect(await federation.outcome(old)).toBe('accepted');
    expect(peer.requestsTo('jwks')).toHaveLength(2);
  });

  it('JW-3: refuses a withdrawn key within ten minutes, also for remembered verifications', async () => {
    const { clock, peer, federation } = await startWithTwoPeers();
    const exp = Math.floor(clock.now().getTime() / 1000) + HOUR_SEC;
    const [remembered, unseen] = [peer.accessToken({ exp }), peer.accessToken({ exp })];
    const changes = federation.record('peer-keys-changed');
    await federation.verify(remembered);
    const { kid } = peer.signingKey;
    peer.withdrawKey(kid);

    for (let minute = 1; minute <= 9; minute += 1) {
      clock.advance(60);
      await federation.outcome(remembered);
    }
    clock.advance(60);

    expect(await federation.outcome(remembered)).toBe('401 invalid_token');
    expect(await federation.outcome(unseen)).toBe('401 invalid_token');
    expect(changes).toEqual([
      { provider: 'default', issuer: peer.issuer, added: [], removed: [kid] },
    ]);
  });
});
