import type { TokenProofs } from '../dpop/token-proofs.js';
import { OAuthError } from '../errors/oauth.error.js';
import type { IssuedTokens } from '../login/issued-tokens.js';
import type { RequestCookies } from '../login/login-cookies.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { counted, note } from '../telemetry/telemetry.js';
import type { AuthorizationCodeGrant } from './authorization-code.grant.js';
import type { DeviceCodeGrant } from './device-code.grant.js';
import type { RefreshGrant } from './refresh.grant.js';
import {
  type ProvedTokenRequest,
  type SelectedGrant,
  type TokenRequest,
  selectGrant,
} from './select-grant.js';
import type { TokenExchangeGrant } from './token-exchange.grant.js';

/** One of each grant; `undefined` where there is none. */
export interface OfferedGrants {
  readonly code: AuthorizationCodeGrant;
  readonly device: DeviceCodeGrant;
  readonly refresh: RefreshGrant;
  readonly exchange: TokenExchangeGrant | undefined;
  /** Looks at proofs of possession; `undefined`: they are ignored. */
  readonly proofs: TokenProofs | undefined;
}

/** As traces and metrics name them. */
const GRANT_TYPES = {
  authorizationCode: 'authorization_code',
  device: 'device_code',
  refresh: 'refresh_token',
  exchange: 'token_exchange',
} as const;

/** The token route: finds the grant that a request is for, and has it redeemed. */
export class TokenGrants {
  constructor(
    private readonly options: ResolvedOptions,
    private readonly offered: OfferedGrants,
  ) {}

  /** @throws {@link OAuthError} 400 with the codes of RFC 6749 §5.2 and RFC 8628 §3.5; 403; 502, 503. */
  async redeem(request: TokenRequest, cookies: RequestCookies): Promise<IssuedTokens> {
    const selected = selectGrant(request, this.options.grants);
    note({ 'oidc.grant': GRANT_TYPES[selected.grant] });
    const work = (key: string | undefined) =>
      this.#redeem(selected, { ...request, client: { ...request.client, key } }, cookies);
    const { proofs } = this.offered;
    if (proofs === undefined) return work(undefined);
    const { result, nextNonce } = await proofs.around(request.dpopProofs ?? [], work);
    return nextNonce === undefined ? result : { ...result, dpopNonce: nextNonce };
  }

  async #redeem(
    selected: SelectedGrant,
    request: ProvedTokenRequest,
    cookies: RequestCookies,
  ): Promise<IssuedTokens> {
    const { code, device, refresh, exchange } = this.offered;
    const { key } = request.client;
    switch (selected.grant) {
      case 'authorizationCode':
        return code.redeem(selected.code, request, cookies);
      case 'device':
        return withoutCookies(await device.redeem(selected.deviceCode, request.client));
      case 'refresh':
        return withoutCookies(await refresh.redeem(selected.refreshToken, request.scope, key));
      case 'exchange':
        if (exchange === undefined) {
          throw new OAuthError('unsupported_grant_type', 'This grant is not offered here');
        }
        return withoutCookies(
          await counted('oidc.logins', { 'oidc.grant': GRANT_TYPES.exchange }, () =>
            exchange.redeem(selected.subjectToken, request),
          ),
        );
    }
  }
}

function withoutCookies(tokens: IssuedTokens['tokens']): IssuedTokens {
  return { tokens, cookies: [] };
}
