import { describe, expect, it } from 'vitest';

import { startEndlessServer } from '../../support/endless-server.js';
import { answerWith, drip, type Fault } from '../../support/faults.js';
import { startFederation, startPeer } from '../../support/federation.js';
import { testKey, withKid } from '../../support/signing-keys.js';
import { SteppedClock } from '../../support/stepped-clock.js';

/** A trusted issuer that does what it likes, beside one that behaves. */
async function startBesideGoodPeer() {
  const clock = new SteppedClock();
  const whileWaiting = () => clock.advance(0.3);
  const [hostile, good] = [await startPeer(clock, { whileWaiting }), await startPeer(clock)];
  const federation = await startFederation({
    clock,
    options: { timeoutMs: 300 },
    trustedIssuers: [hostile.issuer, good.issuer],
  });
  return { clock, hostile, good, federation };
}

describe('a trusted issuer that turns hostile', () => {
  it('JW-6: loses its unusable keys one by one, and the rest works', async () => {
    const { hostile, federation } = await startBesideGoodPeer();
    const elliptic = await testKey('ES256', 'hostile');
    const odd = [
      null,
      'key',
      { kty: 'XYZ' },
      { kty: 'oct', k: 'AAAA', kid: 'shared' },
      { ...hostile.signingKey.privateJwk, kid: 'private' },
      { ...elliptic.publicJwk, kid: 'broken', y: elliptic.publicJwk.x },
    ];
    hostile.behaviour.jwks = ({ keys }) => ({ keys: [...odd, ...keys, elliptic.publicJwk] });

    expect(await federation.outcome(hostile.accessToken())).toBe('accepted');
    expect(await federation.outcome(hostile.accessToken({}, {}, elliptic))).toBe('accepted');
    for (const kid of ['shared', 'private', 'broken']) {
      const token = hostile.accessToken({}, {}, withKid(hostile.signingKey, kid));
      expect(await federation.outcome(token)).toBe('401 invalid_token');
    }
  });

  it('JW-6: cannot replace a key of another issuer by one of the same key id', async () => {
    const { hostile, good, federation } = await startBesideGoodPeer();
    await federation.verify(good.accessToken());
    const planted = withKid(hostile.signingKey, good.signingKey.kid);
    hostile.behaviour.jwks = () => ({ keys: [planted.publicJwk, good.signingKey.publicJwk] });

    const forged = hostile.accessToken({ iss: good.issuer }, {}, planted);

    expect(await federation.outcome(hostile.accessToken({}, {}, planted))).toBe('accepted');
    expect(await federation.outcome(forged)).toBe('401 invalid_token');
    expect(await federation.outcome(good.accessToken())).toBe('accepted');
  });

  it.each<[string, Fault]>([
    ['sends no JWKS', answerWith({ status: 200, body: { keys: 'none' } })],
    [
      'sends too many keys',
      answerWith({ status: 200, body: { keys: '{}'.repeat(101).match(/../g) } }),
    ],
    ['nests without end', answerWith({ status: 200, body: `{"keys":${'['.repeat(200_000)}` })],
    ['drips', drip({ bytes: 1, everyMs: 25 })],
  ])('JW-6: harms its own tokens alone when it %s', async (_how, fault) => {
    const { hostile, good, federation } = await startBesideGoodPeer();
    hostile.behaviour.faults.jwks = fault;

    const outcomes = await Promise.all([
      federation.outcome(hostile.accessToken()),
      federation.outcome(good.accessToken()),
    ]);

    expect(outcomes).toEqual(['503 temporarily_unavailable', 'accepted']);
  });

  it('JW-6: harms its own tokens alone when its key set never ends', async () => {
    const clock = new SteppedClock();
    const [hostile, good] = [await startEndlessServer(), await startPeer(clock)];
    const trustedIssuers = [hostile, good.issuer];
    const federation = await startFederation({ clock, trustedIssuers });

    const outcomes = await Promise.all([
      federation.outcome(good.accessToken({ iss: hostile })),
      federation.outcome(good.accessToken()),
    ]);

    expect(outcomes).toEqual(['503 temporarily_unavailable', 'accepted']);
  });

  it('JW-6: forges no line in the log', async () => {
    const { clock, hostile, federation } = await startBesideGoodPeer();
    const changes = federation.record('peer-keys-changed');
    await federation.verify(hostile.accessToken());
    const kid = `x\n[Nest] ERROR ${'y'.repeat(200)}`;
    hostile.behaviour.jwks = () => ({ keys: [withKid(hostile.signingKey, kid).publicJwk] });
    clock.advance(660);

    await federation.outcome(hostile.accessToken());

    expect(changes).toHaveLength(1);
    expect(changes[0]?.added[0]).toMatch(/^x\\u000a\[Nest\]/);
  });
});
