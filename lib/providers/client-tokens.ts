import { BackOff } from '../clock/back-off.js';
import type { Clock } from '../clock/clock.js';
import { Deadline } from '../clock/deadline.js';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import type { ProviderConnection } from './provider-connection.js';
import { withResource } from './request-parameters.js';

/** What a token of the application's own is for. */
export interface ClientTokenWish {
  /** Space separated; `undefined`: what the provider gives by itself. */
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  readonly resource: readonly string[];
}

/** Of one provider; who asks for more has the least used ones asked for again. */
const CAPACITY = 100;

/** A token that is used so shortly before its end could end on its way. */
const MARGIN_SEC = 60;
/** Of a token whose answer does not say how long it lives. */
const UNSTATED_LIFETIME_SEC = 60;
const LONGEST_KEPT_SEC = 86_400;

const BACK_OFF = { firstMs: 1000, longestMs: 30_000 };

const GRANT = 'client_credentials';

/** A token, and until when it is given out. */
interface KeptToken {
  readonly token: string;
  readonly end: Deadline;
}

/** How long a token is given out: a minute less than it lives, or half of a short life. */
function keptSec(lifetimeSec: number | undefined): number {
  if (lifetimeSec === undefined) return UNSTATED_LIFETIME_SEC;
  return Math.min(lifetimeSec - Math.min(MARGIN_SEC, lifetimeSec / 2), LONGEST_KEPT_SEC);
}

/** One kind of token: kept while it is good, and asked for once for however many wait. */
class TokenOfOneKind {
  readonly #backOff: BackOff;
  #kept: KeptToken | undefined;
  #running: Promise<string> | undefined;

  constructor(
    private readonly ask: () => Promise<KeptToken>,
    clock: Clock,
  ) {
    this.#backOff = new BackOff(clock, BACK_OFF);
  }

  async get(): Promise<string> {
    if (this.#kept !== undefined && this.#kept.end.leftMs() > 0) return this.#kept.token;
    this.#running ??= this.#renewed().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #renewed(): Promise<string> {
    this.#kept = await this.#backOff.run(this.ask);
    return this.#kept.token;
  }
}

/** Tokens of the application's own, for its calls to other APIs (RFC 6749 §4.4). */
export class ClientTokens {
  /** By what they are for; the least used first. */
  readonly #kinds = new Map<string, TokenOfOneKind>();

  constructor(
    private readonly connection: ProviderConnection,
    private readonly clock: Clock,
  ) {}

  /** @throws {@link OAuthError} 502, 503, whatever the provider says: whoever calls the application can mend nothing. */
  get(wish: ClientTokenWish): Promise<string> {
    const { scope, audience, resource } = wish;
    const name = JSON.stringify([scope, audience, resource]);
    const kind = this.#kinds.get(name) ?? new TokenOfOneKind(() => this.#ask(wish), this.clock);
    this.#kinds.delete(name);
    this.#kinds.set(name, kind);
    const [leastUsed] = this.#kinds.keys();
    if (this.#kinds.size > CAPACITY && leastUsed !== undefined) this.#kinds.delete(leastUsed);
    return kind.get();
  }

  async #ask({ scope, audience, resource }: ClientTokenWish): Promise<KeptToken> {
    const parameters = {
      ...(scope === undefined ? {} : { scope }),
      ...(audience === undefined ? {} : { audience }),
    };
    const call = { endpoint: 'token', grant: GRANT } as const;
    try {
      const answer = await this.connection.ask(call, (configuration, { clientCredentialsGrant }) =>
        clientCredentialsGrant(configuration, withResource(parameters, resource)),
      );
      if (answer.token_type !== 'bearer')
        throw badUpstreamAnswer('answer without the token_type Bearer');
      const end = new Deadline(this.clock, keptSec(answer.expires_in) * 1000);
      return { token: answer.access_token, end };
    } catch (error) {
      const isOurs = error instanceof OAuthError && error.getStatus() >= 500;
      throw isOurs ? error : badUpstreamAnswer(error);
    }
  }
}
