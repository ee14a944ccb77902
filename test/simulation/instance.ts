import { ModuleRef } from '@nestjs/core';

import { OwnIssuer } from '../../lib/sessions/own-issuer.js';
import { RefreshTokens } from '../../lib/sessions/refresh-tokens.js';
import { Revocations } from '../../lib/sessions/revocations.js';
import { SessionRefresh } from '../../lib/sessions/session-refresh.js';
import { Sessions } from '../../lib/sessions/sessions.js';
import { SigningKeys } from '../../lib/keys/signing-keys.js';
import { UpstreamTokens } from '../../lib/sessions/upstream-tokens.js';
import { Clock } from '../../lib/clock/clock.js';
import { OidcEvents } from '../../lib/events/oidc-events.js';
import { SessionUpstream } from '../../lib/users/session-upstream.js';
import { UserSessions } from '../../lib/sessions/user-sessions.js';
import { IdentityProvider } from '../../lib/providers/identity-provider.js';
import { BROKER_STORE, RESOLVED_OPTIONS } from '../../lib/options/options.token.js';
import { type ResolvedOptions, resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import { StoreAccess } from '../../lib/store/store-access.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { Injector } from './injector.js';
import { SimulatedClock } from './simulated-clock.js';
import { type SimulatedProvider, providerAt } from './simulated-provider.js';
import { type StoreWorld, connectionOf } from './simulated-store.js';
import type { Process, Timeline } from './timeline.js';

export const OWN_ISSUER = 'https://app.example.org';

/** Options by how long tokens live: to resolve them takes longer than a schedule. */
const resolved = new Map<number, ResolvedOptions>();

function optionsFor(accessTokenLifetimeSec: number): ResolvedOptions {
  const known = resolved.get(accessTokenLifetimeSec);
  if (known !== undefined) return known;
  const options = resolveOptions(
    {
      clientId: 'my-client',
      clientSecret: 'client-secret-of-at-least-32-characters',
      discoveryUrl: 'https://idp.example.org',
      audience: 'my-aud',
      publicUrl: OWN_ISSUER,
      encryptionKeys: ['encryption-key-of-the-simulation-32+'],
      broker: {
        audience: 'myapp-api',
        store: new MemoryBrokerStore(),
        signingAlgorithm: 'ES256',
        accessTokenLifetimeSec,
      },
    },
    resolveRoutes(),
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
    const injector = new Injector([
      [RESOLVED_OPTIONS, optionsFor(lifetimeSec)],
      [BROKER_STORE, connectionOf(storeWorld, process)],
      [Clock, this.clock],
      [IdentityProvider, providerAt(provider, process, this.clock)],
      [KeyRing, new PlainKeyRing()],
      [ModuleRef, {}],
    ]);
    injector.bind(UpstreamTokens, SessionUpstream);
    this.#store = injector.get(StoreAccess);
    this.events = injector.get(OidcEvents);
    this.sessions = injector.get(Sessions);
    this.refresh = injector.get(SessionRefresh);
    this.users = injector.get(UserSessions);
    this.keys = injector.get(SigningKeys);
    this.revocations = injector.get(Revocations);
    this.own = injector.get(OwnIssuer);
  }

  async start(): Promise<void> {
    await this.#store.onModuleInit();
  }
}

/** Reads the generation of refresh tokens, which are signed with nothing here. */
export function refreshTokenReader(): RefreshTokens {
  return new Injector([[KeyRing, new PlainKeyRing()]]).get(RefreshTokens);
}
