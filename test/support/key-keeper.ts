import { Revocations } from '../../lib/sessions/revocations.js';
import { SigningKeys } from '../../lib/keys/signing-keys.js';
import { TokenMinter } from '../../lib/sessions/token-minter.js';
import type { Clock } from '../../lib/clock/clock.js';
import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/events/oidc-events.js';
import type { BrokerOptions, OidcAuthOptions } from '../../lib/index.js';
import type { ResolvedBrokerOptions } from '../../lib/options/resolve-broker.js';
import type { ResolvedOptions } from '../../lib/options/resolve-options.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { FakeClock } from './fake-clock.js';
import { brokerModeOptions, startStoreAccess } from './store-access.js';

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
    const user = { claims: { sub: 'alice' }, provider: 'default', clientId: 'my-client' };
    const request = { ...user, scope: 'openid', sessionId: undefined, notAfter };
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
  const resolved = brokerModeOptions(
    { publicUrl: KEEPER_ISSUER, ...options },
    { audience: KEEPER_AUDIENCE, store, signingAlgorithm: 'ES256', ...broker },
  );
  const given: [ResolvedOptions, ResolvedBrokerOptions, Clock] = [
    resolved.options,
    resolved.broker,
    clock,
  ];
  const ring = new KeyRing(resolved.options, clock);
  const events = new OidcEvents(clock);
  const access = await startStoreAccess({ options: resolved.options, store, events, clock });
  const keys = new SigningKeys(...given, access, events, ring);
  const minter = new TokenMinter(...given, keys);
  const revocations = new Revocations(...given, access, keys, events);
  return new KeyKeeper(keys, minter, store, clock, events, ring, revocations);
}
