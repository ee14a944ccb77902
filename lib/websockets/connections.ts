import { Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { RefusalLog } from '../events/refusal-log.js';
import { LiveCalls, type LiveCall } from '../guard/live-calls.js';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';
import { Authenticator } from '../tokens/authenticator.js';
import type { Credentials, Identity } from '../tokens/identity.js';

/** A connection of a gateway, with the token that it goes by at the moment. */
export interface Connection {
  credentials: Credentials;
  /** Who opened it; `undefined` for anonymous ones. */
  identity: Identity | undefined;
  /** What the gateway's class demands of whoever connects. */
  readonly rule: CheckedAuthRule;
}

interface WatchedConnection extends Connection {
  call?: LiveCall;
}

/** Who is behind each connection: looked at when it opens, on each message, and again when its client sends a fresh token. */
@Injectable()
export class Connections {
  readonly #known = new WeakMap<object, WatchedConnection>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly live: LiveCalls,
    private readonly refusals: RefusalLog,
  ) {}

  /**
   * Whether a handshake is let in.
   *
   * @throws {@link OAuthError} 401, 403, 503 when the gateway's class demands more.
   */
  async open(credentials: Credentials, rule: CheckedAuthRule): Promise<Connection> {
    try {
      return { credentials, rule, identity: await this.authenticator.identify(credentials, rule) };
    } catch (error) {
      if (!rule.optional || !(error instanceof OAuthError)) throw error;
      this.refusals.report('WebSocket handshake', error, 'anonymous');
      return { credentials, rule, identity: undefined };
    }
  }

  /** Keeps an opened connection; it is ended with its token or its session. */
  keep(client: object, connection: Connection, end: LiveCall['end']): () => void {
    const { identity } = connection;
    this.#known.set(client, connection);
    if (identity === undefined) return () => undefined;
    const call = { identity, end };
    this.#known.set(client, Object.assign(connection, { call }));
    return this.live.watch(call);
  }

  credentialsOf(client: unknown): Credentials {
    const known =
      typeof client === 'object' && client !== null ? this.#known.get(client) : undefined;
    return known?.credentials ?? { headers: {} };
  }

  /**
   * Takes a fresh token for a connection, of the same subject.
   *
   * @throws {@link OAuthError} 401 for a token that is not taken, or is somebody else's.
   */
  async renew(client: object, credentials: Credentials): Promise<Identity> {
    const connection = this.#known.get(client);
    const before = connection?.call?.identity;
    if (connection?.call === undefined || before === undefined) {
      throw new OAuthError('invalid_request', 'This connection was opened without a token');
    }
    const identity = await this.authenticator.identify(credentials, connection.rule);
    const { iss, sub } = identity.claims;
    if (iss !== before.claims.iss || sub !== before.claims.sub) {
      throw new OAuthError('invalid_token', 'The access token is not of the same user');
    }
    connection.credentials = credentials;
    connection.call.identity = identity;
    return identity;
  }
}
