import type { CallersToken } from '../logout/callers-session.js';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';
import type { Authenticator } from '../tokens/authenticator.js';
import { type PresentedToken, presentedToken } from '../tokens/bearer-token.js';
import type { Credentials, Identity } from '../tokens/identity.js';
import { type IncomingRequest, credentialsOf } from '../tokens/incoming-request.js';
import type { Possession } from '../tokens/possession.js';

/** An access token that comes alone, or the request that brings it, with the proof that it may need (RFC 9449). */
export type Caller = string | IncomingRequest;

/** Who calls our own routes: by an access token, never by a cookie. */
export class Callers {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly possession: Possession,
  ) {}

  /** @throws {@link OAuthError} 401, 403, 503 */
  async identify(
    caller: Caller,
    rule: CheckedAuthRule,
  ): Promise<{ readonly identity: Identity; readonly token: string }> {
    const { presented, credentials } = broughtBy(caller);
    const { token } = presented;
    const identity =
      typeof caller === 'string'
        ? await this.authenticator.authenticate(token, rule)
        : await this.authenticator.identify(credentials, rule);
    return { identity, token };
  }

  /** The token, for what looks at it itself. @throws {@link OAuthError} 401 for a request without one. */
  tokenOf(caller: Caller): CallersToken {
    const { presented, credentials } = broughtBy(caller);
    const prove = (key: string) => this.possession.prove(presented, key, credentials);
    return { token: presented.token, prove };
  }
}

function broughtBy(caller: Caller): {
  readonly presented: PresentedToken;
  readonly credentials: Credentials;
} {
  if (typeof caller === 'string') {
    return { presented: { scheme: 'Bearer', token: caller }, credentials: { headers: {} } };
  }
  const credentials = credentialsOf(caller);
  return { presented: presentedToken(credentials.headers, credentials.rawHeaders), credentials };
}
