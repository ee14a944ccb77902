import { describe, expect, it } from 'vitest';

import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';
import { processorMs } from '../../support/processor-time.js';
import { startVerifier } from '../../support/verifier.js';

const LIMIT = 12 * 1024;

/** A genuine token of this many bytes, or of one more where base64url cannot make that. */
function tokenOf(provider: MisbehavingProvider, bytes: number): string {
  for (let filler = Math.max(0, Math.floor((bytes * 3) / 4) - 1000); ; filler += 1) {
    const token = provider.accessToken({ filler: 'x'.repeat(filler) });
    if (token.length >= bytes) return token;
  }
}

describe('oversized tokens', () => {
  it('DS-1: accepts a token of up to 12 KiB and refuses a longer one', async () => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['EdDSA'] } });
    const [largest, larger] = [tokenOf(provider, LIMIT - 2), tokenOf(provider, LIMIT + 1)];

    expect(largest.length).toBeLessThanOrEqual(LIMIT);
    expect(await verifier.outcome(largest)).toBe('accepted');
    expect(await verifier.outcome(larger)).toBe('401 invalid_token');
  });

  it('DS-1: goes by the option "maxTokenBytes"', async () => {
    const { provider, verifier } = await startVerifier({ options: { maxTokenBytes: 2048 } });

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    expect(await verifier.outcome(tokenOf(provider, 2049))).toBe('401 invalid_token');
  });

  it('DS-1: refuses a token that is too long before it decodes or fetches anything', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken({ filler: 'x'.repeat(800_000) });
    expect(token.length).toBeGreaterThan(1024 * 1024);

    const tookMs = await processorMs(async () => {
      for (let at = 0; at < 1000; at += 1) {
        expect(await verifier.outcome(token)).toBe('401 invalid_token');
      }
    });

    expect(tookMs).toBeLessThan(500); // hashing one megabyte takes about one millisecond alone
    expect(provider.requests).toEqual([]);
  });
});
