import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { OidcEvents } from '../events/oidc-events.js';
import type { IdentityProvider } from '../providers/identity-provider.js';
import { type Providers, looksMarked } from '../providers/providers.js';
import { readCompactJws } from '../tokens/compact-jws.js';
import { type RevocationRequest, Revoke } from './revoke.js';

/** Revocation in passthrough mode: the token is a provider's, and goes there. */
export class PassthroughRevoke extends Revoke {
  constructor(
    private readonly providers: Providers,
    events: OidcEvents,
  ) {
    super(events);
  }

  protected async end(request: RevocationRequest): Promise<string | undefined> {
    const { provider, value } = await this.#whose(request);
    await provider.revoke(value, request.hint);
    return provider.name;
  }

  /**
   * The provider that is named, else the one whose name stands before the token, else that of a JWT's issuer. No token is tried at
   * several: it would reach somebody who must not have it.
   */
  async #whose({
    token,
    hint,
    provider: name,
  }: RevocationRequest): Promise<{ provider: IdentityProvider; value: string }> {
    const marked = await this.providers.ofMarked(token);
    const isMarked = marked !== undefined && marked.value !== token;
    if (name !== undefined) {
      const provider = await this.providers.wanted(name);
      const whose = isMarked ? marked.provider : await this.#issuerOf(token);
      const isOthers = whose === undefined ? looksMarked(token) : whose !== provider;
      if (!isOthers) return { provider, value: isMarked ? marked.value : token };
      const cause = new Reason('a token of another provider', { came: name });
      throw new OAuthError('invalid_request', 'The token is of another provider', { cause });
    }
    const isKnown = isMarked || !this.providers.several || hint === 'refresh_token';
    if (marked !== undefined && isKnown) return marked;
    const provider = await this.#issuerOf(token);
    if (provider !== undefined) return { provider, value: token };
    const cause = new Reason('a token that names no provider', { mend: 'send provider beside it' });
    throw new OAuthError('invalid_request', 'provider is missing', { cause });
  }

  async #issuerOf(token: string): Promise<IdentityProvider | undefined> {
    try {
      const { iss, marks } = readCompactJws(token);
      const issuer = await this.providers.named(iss, marks);
      return issuer && (await this.providers.find(issuer.provider));
    } catch (error) {
      if (error instanceof OAuthError && error.error === 'invalid_token') return undefined;
      throw error;
    }
  }
}
