import { type OidcEvents, hashedId } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';

/** Token revocation (RFC 7009): who is told, is where the modes differ. */
export abstract class Revoke {
  constructor(
    protected readonly provider: IdentityProvider,
    private readonly events: OidcEvents,
  ) {}

  /** @throws {@link OAuthError} 400 `unsupported_token_type` when the provider cannot; 502, 503 when it or the store fails. */
  async revoke(token: string, hint: string | undefined): Promise<void> {
    if (!(await this.end(token, hint))) return;
    this.events.emit('revoke', { provider: this.provider.name, token: hashedId(token) });
  }

  /** @returns whether there was something to revoke. */
  protected abstract end(token: string, hint: string | undefined): Promise<boolean>;
}
