import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { type PublishedClientKey, publishedKey } from '../providers/client-keys.js';
import type { Providers } from '../providers/providers.js';

/** The public parts of the keys that this application proves itself with: what providers fetch as our `jwks_uri` (RFC 7591 §2). */
export class ClientKeySet {
  constructor(private readonly providers: Providers) {}

  /** @throws {@link OAuthError} 404 where there are none; 503 while the providers are not known. */
  async published(): Promise<{ readonly keys: readonly PublishedClientKey[] }> {
    const given = (await this.providers.all()).flatMap(({ options }) => options.clientKeys);
    const all = await Promise.all(given.map((key) => publishedKey(key)));
    const keys = new Map(all.map((key) => [JSON.stringify(key), key])); // providers may share one
    if (keys.size > 0) return { keys: [...keys.values()] };
    const cause = new Reason('there are no client keys', { option: '"clientKeys"' });
    throw new OAuthError('invalid_request', 'There are no client keys here', {
      status: 404,
      cause,
    });
  }
}
