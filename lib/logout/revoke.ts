import { type OidcEvents, hashedId } from '../events/oidc-events.js';

/** What is to be revoked. */
export interface RevocationRequest {
  readonly token: string;
  readonly hint?: string | undefined;
  /** Name of the identity provider, where there are several and the token does not say it. */
  readonly provider?: string | undefined;
}

/** Token revocation (RFC 7009): who is told, is where the modes differ. */
export abstract class Revoke {
  constructor(private readonly events: OidcEvents) {}

  /** @throws {@link OAuthError} 400 `unsupported_token_type` when the provider cannot; 502, 503 when it or the store fails. */
  async revoke(request: RevocationRequest): Promise<void> {
    const provider = await this.end(request);
    if (provider === undefined) return;
    const { token } = request;
    this.events.emit('revoke', { provider, token: hashedId(token) });
  }

  /** @returns the name of the identity provider that it was of; `undefined` where there was nothing to revoke. */
  protected abstract end(request: RevocationRequest): Promise<string | undefined>;
}
