import type { Configuration } from 'openid-client';
import { OAuthError, badUpstreamAnswer } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { CallShare, shareOf } from '../http/call-share.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import type { ProviderConnection } from './provider-connection.js';

/** Beside the half that introspection may take, a quarter is left for refreshes. */
const SHARE = 0.25;

/** Hands authorization requests to the provider before the browser goes there (RFC 9126). */
export class PushedLogins {
  readonly #share: CallShare;

  constructor(
    private readonly connection: ProviderConnection,
    { maxUpstreamCalls }: ResolvedProvider,
  ) {
    this.#share = new CallShare(shareOf(maxUpstreamCalls, SHARE));
  }

  /**
   * Where to send the browser: the address holds a reference, and nothing of the request.
   *
   * @throws {@link OAuthError} 502, 503 for a push that fails, whatever the provider says: the plain request is never sent instead.
   */
  async url(push: (configuration: Configuration) => Promise<string>): Promise<string> {
    try {
      return await this.#share.run(() =>
        this.connection.ask({ endpoint: 'pushedAuthorization' }, push),
      );
    } catch (error) {
      const isOurs = error instanceof OAuthError && error.getStatus() >= 500;
      throw isOurs ? error : badUpstreamAnswer(error);
    }
  }
}

/** What only looks, or may never be used, would fill the provider with requests. */
export function pushesNothing(): OAuthError {
  const text = 'A login is begun by GET alone, and not ahead of time';
  const cause = new Reason('HEAD and prefetching begin no pushed login');
  return new OAuthError('temporarily_unavailable', text, { cause });
}
