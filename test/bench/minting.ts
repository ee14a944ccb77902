import { ModuleRef } from '@nestjs/core';
import { SignJWT } from 'jose';

import { SystemClock } from '../../lib/clock/clock.js';
import { HostFaults } from '../../lib/events/host-faults.js';
import { OidcEvents } from '../../lib/events/oidc-events.js';
import { SigningKeys } from '../../lib/keys/signing-keys.js';
import { jose } from '../../lib/libraries/jose.js';
import type { SigningAlgorithm } from '../../lib/options/broker-options.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import { TokenMinter } from '../../lib/sessions/token-minter.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { StoreAccess } from '../../lib/store/store-access.js';

await jose(); // Vite loads nothing more once this module has been imported

const CLAIMS = {
  sub: 'user-1',
  preferred_username: 'jane',
  name: 'Jane Doe',
  email: 'jane@example.org',
  roles: ['staff', 'offline_access', 'uma_authorization'],
};
const AT_ONCE = 8;
const BATCHES = 10;

interface Minting {
  readonly mint: () => Promise<unknown>;
  readonly sign: () => Promise<unknown>;
}

/** The class that mints, and jose with the same key and claims. */
async function mintings(algorithm: SigningAlgorithm): Promise<Minting> {
  const store = new MemoryBrokerStore();
  const options = resolveOptions(
    {
      clientId: 'bench-client',
      clientSecret: 'client-secret-of-the-benchmarks-32-long',
      discoveryUrl: 'https://idp.example.org',
      audience: 'bench-api',
      publicUrl: 'http://localhost:3000',
      broker: { audience: 'bench-broker-api', store, signingAlgorithm: algorithm },
    },
    resolveRoutes(),
  );
  const { broker } = options;
  if (broker === undefined) throw new Error('These are options of broker mode');
  const clock = new SystemClock();
  const events = new OidcEvents(clock);
  const container: ModuleRef = Object.create(ModuleRef.prototype);
  const faults = new HostFaults(clock, options);
  const access = new StoreAccess(options, store, events, container, faults, clock);
  await access.start();
  const keys = new SigningKeys(options, broker, clock, access, events, new KeyRing(options, clock));
  const minter = new TokenMinter(options, broker, clock, keys);
  await keys.ready();
  const { privateKey, kid } = await keys.current();
  const now = Math.floor(Date.now() / 1000);
  const request = {
    claims: CLAIMS,
    provider: 'default',
    clientId: 'bench-client',
    scope: 'openid profile email',
    sessionId: '0123456789abcdef0123456789abcdef',
    notAfter: new Date(Date.now() + 86_400_000),
  };
  const claims = {
    ...CLAIMS,
    iss: 'http://localhost:3000',
    aud: 'bench-broker-api',
    client_id: 'bench-client',
    scope: request.scope,
    jti: '01234567-89ab-cdef-0123-456789abcdef',
    sid: request.sessionId,
    iat: now,
    exp: now + 3600,
  };
  const header = { alg: algorithm, kid, typ: 'at+jwt' };
  return {
    mint: () => minter.mint(request),
    sign: () => new SignJWT({ ...claims }).setProtectedHeader(header).sign(privateKey),
  };
}

/** Processor time of one, in microseconds. */
async function costOf(work: () => Promise<unknown>, times: number): Promise<number> {
  const before = process.cpuUsage();
  let left = times;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

/** What one token costs, minted and signed in turn. */
export async function main({
  algorithm,
  times,
}: {
  readonly algorithm: SigningAlgorithm;
  readonly times: number;
}): Promise<{ readonly mintUs: number; readonly signUs: number }> {
  const { mint, sign } = await mintings(algorithm);
  const batch = Math.ceil(times / BATCHES);
  await costOf(mint, times); // warm
  await costOf(sign, times);
  let [mintUs, signUs] = [0, 0];
  for (let at = 0; at < BATCHES; at += 1) {
    mintUs += (await costOf(mint, batch)) / BATCHES;
    signUs += (await costOf(sign, batch)) / BATCHES;
  }
  return { mintUs, signUs };
}
