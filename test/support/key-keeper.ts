import { Test } from '@nestjs/testing';
import { onTestFinished } from 'vitest';

import { Revocations } from '../../lib/sessions/revocations.js';
import { SigningKeys } from '../../lib/keys/signing-keys.js';
import { TokenMinter } from '../../lib/sessions/token-minter.js';
import { Clock } from '../../lib/clock/clock.js';
import { HostFaults } from '../../lib/events/host-faults.js';
import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/events/oidc-events.js';
import type { BrokerOptions, OidcAuthOptions } from '../../lib/index.js';
import { BROKER_STORE, RESOLVED_OPTIONS } from '../../lib/options/options.token.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { StoreAccess } from '../../lib/store/store-access.js';
import { FakeClock } from './fake-clock.js';

/** The `iss` and `aud` of what a {@link KeyKeeper} mints. */
export const KEEPER_ISSUER = 'https://app.example.org';
export const KEEPER_AUDIENCE = 'myapp-api';

export interface KeyKeeperOptions {
  readonly store?: BrokerStore;
  readonly clock?: FakeClock;
  readonly broker?: Partial<BrokerOptions>;
  readonly options?: Partial<OidcAuthOptions>;
}

/** One instance's signing keys, minter and revocations: the real classes in a container, without routes and upkeep. */
export class KeyKeeper {
  constructor(
    readonly keys: SigningKeys,
    readonly minter: TokenMinter,
    readonly store: BrokerStore,
    readonly clock: FakeClock,
    private readonly events: OidcEvents,
    readonly ring: KeyRing,
    readonly revocations: Revocations,
  ) {}

  /** Collects the events of a name from now on. */
  record<Name extends OidcEventName>(name: Name): OidcEventMap[Name][] {
    const seen: OidcEventMap[Name][] = [];
    this.events.on(name, (event) => {
      seen.push(event);
    });
    return seen;
  }

  /** Ids of the keys in the JWKS, the one that signs first. */
  async kids(): Promise<string[]> {
    const { kid: signing } = await this.keys.current();
    const all = (await this.keys.published()).map(({ kid }) => kid);
    return [signing, ...all.filter((kid) => kid !== signing)];
  }

  /** A token for alice that nothing but its own lifetime limits. */
  async token(): Promise<string> {
    const notAfter = new Date(this.clock.now().getTime() + 365 * 24 * 3600 * 1000);
    const request = { claims: { sub: 'alice' }, scope: 'openid', sessionId: undefined, notAfter };
    return (await this.minter.mint(request)).token;
  }
}

/** Starts an instance; several with one store are a fleet. It ends with the test. P-256 unless told otherwise: RSA keys are slow to make. */
export async function startKeyKeeper({
  store = new MemoryBrokerStore(),
  clock = new FakeClock(),
  broker = {},
  options = {},
}: KeyKeeperOptions = {}): Promise<KeyKeeper> {
  const resolved = resolveOptions(
    {
      clientId: 'my-client',
      clientSecret: 'client-secret-of-at-least-32-characters',
      discoveryUrl: 'https://idp.example.org',
      audience: 'my-aud',
      publicUrl: KEEPER_ISSUER,
      ...options,
      broker: { audience: KEEPER_AUDIENCE, store, signingAlgorithm: 'ES256', ...broker },
    },
    resolveRoutes(),
  );
  const module = await Test.createTestingModule({
    providers: [
      { provide: RESOLVED_OPTIONS, useValue: resolved },
      { provide: BROKER_STORE, useValue: undefined },
      { provide: Clock, useValue: clock },
      KeyRing,
      OidcEvents,
      Revocations,
      SigningKeys,
      HostFaults,
      StoreAccess,
      TokenMinter,
    ],
  }).compile();
  await module.init();
  onTestFinished(() => module.close());
  const [keys, minter] = [module.get(SigningKeys), module.get(TokenMinter)];
  const [events, ring] = [module.get(OidcEvents), module.get(KeyRing)];
  return new KeyKeeper(keys, minter, store, clock, events, ring, module.get(Revocations));
}
