import { describe, expect, it } from 'vitest';

import { failWith } from '../../support/faults.js';
import { testKey } from '../../support/signing-keys.js';
import { startVerifier } from '../../support/verifier.js';

describe('tokens that a client refreshes by itself', () => {
  it('RF-5: come without their ID token when its key cannot be had, and are not lost', async () => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['ES256'] } });
    const refreshToken = provider.grantRefreshToken();
    await verifier.provider.prepare();
    provider.behaviour.faults.jwks = failWith(503);
    provider.signingKey = await testKey('ES256', 'next');

    const answer = await verifier.provider.refresh(refreshToken, undefined);

    expect(answer.idToken).toBeUndefined();
    expect(provider.refreshTokenState(refreshToken)).toBe('used');
    expect(provider.refreshTokenState(answer.refreshToken ?? '')).toBe('live');
  });

  it('CB-5: are none when their ID token is signed by somebody else', async () => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['ES256'] } });
    const refreshToken = provider.grantRefreshToken();
    const [published] = provider.keys;
    const attacker = await testKey('ES256', 'attacker');
    provider.behaviour.idToken.signer = attacker;
    provider.behaviour.idToken.header = (header) => ({ ...header, kid: published?.kid });

    await expect(verifier.provider.refresh(refreshToken, undefined)).rejects.toMatchObject({
      error: 'server_error',
    });
  });
});
