import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

import { onTestFinished } from 'vitest';

import { OAuthError } from '../../lib/errors/oauth.error.js';
import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/events/oidc-events.js';
import { GuardedFetch } from '../../lib/http/guarded-fetch.js';
import { IdentityProvider } from '../../lib/providers/identity-provider.js';
import { ProviderConnection } from '../../lib/providers/provider-connection.js';
import type { OidcAuthOptions } from '../../lib/options/oidc-auth-options.js';
import { type ResolvedOptions, resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { type AuthRule, checkAuthRule } from '../../lib/tokens/auth-rule.js';
import { Authenticator } from '../../lib/tokens/authenticator.js';
import type { IdTokenClaims } from '../../lib/tokens/id-token-claims.js';
import { TokenVerifier } from '../../lib/tokens/token-verifier.js';
import { compactJws } from './compact-jws.js';
import { FakeClock } from './fake-clock.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
  type MisbehavingProviderOptions,
} from './misbehaving-provider.js';
import { TEST_AUDIENCE, TEST_CLIENT_ID } from './provider-options.js';

/** The guarded fetch, which also tells whether calls are under way. */
class WatchedFetch extends GuardedFetch {
  underWay = 0;

  override async request(...call: Parameters<GuardedFetch['request']>): Promise<Response> {
    this.underWay += 1;
    try {
      return await super.request(...call);
    } finally {
      this.underWay -= 1;
    }
  }
}

const QUIET_TURNS = 5;

/** Everything between a token and its claims, without Nest: the real classes, put together by hand. */
export class TestVerifier {
  readonly options: ResolvedOptions;
  readonly events: OidcEvents;
  readonly http: WatchedFetch;
  readonly connection: ProviderConnection;
  readonly provider: IdentityProvider;
  readonly tokens: TokenVerifier;
  readonly #authenticator: Authenticator;

  constructor(
    given: OidcAuthOptions,
    readonly clock: FakeClock,
  ) {
    const routes = resolveRoutes({ login: false, callback: false, logout: false });
    this.options = resolveOptions(given, routes);
    this.events = new OidcEvents(clock);
    const [options] = this.options.providers.list;
    if (options === undefined) throw new Error('no provider');
    this.http = new WatchedFetch(options, clock);
    this.connection = new ProviderConnection(options, this.http, clock, this.events);
    this.provider = new IdentityProvider(options, this.connection, this.events, clock);
    this.tokens = new TokenVerifier(this.provider, clock, this.events, this.options);
    this.#authenticator = new Authenticator(this.tokens, clock, this.options);
  }

  /** What `@Auth(rule)` does with a token. */
  async verify(token: string, rule: AuthRule = {}): Promise<IdTokenClaims> {
    return (await this.#authenticator.authenticate(token, checkAuthRule(rule))).claims;
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

  /** Waits until what was begun in the background has ended. */
  async settled(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      await turn();
      quiet = this.http.underWay === 0 ? quiet + 1 : 0;
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
}

export interface VerifierOptions {
  /** Options beside client id, discovery URL and audience. */
  options?: Partial<OidcAuthOptions>;
  clock?: FakeClock;
}

/** A verifier for the tokens of this provider. Nothing is fetched yet. */
export function buildVerifier(
  provider: { readonly discoveryUrl: string },
  { options = {}, clock = new FakeClock() }: VerifierOptions = {},
): TestVerifier {
  const { discoveryUrl } = provider;
  const defaults = { clientId: TEST_CLIENT_ID, discoveryUrl, audience: TEST_AUDIENCE };
  return new TestVerifier({ ...defaults, ...options }, clock);
}

/** A verifier with a provider of its own that goes by the same clock. */
export interface VerifierWithProvider {
  readonly clock: FakeClock;
  readonly provider: MisbehavingProvider;
  readonly verifier: TestVerifier;
}

/**
 * Starts a misbehaving provider and builds a verifier for it; both end with the test.
 *
 * @example `const { clock, provider, verifier } = await startVerifier({ options: { clockToleranceSec: 0 } });`
 */
export async function startVerifier(
  given: VerifierOptions & { provider?: MisbehavingProviderOptions } = {},
): Promise<VerifierWithProvider> {
  const { clock = new FakeClock() } = given;
  const provider = await startMisbehavingProvider(given.provider);
  onTestFinished(() => provider.close());
  provider.behaviour.now = () => clock.now();
  return { clock, provider, verifier: buildVerifier(provider, { ...given, clock }) };
}

/** Tokens that look right but for a key id that nobody knows and a made-up signature, each with its own id. */
export function forgedTokens(provider: MisbehavingProvider, count: number): string[] {
  const { issuer, audience, behaviour } = provider;
  const exp = Math.floor(behaviour.now().getTime() / 1000) + 300;
  return Array.from({ length: count }, (_, index) => {
    const kid = `forged-${index}-${randomBytes(4).toString('hex')}`;
    const signer = { alg: 'RS256', kid, sign: () => randomBytes(256) };
    return compactJws({ alg: 'RS256', kid }, { iss: issuer, aud: audience, sub: 's', exp }, signer);
  });
}

/** How often each outcome came about. */
export function tally(outcomes: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
