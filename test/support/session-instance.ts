import type { RefreshTokens } from '../../lib/sessions/refresh-tokens.js';
import type { ProviderTokens } from '../../lib/sessions/session-content.js';
import type { Revocations } from '../../lib/sessions/revocations.js';
import { SessionParts } from '../../lib/sessions/session-parts.js';
import type { SessionRefresh } from '../../lib/sessions/session-refresh.js';
import type { Sessions } from '../../lib/sessions/sessions.js';
import type { FinishedSession, OpenSession } from '../../lib/sessions/open-session.js';
import { type RenewedTokens, UpstreamTokens } from '../../lib/sessions/upstream-tokens.js';
import type { Clock } from '../../lib/clock/clock.js';
import { OAuthError } from '../../lib/errors/oauth.error.js';
import { OidcEvents, type OidcEventMap, type OidcEventName } from '../../lib/events/oidc-events.js';
import type { BrokerOptions, OidcAuthOptions } from '../../lib/index.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { FakeClock } from './fake-clock.js';
import { brokerModeOptions, startStoreAccess } from './store-access.js';

/** A provider that rotates its refresh tokens, as sessions see it: each renewal gives the next number. */
export class CountingUpstream extends UpstreamTokens {
  /** The refresh tokens that were presented, in order. */
  readonly presented: (string | undefined)[] = [];
  /** The refresh tokens that were given back. */
  readonly revoked: (string | undefined)[] = [];
  rotates = true;
  #given = 0;

  /** Tokens of a new grant, or the next ones of it. */
  next(clock: Clock, refreshToken = `provider-refresh-${this.#given + 1}`): ProviderTokens {
    this.#given += 1;
    return {
      accessToken: `provider-access-${this.#given}`,
      accessExpiresAt: clock.now().getTime() / 1000 + 300,
      refreshToken,
      refreshExpiresAt: undefined,
      idToken: undefined,
    };
  }

  constructor(private readonly clock: Clock) {
    super();
  }

  async prepare(): Promise<void> {}

  async renew(...[, content]: Parameters<UpstreamTokens['renew']>): Promise<RenewedTokens> {
    const { provider } = content;
    this.presented.push(provider.refreshToken);
    const kept = this.rotates ? undefined : provider.refreshToken;
    return { ...content, provider: this.next(this.clock, kept) };
  }

  async revoke(_provider: string, { refreshToken }: ProviderTokens): Promise<void> {
    this.revoked.push(refreshToken);
  }

  async ready(): Promise<void> {}

  async check(): Promise<void> {}

  accepts(): boolean {
    return true;
  }

  clientIdAt(): string {
    return 'my-client';
  }
}

export interface SessionInstanceOptions {
  readonly store?: MemoryBrokerStore;
  readonly clock?: FakeClock;
  readonly upstream?: CountingUpstream;
  readonly broker?: Partial<BrokerOptions>;
  readonly options?: Partial<OidcAuthOptions>;
}

/** Sessions and their refresh at one instance: the real classes, the provider a double. */
export class SessionInstance {
  constructor(
    readonly store: MemoryBrokerStore,
    readonly clock: FakeClock,
    readonly upstream: CountingUpstream,
    readonly sessions: Sessions,
    readonly tokens: RefreshTokens,
    readonly events: OidcEvents,
    readonly revocations: Revocations,
    private readonly sessionRefresh: SessionRefresh,
  ) {}

  /** Collects the events of a name from now on. */
  record<Name extends OidcEventName>(name: Name): OidcEventMap[Name][] {
    const seen: OidcEventMap[Name][] = [];
    this.events.on(name, (event) => {
      seen.push(event);
    });
    return seen;
  }

  /** A session of alice, with its first refresh token. */
  async logIn(login: Partial<FinishedSession> = {}): Promise<{ id: string; refreshToken: string }> {
    const open = await this.sessions.create({
      loginId: `login-${Math.random()}`,
      provider: 'default',
      issuer: 'https://idp.example.org',
      providerSession: undefined,
      content: {
        provider: this.upstream.next(this.clock),
        providerSubject: 'sub-alice',
        claims: { sub: 'alice' },
        profile: {},
        said: {},
        scope: 'openid profile',
      },
      ...login,
    });
    return { id: open?.session.id ?? '', refreshToken: open?.content.refreshToken ?? '' };
  }

  /** The next refresh token of ours, or how it was refused: status and code. */
  async refresh(refreshToken: string, scope?: string): Promise<string> {
    return outcome(async () => tokenOf(await this.sessionRefresh.refresh(refreshToken, scope)));
  }

  /** The provider's access token, or how it was refused. */
  async providerToken(sessionId: string): Promise<string> {
    return outcome(() => this.sessionRefresh.providerAccessToken(sessionId));
  }

  /** The provider's refresh token in the row; `undefined` when there is no such session. */
  async stored(sessionId: string): Promise<string | undefined> {
    return (await this.sessions.findOpen(sessionId))?.content.provider.refreshToken;
  }
}

function tokenOf({ content }: OpenSession): string {
  return content.refreshToken ?? 'none';
}

async function outcome(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OAuthError) return `${error.getStatus()} ${error.error}`;
    throw error;
  }
}

/** Starts an instance; several with one store and one provider are a fleet. It ends with the test. */
export async function startSessionInstance({
  store = new MemoryBrokerStore(),
  clock = new FakeClock(),
  upstream = new CountingUpstream(clock),
  broker = {},
  options = {},
}: SessionInstanceOptions = {}): Promise<SessionInstance> {
  const resolved = brokerModeOptions(options, {
    audience: 'myapp-api',
    store,
    signingAlgorithm: 'ES256',
    ...broker,
  });
  const events = new OidcEvents(clock);
  const access = await startStoreAccess({ options: resolved.options, store, events, clock });
  const keyRing = new KeyRing(resolved.options, clock);
  const surroundings = { ...resolved, clock, events, store: access, keyRing, upstream };
  const parts = new SessionParts(surroundings);
  const { sessions, refreshTokens, revocations, refresh } = parts;
  return new SessionInstance(
    store,
    clock,
    upstream,
    sessions,
    refreshTokens,
    events,
    revocations,
    refresh,
  );
}

/** Two instances of one application, with one store, one provider and one time. */
export async function startSessionInstances(
  given: Omit<SessionInstanceOptions, 'store' | 'clock' | 'upstream'> = {},
): Promise<{ one: SessionInstance; other: SessionInstance }> {
  const clock = new FakeClock();
  const shared = { clock, store: new MemoryBrokerStore(), upstream: new CountingUpstream(clock) };
  const one = await startSessionInstance({ ...shared, ...given });
  return { one, other: await startSessionInstance({ ...shared, ...given }) };
}
