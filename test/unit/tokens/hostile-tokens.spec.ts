import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OAuthError } from '../../../lib/errors/oauth.error.js';
import { challengeOf } from '../../../lib/tokens/challenge.js';
import { FakeClock } from '../../support/fake-clock.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../../support/misbehaving-provider.js';
import type { KeyAlgorithm } from '../../support/signing-keys.js';
import { TestServer } from '../../support/test-server.js';
import {
  accepted,
  refused,
  tokenVectors,
  validToken,
  type TokenVector,
  type VectorId,
} from '../../support/token-vectors.js';
import { buildVerifier, type TestVerifier } from '../../support/verifier.js';

const rows: readonly [id: VectorId, refuses: string][] = [
  ['JV-1', 'confused, unsigned and shared-secret algorithms'],
  ['JV-2', 'keys, curves and signatures that do not fit'],
  ['JV-3', 'keys that the token brings along'],
  ['JV-4', 'key ids that are none of the issuer'],
  ['JV-5', 'critical headers, encryption, compression and loose encodings'],
  ['JV-6', 'issuers and audiences that are nearly right'],
  ['JV-7', 'times that are absent, past, future or no numbers'],
  ['JV-8', 'tokens of another kind'],
  ['JV-9', 'payloads that are no object or mistyped'],
];

const keyOrders: readonly (readonly [KeyAlgorithm, ...KeyAlgorithm[]])[] = [
  ['RS256', 'ES256', 'EdDSA'],
  ['ES256', 'RS256', 'EdDSA'],
  ['EdDSA', 'RS256', 'ES256'],
];

describe.each(keyOrders)('hostile tokens around a %s token', (...algorithms) => {
  const clock = new FakeClock();
  const attacker = new TestServer((_incoming, response) => response.end('{"keys":[]}'));
  let provider: MisbehavingProvider;
  let verifier: TestVerifier;
  let all: TokenVector[];

  beforeAll(async () => {
    provider = await startMisbehavingProvider({
      algorithms,
      behaviour: { now: () => clock.now() },
    });
    await attacker.start();
    verifier = buildVerifier(provider, { clock });
    all = await tokenVectors({ ...provider.vectorSource, attackerUrl: attacker.origin });
  });

  afterAll(async () => {
    await provider.close();
    await attacker.close();
  });

  /** The vectors that a verifier does not end in one of these ways. */
  const misjudged = async (list: readonly TokenVector[], right: readonly string[]) => {
    const wrong: string[] = [];
    for (const { name, token } of list) {
      const outcome = await verifier.outcome(token);
      if (!right.includes(outcome)) wrong.push(`${name}: ${outcome}`);
    }
    return wrong;
  };

  it('JV-1: accepts the good token that the hostile ones are made from', async () => {
    const token = await validToken(provider.vectorSource);

    expect(await verifier.outcome(token)).toBe('accepted');
  });

  it.each(rows)('%s: refuses %s', async (id) => {
    const list = refused(all, id);

    const wrong = await misjudged(list, ['401 invalid_token']);

    expect(list.length).toBeGreaterThan(10);
    expect(wrong).toEqual([]);
  });

  it('JV-3: accepts what looks odd and is right', async () => {
    expect(await misjudged(accepted(all), ['accepted'])).toEqual([]);
  });

  it('JV-9: does nothing but accept or refuse where the requirement leaves it open', async () => {
    const open = all.filter(({ verdict }) => verdict === 'either');

    expect(await misjudged(open, ['accepted', '401 invalid_token'])).toEqual([]);
  });

  it('JV-1: answers every refusal with one text and one challenge, so that none tells its reason', async () => {
    const texts = new Set<string>();
    const challenges = new Set<string | undefined>();

    for (const { name, token } of refused(all)) {
      const refusal = await verifier.verify(token).catch((error: unknown) => error);
      if (!(refusal instanceof OAuthError)) throw new Error(`Not refused: ${name}`);
      texts.add(JSON.stringify(refusal.getResponse()));
      challenges.add(challengeOf(refusal));
    }

    expect([...texts]).toHaveLength(1);
    expect([...challenges]).toEqual([
      'Bearer error="invalid_token", error_description="The access token is invalid or has expired"',
    ]);
  });

  it.each(['JV-1', 'JV-5'] as const)('%s: refuses before it asks for keys', async (id) => {
    const cold = buildVerifier(provider, { clock });
    provider.clearRequests();

    for (const { token } of refused(all, id)) {
      expect(await cold.outcome(token)).toBe('401 invalid_token');
    }

    expect(provider.requests).toEqual([]);
  });

  it('JV-3: asks nobody for a key but the configured issuer, and that one seldom', async () => {
    const fresh = buildVerifier(provider, { clock });
    provider.clearRequests();

    for (const { token } of all) await fresh.outcome(token);

    expect(attacker.requests).toEqual([]);
    expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(3);
    expect(provider.requestsTo('discovery')).toHaveLength(1);
  });
});
