import type { OwnIssuer } from '../../lib/sessions/own-issuer.js';
import { RefreshTokens } from '../../lib/sessions/refresh-tokens.js';
import type { Revocations } from '../../lib/sessions/revocations.js';
import type { SessionRefresh } from '../../lib/sessions/session-refresh.js';
import type { Sessions } from '../../lib/sessions/sessions.js';
import type { SigningKeys } from '../../lib/keys/signing-keys.js';
import { OidcEvents } from '../../lib/events/oidc-events.js';
import { MintedSubjects } from '../../lib/users/minted-subjects.js';
import { SessionUpstream } from '../../lib/users/session-upstream.js';
import type { UserSessions } from '../../lib/sessions/user-sessions.js';
import type { IdentityProvider } from '../../lib/providers/identity-provider.js';
import type { KeyRing } from '../../lib/sealing/key-ring.js';
import type { StoreAccess } from '../../lib/store/store-access.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { ClaimsCollectors } from '../../lib/users/claims-collectors.js';
import { oneProvider, providerOptionsOf } from '../support/one-provider.js';
import { SessionParts } from '../../lib/sessions/session-parts.js';
import { type ResolvedForBroker, brokerModeOptions, storeAccess } from '../support/store-access.js';
import { SimulatedClock } from './simulated-clock.js';
import { type SimulatedProvider, providerAt } from './simulated-provider.js';
import { type StoreWorld, connectionOf } from './simulated-store.js';
import type { Process, Timeline } from './timeline.js';

export const OWN_ISSUER = 'https://app.example.org';

/** Options by how long tokens live: to resolve them takes longer than a schedule. */
const resolved = new Map<number, ResolvedForBroker>();

function optionsFor(accessTokenLifetimeSec: number): ResolvedForBroker {
  const known = resolved.get(accessTokenLifetimeSec);
  if (known !== undefined) return known;
  const options = brokerModeOptions(
    {
      publicUrl: OWN_ISSUER,
      encryptionKeys: ['encryption-key-of-the-simulation-32+'],
    },
    {
      audience: 'myapp-api',
      store: new MemoryBrokerStore(),
      signingAlgorithm: 'ES256',
      accessTokenLifetimeSec,
    },
  );
  resolved.set(accessTokenLifetimeSec, options);
  return options;
}

/** Encrypts nothing: what is secret is not the matter here, and encryption takes most of the time. */
class PlainKeyRing {
  readonly origin = 'encryptionKeys';

  rowSealer() {
    return {
      seal: async (text: string, place: string) => `${place} ${text}`,
      open: async (sealed: string, place: string) =>
        sealed.startsWith(`${place} `)
          ? { text: sealed.slice(place.length + 1), current: true }
          : undefined,
    };
  }

  mac() {
    const code = Buffer.alloc(32);
    return { of: () => code, verify: () => true };
  }
}

const plainKeyRing: KeyRing = Object(new PlainKeyRing());

/** What every instance of an application shares. */
export interface Surroundings {
  readonly timeline: Timeline;
  readonly storeWorld: StoreWorld;
  readonly provider: SimulatedProvider;
}

/** An instance of the application: the library's own classes, on a simulated process. */
export class Instance {
  readonly clock: SimulatedClock;
  readonly sessions: Sessions;
  readonly refresh: SessionRefresh;
  readonly users: UserSessions;
  readonly keys: SigningKeys;
  readonly revocations: Revocations;
  readonly own: OwnIssuer;
  readonly events: OidcEvents;
  readonly #store: StoreAccess;
  /** Since when it has had every chance to know what others did. */
  knowsSince = Infinity;

  constructor(
    readonly process: Process,
    readonly lifetimeSec: number,
    { timeline, storeWorld, provider }: Surroundings,
  ) {
    this.clock = new SimulatedClock(timeline, process);
    const { options, broker } = optionsFor(lifetimeSec);
    const { clock } = this;
    this.events = new OidcEvents(clock);
    const { events } = this;
    const store = connectionOf(storeWorld, process);
    this.#store = storeAccess({ options, store, events, clock });
    const simulated = providerAt(provider, process, clock);
    const identityProvider: IdentityProvider = Object.assign(Object(simulated), {
      options: providerOptionsOf(options),
      limitedScope: (scope: string) => scope,
    });
    const providers = oneProvider({ options, clock, events }, identityProvider);
    const subjects = new MintedSubjects(options, providers);
    const collectors = new ClaimsCollectors({ options, broker, clock, subjects, events });
    const upstream = new SessionUpstream(providers, collectors, subjects, events, clock);
    const surroundings = {
      options,
      broker,
      clock,
      events,
      store: this.#store,
      keyRing: plainKeyRing,
      upstream,
    };
    const parts = new SessionParts(surroundings);
    this.sessions = parts.sessions;
    this.refresh = parts.refresh;
    this.users = parts.users;
    this.keys = parts.keys;
    this.revocations = parts.revocations;
    this.own = parts.own;
  }

  async start(): Promise<void> {
    await this.#store.start();
  }
}

/** Reads the generation of refresh tokens, which are signed with nothing here. */
export function refreshTokenReader(): RefreshTokens {
  return new RefreshTokens(plainKeyRing);
}
