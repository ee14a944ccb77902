import { ApplicationConfig } from '@nestjs/core';
import { onTestFinished } from 'vitest';

import { OAuthError } from '../../lib/errors/oauth.error.js';
import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/events/oidc-events.js';
import { PeerIssuers } from '../../lib/federation/peer-issuers.js';
import { GuardedFetch } from '../../lib/http/guarded-fetch.js';
import type { BrokerOptions } from '../../lib/options/broker-options.js';
import type { OidcAuthOptions } from '../../lib/options/oidc-auth-options.js';
import { PublicUrls } from '../../lib/options/public-urls.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import type { BrokerStore } from '../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
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
import { brokerModeOptions, storeAccess } from './store-access.js';

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

/** An instance's trust in others: the real classes, without routes. */
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
  const resolved = brokerModeOptions(
    { publicUrl: OWN_ISSUER, ...options },
    {
      audience: FLEET_AUDIENCE,
      store,
      ...(trustedIssuers === undefined ? {} : { trustedIssuers }),
      ...broker,
    },
    resolveRoutes({ prefix }),
  );
  const application = new ApplicationConfig();
  const urls = new PublicUrls(resolved.options, () => '', application);
  const events = new OidcEvents(clock);
  const http = new GuardedFetch(resolved.options, clock);
  const access = storeAccess({ options: resolved.options, store, events, clock });
  const keyRing = new KeyRing(resolved.options, clock);
  const peers = new PeerIssuers(
    resolved.options,
    resolved.broker,
    http,
    clock,
    events,
    access,
    urls,
    keyRing,
  );
  const verifier = new TokenVerifier(new OnlyPeers(peers), clock, events, resolved.options);
  const authenticator = new Authenticator(verifier, clock, resolved.options);
  await access.start();
  if (globalPrefix !== undefined) application.setGlobalPrefix(globalPrefix);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    http.beforeApplicationShutdown();
    return (closed ??= access.stop());
  };
  onTestFinished(close);
  return new Federation(peers, clock, store, events, authenticator, close);
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
