import type { IdentityProvider } from '../providers/identity-provider.js';
import { type TokenIssuer, TokenIssuers } from '../tokens/verification-keys.js';

/**
 * The identity provider, for access tokens that its token endpoint has just given to us: they may be meant for any
 * audience, but must have been issued to our client. That they are access tokens is known from where they came.
 */
export class LoginTokenIssuers extends TokenIssuers {
  constructor(private readonly provider: IdentityProvider) {
    super();
  }

  async named(iss: string): Promise<TokenIssuer | undefined> {
    const issuer = await this.provider.named(iss);
    if (issuer === undefined) return undefined;
    const { introspection: _notNeeded, ...itself } = issuer; // it has just given the token
    return { ...itself, audience: false, cameAsAccessToken: true };
  }
}
