import { randomBytes } from 'node:crypto';

import { beforeAll, describe, expect, it } from 'vitest';

import { OAuthError } from '../../lib/errors/oauth.error.js';
import { DeviceCodeGrant } from '../../lib/grants/device-code.grant.js';
import { IdentityProvider } from '../../lib/providers/identity-provider.js';
import { FinishedLogins } from '../../lib/login/finished-logins.js';
import type { IdTokenClaims } from '../../lib/tokens/id-token-claims.js';
import { VerificationCache } from '../../lib/tokens/verification-cache.js';
import type { TokenIssuer } from '../../lib/tokens/verification-keys.js';
import { compactJws, type Signer } from '../support/compact-jws.js';
import { oneProvider, providerOptionsOf } from '../support/one-provider.js';
import { FakeClock } from '../support/fake-clock.js';
import { memoryGrowth } from '../support/memory.js';
import { TEST_AUDIENCE } from '../support/provider-options.js';
import { buildVerifier, type TestVerifier } from '../support/verifier.js';

const neverConcluded = (): Promise<never> => Promise.reject(new Error('no login ends here'));

const MIB = 1024 * 1024;
const MANY = 100_000;

/** A provider that nobody has finished a device login at. */
class WaitingProvider extends IdentityProvider {
  polls = 0;

  override async pollDeviceLogin(): Promise<never> {
    this.polls += 1;
    throw new OAuthError('authorization_pending', 'Not yet');
  }
}

/** An issuer that has no key. */
const NOBODY: TokenIssuer = {
  kind: 'provider',
  issuer: 'https://idp.example.org',
  provider: 'default',
  keys: { candidates: async () => [], holds: () => true },
  algorithms: [],
  audience: false,
  clientId: 'my-client',
  roleClients: [],
  defaultDemands: [],
  demands: [],
};

function expectBounded({ heap, rss }: { heap: number; rss: number }): void {
  expect(heap).toBeLessThan(50 * MIB);
  expect(rss).toBeLessThan(50 * MIB);
}

/** A fetch that never reaches a network. */
function deafFetch(status = 404): typeof fetch {
  return async () => new Response(null, { status });
}

describe('memory', { timeout: 300_000 }, () => {
  let clock: FakeClock;
  let verifier: TestVerifier;

  beforeAll(async () => {
    clock = new FakeClock();
    const provider = { discoveryUrl: 'https://idp.example.org' };
    verifier = buildVerifier(provider, { clock, options: { fetch: deafFetch() } });
  });

  it('DS-2: is bounded for finished logins', async () => {
    const finished = new FinishedLogins(clock);

    const growth = await memoryGrowth(() => {
      for (let at = 0; at < MANY; at += 1) finished.take(randomBytes(32).toString('base64url'));
    });

    expectBounded(growth);
    expect(finished.take('one more')).toBe(true);
  });

  it('DS-2: is bounded for device codes, however long they are', async () => {
    const { options, connection, events } = verifier;
    const provider = new WaitingProvider(providerOptionsOf(options), connection, events, clock);
    const providers = oneProvider({ options, clock, events }, provider);
    const chosen = { of: async () => ({ provider, byHost: false }) };
    const finisher = { prepare: async () => undefined, concludeDevice: neverConcluded };
    const grant = new DeviceCodeGrant(providers, chosen, finisher, clock, options);
    const tail = 'x'.repeat(1000);

    const growth = await memoryGrowth(async () => {
      for (let at = 0; at < MANY; at += 1)
        await grant.redeem(`${at}${tail}`).catch(() => undefined);
    });

    expectBounded(growth);
    expect(provider.polls).toBe(MANY);
  });

  it('DS-2: is bounded for remembered verifications', async () => {
    const cache = new VerificationCache();
    const exp = Math.floor(Date.now() / 1000) + 3600;
    const remember = (at: number): void => {
      const claims: IdTokenClaims = {
        iss: 'https://idp.example.org',
        sub: `sub-${at}`,
        exp,
        jti: randomBytes(16).toString('hex'),
        realm_access: { roles: Array.from({ length: 20 }, (_, role) => `role-${at}-${role}`) },
      };
      cache.set(`token ${at}`, {
        claims,
        issuer: { ...NOBODY },
        holds: () => true,
      });
    };

    const growth = await memoryGrowth(() => {
      for (let at = 0; at < MANY; at += 1) remember(at);
    });

    expectBounded(growth);
    expect(cache.get('token 0', 0)).toBeUndefined();
    expect(cache.get(`token ${MANY - 1}`, 0)).toBeDefined();
  });

  it('DS-2: is bounded for unknown issuers', async () => {
    const signer: Signer = { alg: 'RS256', kid: 'k', sign: () => Buffer.alloc(256, 1) };
    const claims = { aud: TEST_AUDIENCE, sub: 's', exp: 9_999_999_999 };
    const refused = verifier.record('issuer-refused');

    const growth = await memoryGrowth(async () => {
      for (let at = 0; at < MANY / 4; at += 1) {
        const iss = `https://${at}.evil.example/${'x'.repeat(100)}`;
        await verifier.outcome(compactJws({ alg: 'RS256', kid: 'k' }, { ...claims, iss }, signer));
        refused.length = 0;
      }
    });

    expectBounded(growth);
  });

  it('DS-2: does not grow with the number of calls that were made and ended', async () => {
    const calls = MANY / 2;
    for (let at = 0; at < 1000; at += 1)
      await verifier.http.request(`https://idp.example.org/${at}`, {});

    const growth = await memoryGrowth(async () => {
      for (let at = 0; at < calls; at += 1)
        await verifier.http.request(`https://idp.example.org/${at}`, {});
    });

    expectBounded(growth);
    expect(growth.heap / calls).toBeLessThan(20);
  });
});
