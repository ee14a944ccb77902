import { describe, expect, it } from 'vitest';

import { failWith, hang, html, type Fault } from '../../support/faults.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { SteppedClock } from '../../support/stepped-clock.js';

const HOUR_SEC = 3600;

describe('a trusted issuer that cannot be reached', () => {
  it('JW-2: keeps its known keys for 24 hours, and no longer', async () => {
    const clock = new SteppedClock();
    const peer = await startPeer(clock);
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });
    const stale = federation.record('stale-peer-keys-served');
    const failed = federation.record('peer-failed');
    await federation.verify(peer.accessToken());
    await peer.stop();

    for (const hours of [0.2, 0.9, 3, 8, 11]) {
      clock.advance(hours * HOUR_SEC); // 23.1 h in the end
      expect(await federation.outcome(peer.accessToken())).toBe('accepted');
      await expect.poll(() => failed.length).toBeGreaterThan(0);
    }
    clock.advance(HOUR_SEC);

    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
    const ageSec = 23.1 * HOUR_SEC;
    expect(stale.at(-1)).toMatchObject({ issuer: peer.issuer, ageSec });
    expect(failed.at(-1)).toMatchObject({ issuer: peer.issuer });
  });

  it.each<[string, Fault | undefined]>([
    ['is gone', undefined],
    ['answers 500', failWith(500)],
    ['answers 404', failWith(404)],
    ['answers a web page', html()],
    ['never answers', hang()],
  ])('JW-2: gets 503 for a key that was never seen when it %s', async (_how, fault) => {
    const clock = new SteppedClock();
    const whileWaiting = () => clock.advance(0.3);
    const [peer, other] = [await startPeer(clock, { whileWaiting }), await startPeer(clock)];
    const trustedIssuers = [peer.issuer, other.issuer];
    const options = { timeoutMs: 300 };
    const federation = await startFederation({ clock, options, trustedIssuers });
    await federation.verify(peer.accessToken());
    const known = peer.accessToken();
    await peer.rotateKeys();
    if (fault === undefined) await peer.stop();
    else peer.behaviour.faults.jwks = fault;

    expect(await federation.outcome(peer.accessToken())).toBe('503 temporarily_unavailable');
    expect(await federation.outcome(known)).toBe('accepted');
    expect(await federation.outcome(other.accessToken())).toBe('accepted');
  });

  it('JW-2: gets 503 from the start on, delays nobody else, and heals within 30 s', async () => {
    const clock = new SteppedClock();
    const [peer, other] = [await startPeer(clock), await startPeer(clock)];
    const federation = await startFederation({
      clock,
      options: { timeoutMs: 1000 },
      trustedIssuers: [peer.issuer, other.issuer],
    });
    peer.behaviour.faults.jwks = hang();

    let decided = false;
    const waiting = federation.outcome(peer.accessToken()).finally(() => (decided = true));
    expect(await federation.outcome(other.accessToken())).toBe('accepted');
    expect(decided).toBe(false);
    await peer.reached('jwks');
    clock.advance(1);
    expect(await waiting).toBe('503 temporarily_unavailable');

    peer.behaviour.faults = {};
    clock.advance(30);
    expect(await federation.outcome(peer.accessToken())).toBe('accepted');
  });

  it('JW-2: says nothing of the identity provider, which has no part in it', async () => {
    const clock = new SteppedClock();
    const peer = await startPeer(clock);
    await peer.stop();
    const federation = await startFederation({ clock, trustedIssuers: [peer.issuer] });

    await expect(federation.verify(peer.accessToken())).rejects.toMatchObject({
      error: 'temporarily_unavailable',
      description: expect.not.stringContaining('identity provider'),
      retryAfterSec: expect.any(Number),
    });
  });
});
