import { describe, expect, it } from 'vitest';

import { failWith } from '../../support/faults.js';
import { startVerifier } from '../../support/verifier.js';

const HOUR_SEC = 3600;

/** A verifier that has seen two tokens of a long life, one of which it remembers, and then the key went. */
async function startWithWithdrawnKey() {
  const { clock, provider, verifier } = await startVerifier();
  const exp = Math.floor(clock.now().getTime() / 1000) + 24 * HOUR_SEC;
  const [remembered, unseen] = [provider.accessToken({ exp }), provider.accessToken({ exp })];
  const changes = verifier.record('keys-changed');
  await verifier.verify(remembered);
  const { kid } = provider.signingKey;
  provider.withdrawKey(kid);
  return { clock, provider, verifier, changes, kid, remembered, unseen };
}

describe('a withdrawn key', () => {
  it('JW-3: is refused within ten minutes of traffic, also for remembered verifications', async () => {
    const { clock, verifier, changes, kid, remembered, unseen } = await startWithWithdrawnKey();

    for (let minute = 1; minute <= 10; minute += 1) {
      clock.advance(60);
      await verifier.outcome(remembered);
      await verifier.settled();
    }

    expect(await verifier.outcome(remembered)).toBe('401 invalid_token');
    expect(await verifier.outcome(unseen)).toBe('401 invalid_token');
    expect(changes).toEqual([{ provider: 'default', added: [], removed: [kid] }]);
  });

  it('JW-3: is refused by the first token after more than ten quiet minutes', async () => {
    const { clock, verifier, unseen } = await startWithWithdrawnKey();

    clock.advance(11 * 60);

    expect(await verifier.outcome(unseen)).toBe('401 invalid_token');
  });

  it('JW-3: is refused after ten quiet minutes for a remembered verification too', async () => {
    const { clock, verifier, remembered } = await startWithWithdrawnKey();

    clock.advance(11 * 60);

    expect(await verifier.outcome(remembered)).toBe('401 invalid_token');
  });

  it('JW-3: is refused within 30 s after its source was down for hours', async () => {
    const { clock, provider, verifier, remembered, unseen } = await startWithWithdrawnKey();
    provider.behaviour.faults.jwks = failWith(503);
    for (let minute = 0; minute < 120; minute += 1) {
      clock.advance(60);
      expect(await verifier.outcome(remembered)).toBe('accepted');
    }

    provider.behaviour.faults = {};
    clock.advance(30);
    await verifier.outcome(unseen);
    await verifier.settled();

    expect(await verifier.outcome(unseen)).toBe('401 invalid_token');
    expect(await verifier.outcome(remembered)).toBe('401 invalid_token');
  });

  it('JW-3: does not end the keys beside it, nor those that were only published again', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const [, ec] = provider.keys;
    if (ec === undefined) throw new Error('no key');
    const exp = Math.floor(clock.now().getTime() / 1000) + HOUR_SEC;
    const token = provider.accessToken({ exp }, {}, ec);
    await verifier.verify(token);
    provider.withdrawKey(provider.signingKey.kid);
    const changes = verifier.record('keys-changed');

    clock.advance(301);
    await verifier.verify(token);
    await verifier.settled();

    expect(changes).toHaveLength(1);
    expect(await verifier.outcome(token)).toBe('accepted');
  });

  it('JW-3: verifies again when it comes back', async () => {
    const { clock, provider, verifier } = await startVerifier();
    const before = provider.jwks;
    const token = provider.accessToken();
    await verifier.verify(token);
    provider.behaviour.jwks = () => ({ keys: [] });
    clock.advance(60);
    await verifier.outcome(provider.accessToken({}, { kid: 'unknown' }));
    expect(await verifier.outcome(token)).toBe('401 invalid_token');

    provider.behaviour.jwks = () => before;
    clock.advance(60);

    expect(await verifier.outcome(token)).toBe('accepted');
  });
});
