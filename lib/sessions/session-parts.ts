import type { Clock } from '../clock/clock.js';
import type { OidcEvents } from '../events/oidc-events.js';
import { SigningKeys } from '../keys/signing-keys.js';
import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { KeyRing } from '../sealing/key-ring.js';
import type { StoreAccess } from '../store/store-access.js';
import { BrokerTokens } from './broker-tokens.js';
import { OwnIssuer } from './own-issuer.js';
import { RefreshTokens } from './refresh-tokens.js';
import { Revocations } from './revocations.js';
import { SessionContents } from './session-content.js';
import { SessionRefresh } from './session-refresh.js';
import { SessionRenewal } from './session-renewal.js';
import { Sessions } from './sessions.js';
import { TokenMinter } from './token-minter.js';
import type { UpstreamTokens } from './upstream-tokens.js';
import { UserSessions } from './user-sessions.js';

/** What {@link SessionParts} are made of. */
export interface SessionSurroundings {
  readonly options: ResolvedOptions;
  readonly broker: ResolvedBrokerOptions;
  readonly clock: Clock;
  readonly events: OidcEvents;
  readonly store: StoreAccess;
  readonly keyRing: KeyRing;
  readonly upstream: UpstreamTokens;
}

/** Sessions, and what belongs to them: signing keys, tokens, revocations. One of each, put together. */
export class SessionParts {
  readonly keys: SigningKeys;
  readonly revocations: Revocations;
  readonly own: OwnIssuer;
  readonly minter: TokenMinter;
  readonly tokens: BrokerTokens;
  readonly refreshTokens: RefreshTokens;
  readonly sessions: Sessions;
  readonly refresh: SessionRefresh;
  readonly users: UserSessions;

  constructor({ options, broker, clock, events, store, keyRing, upstream }: SessionSurroundings) {
    this.keys = new SigningKeys(options, broker, clock, store, events, keyRing);
    this.revocations = new Revocations(options, broker, clock, store, this.keys, events);
    this.own = new OwnIssuer(options, broker, this.keys, this.revocations, upstream);
    this.minter = new TokenMinter(options, broker, clock, this.keys);
    this.refreshTokens = new RefreshTokens(keyRing);
    this.tokens = new BrokerTokens(this.minter, upstream, clock, this.refreshTokens);
    const contents = new SessionContents(keyRing);
    this.sessions = new Sessions(
      broker,
      clock,
      store,
      contents,
      this.refreshTokens,
      this.revocations,
      upstream,
      events,
    );
    const renewal = new SessionRenewal(
      options,
      broker,
      clock,
      store,
      this.sessions,
      contents,
      this.refreshTokens,
      upstream,
      events,
    );
    this.refresh = new SessionRefresh(
      options,
      broker,
      clock,
      this.sessions,
      this.refreshTokens,
      renewal,
      upstream,
      events,
    );
    this.users = new UserSessions(this.sessions, this.revocations);
  }
}
