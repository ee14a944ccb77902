import { hash } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import { OAuthError, badUpstreamAnswer, invalidToken, unavailable } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { CallShare, shareOf } from '../http/call-share.js';
import { TOO_MANY_CALLS } from '../http/guarded-fetch.js';
import type { ResolvedIntrospection } from '../options/resolve-provider.js';
import { nestsTooDeep } from '../tokens/nesting.js';
import type { Introspection, TokenIssuer } from '../tokens/verification-keys.js';
import type { ProviderConnection } from './provider-connection.js';

/** How long it is known of a token that it is not active. */
const INACTIVE_MS = 5000;
/** Of so many tokens; whoever sends more has their first ones asked about again. */
const INACTIVE_CAPACITY = 5000;

/** Of the calls that may be under way. */
const SHARE = 0.5;
/** Of that share, for tokens that nobody has seen to be active: the rest is left for those that are asked about again. */
const UNKNOWN_SHARE = 0.75;
/** Of so many tokens it is known that they were active. */
const ACTIVE_CAPACITY = 5000;

/** Which says when to come again. */
function isTooMany(error: unknown): boolean {
  return error instanceof OAuthError && error.cause === TOO_MANY_CALLS;
}

function inactive(): Error {
  return invalidToken(new Reason('the identity provider says that the token is not active'));
}

/**
 * Asks a provider what a token is worth (RFC 7662). Who makes tokens up cannot make more calls than half of those that may be under
 * way, so that logins and refreshes still find a free one, nor keep those waiting whose tokens were active before; what is active is remembered by who
 * asks here.
 */
export class ProviderIntrospection implements Introspection {
  readonly cacheSec: number;
  readonly #share: CallShare;
  readonly #unknownShare: CallShare;
  /** By the hash of the token; the one last asked about last. */
  readonly #active = new Set<string>();
  /** Until when, by the hash of the token; the oldest first. */
  readonly #inactive = new Map<string, number>();

  constructor(
    private readonly connection: ProviderConnection,
    private readonly clock: Clock,
    private readonly options: ResolvedIntrospection,
    maxUpstreamCalls: number,
    private readonly named: (iss: string) => Promise<TokenIssuer | undefined>,
  ) {
    this.cacheSec = options.cacheSec;
    const most = shareOf(maxUpstreamCalls, SHARE);
    this.#share = new CallShare(most);
    this.#unknownShare = new CallShare(shareOf(most, UNKNOWN_SHARE));
  }

  /** Whether its JWTs are asked about too. */
  get always(): boolean {
    return this.options.always;
  }

  /** Whether an opaque token can be one of this provider's: no other one is ever sent to it. */
  matches(token: string): boolean {
    const { match } = this.options;
    if (match === undefined) return true;
    return typeof match === 'string' ? token.startsWith(match) : match.test(token);
  }

  async ask(token: string): Promise<Record<string, unknown>> {
    const key = hash('sha256', token, 'base64');
    if (this.clock.monotonicMs() < (this.#inactive.get(key) ?? -Infinity)) throw inactive();
    const { active, ...answer } = await this.#answer(token, this.#active.has(key));
    this.#active.delete(key);
    if (active !== true) {
      this.#remember(key);
      throw inactive();
    }
    this.#active.add(key);
    const [oldest] = this.#active;
    if (this.#active.size > ACTIVE_CAPACITY && oldest !== undefined) this.#active.delete(oldest);
    return answer;
  }

  /** An answer without a name is of the only one that this provider has (RFC 7662 §2.2). */
  async issuerOf(iss: unknown): Promise<TokenIssuer | undefined> {
    if (typeof iss === 'string') return this.named(iss);
    const [only, ...others] = (await this.connection.metadata()).issuers;
    if (iss !== undefined || only === undefined || others.length > 0) return undefined;
    return this.named(only);
  }

  #remember(key: string): void {
    this.#inactive.delete(key);
    this.#inactive.set(key, this.clock.monotonicMs() + INACTIVE_MS);
    const [oldest] = this.#inactive.keys();
    if (this.#inactive.size > INACTIVE_CAPACITY && oldest !== undefined)
      this.#inactive.delete(oldest);
  }

  /** @throws {@link OAuthError} 503, whatever the provider did instead: no caller can mend it. */
  async #answer(token: string, isKnown: boolean): Promise<Record<string, unknown>> {
    const ask = () => this.#share.run(() => this.#ask(token));
    try {
      const answer = await (isKnown ? ask() : this.#unknownShare.run(ask));
      if (nestsTooDeep(answer)) throw badUpstreamAnswer('introspection is nested too deep');
      return { ...answer };
    } catch (error) {
      throw isTooMany(error) ? error : unavailable(error);
    }
  }

  #ask(token: string): Promise<object> {
    return this.connection.ask(
      { endpoint: 'introspection' },
      (configuration, { tokenIntrospection }) =>
        tokenIntrospection(configuration, token, { token_type_hint: 'access_token' }),
    );
  }
}
