import { ApplicationConfig } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { onTestFinished } from 'vitest';

import { Clock } from '../../lib/clock/clock.js';
import { OAuthError } from '../../lib/errors/oauth.error.js';
import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/events/oidc-events.js';
import { HostFaults } from '../../lib/events/host-faults.js';
import { PeerIssuers } from '../../lib/federation/peer-issuers.js';
import { GuardedFetch } from '../../lib/http/guarded-fetch.js';
import type { BrokerOptions } from '../../lib/options/broker-options.js';
import type { OidcAuthOptions } from '../../lib/options/oidc-auth-options.js';
import { BROKER_STORE, MOUNT_PATH, RESOLVED_OPTIONS } from '../../lib/options/options.token.js';
import { PublicUrls } from '../../lib/options/public-urls.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { StoreAccess } from '../../lib/store/store-access.js';
import { type AuthRule, checkAuthRule } from '../../lib/tokens/auth-rule.js';
import { Authenticator } from '../../lib/tokens/authenticator.js';
import type { IdTokenClaims } from '../../lib/tokens/id-token-claims.js';
import { TokenVerifier } from '../../lib/tokens/token-verifier.js';
import { TokenIssuers, type TokenIssuer } from '../../lib/tokens/verification-keys.js';
import { FakeClock } from './fake-clock.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
  type MisbehavingProviderOptions,
} from './misbehaving-provider.js';

/** The audience that all instances of a test fleet share. */
export const FLEET_AUDIENCE = 'fleet-api';

/** The issuer of the instance under test. */
export const OWN_ISSUER = 'https://own.example.org';

/** Nobody but the trusted issuers, as if the instance had no tokens of its own. */
class OnlyPeers extends TokenIssuers {
  constructor(private readonly peers: PeerIssuers) {
    super();
  }

  async named(iss: string): Promise<TokenIssuer | undefined> {
    return this.peers.named(iss);
  }
}

/** What a test instance is made of. */
export interface FederationOptions {
  readonly trustedIssuers: BrokerOptions['trustedIssuers'];
  readonly broker?: Partial<BrokerOptions>;
  readonly options?: Partial<OidcAuthOptions>;
  /** Path before all routes. */
  readonly prefix?: string;
  /** The host's own prefix, which it sets after the container was built. */
  readonly globalPrefix?: string;
  readonly clock?: FakeClock;
  readonly store?: BrokerStore;
}

/** An instance's trust in others: the real classes in a container, without routes. */
export class Federation {
  constructor(
    readonly peers: PeerIssuers,
    readonly clock: FakeClock,
    readonly store: BrokerStore,
    private readonly events: OidcEvents,
    private readonly authenticator: Authenticator,
    readonly close: () => Promise<void>,
  ) {}

  /** What `@Auth(rule)` does with a token. */
  async verify(token: string, rule: AuthRule = {}): Promise<IdTokenClaims> {
    return (await this.authenticator.authenticate(token, checkAuthRule(rule))).claims;
  }

  /** How that ends, in one word or two: `accepted`, `401 invalid_token`, or the error that must not be. */
  async outcome(token: string, rule: AuthRule = {}): Promise<string> {
    try {
      await this.verify(token, rule);
      return 'accepted';
    } catch (error) {
      if (error instanceof OAuthError) return `${error.getStatus()} ${error.error}`;
      return `threw ${String(error)}`;
    }
  }

  /** Collects the events of a name from now on. */
  record<Name extends OidcEventName>(name: Name): OidcEventMap[Name][] {
    const seen: OidcEventMap[Name][] = [];
    this.events.on(name, (event) => {
      seen.push(event);
    });
    return seen;
  }

  /** The issuers whose key sets the store holds, in the order of the alphabet. */
  async kept(): Promise<string[]> {
    const sets = await this.store.listPeerKeys();
    return sets.map(({ issuer }) => issuer).toSorted();
  }
}

/** Starts an instance that trusts these issuers; it ends with the test, or before by `close()`. */
export async function startFederation({
  trustedIssuers,
  broker = {},
  options = {},
  prefix = '',
  globalPrefix,
  clock = new FakeClock(),
  store = new MemoryBrokerStore(),
}: FederationOptions): Promise<Federation> {
  const resolved = resolveOptions(
    {
      clientId: 'my-client',
      clientSecret: 'client-secret-of-at-least-32-characters',
      discoveryUrl: 'https://idp.example.org',
      audience: 'my-aud',
      publicUrl: OWN_ISSUER,
      ...options,
      broker: {
        audience: FLEET_AUDIENCE,
        store,
        ...(trustedIssuers === undefined ? {} : { trustedIssuers }),
        ...broker,
      },
    },
    resolveRoutes({ prefix }),
  );
  const module = await Test.createTestingModule({
    providers: [
      { provide: RESOLVED_OPTIONS, useValue: resolved },
      { provide: MOUNT_PATH, useValue: () => '' },
      { provide: BROKER_STORE, useValue: undefined },
      { provide: Clock, useValue: clock },
      {
        provide: TokenIssuers,
        useFactory: (peers: PeerIssuers) => new OnlyPeers(peers),
        inject: [PeerIssuers],
      },
      Authenticator,
      GuardedFetch,
      HostFaults,
      KeyRing,
      OidcEvents,
      PeerIssuers,
      PublicUrls,
      StoreAccess,
      TokenVerifier,
    ],
  }).compile();
  await module.init();
  if (globalPrefix !== undefined) module.get(ApplicationConfig).setGlobalPrefix(globalPrefix);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= module.close());
  onTestFinished(close);
  const [peers, events] = [module.get(PeerIssuers), module.get(OidcEvents)];
  return new Federation(peers, clock, store, events, module.get(Authenticator), close);
}

/** Starts another instance, whose key set is where peers publish theirs; it ends with the test. */
export async function startPeer(
  clock: FakeClock,
  options: MisbehavingProviderOptions = {},
): Promise<MisbehavingProvider> {
  const peer = await startMisbehavingProvider({
    audience: FLEET_AUDIENCE,
    algorithms: ['RS256'],
    clock,
    ...options,
  });
  onTestFinished(() => peer.close());
  return peer;
}
