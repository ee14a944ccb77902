import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { describe, expect, it } from 'vitest';

import { OAuthError, unavailable } from '../../../lib/errors/oauth.error.js';
import { OidcEvents } from '../../../lib/events/oidc-events.js';
import { DeviceCodeGrant } from '../../../lib/grants/device-code.grant.js';
import { GuardedFetch } from '../../../lib/http/guarded-fetch.js';
import type { DeviceAuthorization } from '../../../lib/providers/device-login.js';
import { IdentityProvider } from '../../../lib/providers/identity-provider.js';
import { ProviderConnection } from '../../../lib/providers/provider-connection.js';
import type { TokenAnswer } from '../../../lib/providers/token-answer.js';
import { resolveOptions } from '../../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../../lib/options/resolve-routes.js';
import { FakeClock } from '../../support/fake-clock.js';
import { oneProvider, providerOptionsOf } from '../../support/one-provider.js';

const neverConcluded = (): Promise<never> => Promise.reject(new Error('no login ends here'));

const CAPACITY = 10_000;

/** Its users never finish. */
class WaitingProvider extends IdentityProvider {
  polls = 0;

  override async startDeviceLogin(): Promise<DeviceAuthorization> {
    return {
      device_code: 'begun-here',
      user_code: 'u',
      verification_uri: 'https://idp.example/device',
      expires_in: 600,
      interval: 30,
    };
  }

  override async pollDeviceLogin(): Promise<TokenAnswer> {
    this.polls += 1;
    throw new OAuthError('authorization_pending', 'Not yet');
  }
}

function setUp({
  isOn = true,
  prepare = async () => undefined,
}: { isOn?: boolean; prepare?: () => Promise<undefined> } = {}) {
  const clock = new FakeClock();
  const options = resolveOptions(
    {
      clientId: 'my-client',
      discoveryUrl: 'https://idp.example/',
      publicUrl: 'https://app.example',
      audience: 'my-aud',
      grants: { device: isOn },
    },
    resolveRoutes({}),
  );
  const events = new OidcEvents(clock);
  const given = providerOptionsOf(options);
  const connection = new ProviderConnection(given, new GuardedFetch(given, clock), clock, events);
  const provider = new WaitingProvider(given, connection, events, clock);
  const providers = oneProvider({ options, clock, events }, provider);
  const chosen = { of: async () => ({ provider, byHost: false }) };
  const finisher = { prepare, concludeDevice: neverConcluded };
  const grant = new DeviceCodeGrant(providers, chosen, finisher, clock, options);

  const poll = async (deviceCode: string): Promise<string> => {
    try {
      await grant.redeem(deviceCode);
      return 'tokens';
    } catch (error) {
      return error instanceof OAuthError ? `${error.getStatus()} ${error.error}` : String(error);
    }
  };
  return { clock, provider, grant, poll };
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

describe('the memory of polls', () => {
  it('DV-3: keeps the interval of a login that began here', async () => {
    const { clock, provider, grant, poll } = setUp();
    const { device_code } = await grant.start({});

    const outcomes = [await poll(device_code)];
    for (const step of [29.4, 0.1]) {
      clock.advance(step);
      outcomes.push(await poll(device_code));
    }

    const waiting = '400 authorization_pending';
    expect(outcomes).toEqual([waiting, '400 slow_down', waiting]);
    expect(provider.polls).toBe(2);
  });

  it('DV-3: takes five seconds for the interval of a login that began elsewhere', async () => {
    const { clock, provider, poll } = setUp();
    clock.advance(3600);

    const outcomes = [await poll('begun-elsewhere')];
    for (const step of [4.4999, 4.4999, 4.5]) {
      clock.advance(step);
      outcomes.push(await poll('begun-elsewhere'));
    }

    const [waiting, tooSoon] = ['400 authorization_pending', '400 slow_down'];
    expect(outcomes).toEqual([waiting, tooSoon, waiting, waiting]);
    expect(provider.polls).toBe(3);
  });

  it('DV-3: takes whoever polled last for the youngest', async () => {
    const { clock, poll } = setUp();
    for (let n = 0; n < CAPACITY; n += 1) await poll(`code-${n}`);
    clock.advance(5);
    await poll('code-0');

    await poll('one-too-many');
    expect(await poll('code-0')).toBe('400 slow_down');
    expect(await poll('code-1')).toBe('400 authorization_pending');
  });

  it('DV-3: holds ten thousand device codes and forgets the oldest', async () => {
    const { provider, poll } = setUp();
    for (let n = 0; n < CAPACITY; n += 1) await poll(`code-${n}`);
    const full = [await poll('code-0'), await poll(`code-${CAPACITY - 1}`)];

    await poll('one-too-many');
    const callsBefore = provider.polls;
    const oldest = await poll('code-0');
    const recent = await poll(`code-${CAPACITY - 1}`);

    expect(full).toEqual(['400 slow_down', '400 slow_down']);
    expect(oldest).toBe('400 authorization_pending');
    expect(recent).toBe('400 slow_down');
    expect(provider.polls).toBe(callsBefore + 1);
  });

  it('DV-3: holds hashes, however long the codes are', async () => {
    const { poll } = setUp();
    const before = heapAfterCollection();

    for (let n = 0; n < 2 * CAPACITY; n += 1) await poll(String(n).padEnd(8192, 'x'));

    // The codes themselves would be 80 MB.
    expect(heapAfterCollection() - before).toBeLessThan(20_000_000);
    await poll('still there');
  });
});

describe('a device login', () => {
  it('DV-1: is 503 where the grant is off', async () => {
    await expect(setUp({ isOn: false }).grant.start({})).rejects.toMatchObject({
      error: 'temporarily_unavailable',
    });
  });

  it('DV-2: costs nothing while the store is down: the client polls again', async () => {
    const { provider, poll } = setUp({ prepare: () => Promise.reject(unavailable('the store')) });

    expect(await poll('a-code')).toBe('400 slow_down');
    expect(provider.polls).toBe(0);
  });

  it('DV-2: fails with a fault of ours as it is', async () => {
    const { provider, poll } = setUp({ prepare: () => Promise.reject(new TypeError('a fault')) });

    expect(await poll('a-code')).toBe('TypeError: a fault');
    expect(provider.polls).toBe(0);
  });
});
