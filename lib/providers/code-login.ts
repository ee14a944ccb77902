import type { ProviderConnection } from './provider-connection.js';
import { withResource } from './request-parameters.js';
import { receiveTokens } from './received-tokens.js';
import type { TokenAnswer } from './token-answer.js';

/** What came back from the provider, with what the pending login remembers of it. */
export interface CodeRedemption {
  readonly code: string;
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly scope: string;
}

/** @throws {@link OAuthError} 400 `invalid_grant`, 502, 503. */
export async function redeemCode(
  connection: ProviderConnection,
  redemption: CodeRedemption,
): Promise<TokenAnswer> {
  await connection.prepare();
  const { publishedIssuer } = await connection.metadata();
  const currentUrl = new URL(redemption.redirectUri);
  currentUrl.searchParams.set('code', redemption.code);
  currentUrl.searchParams.set('iss', publishedIssuer);
  const call = { endpoint: 'token', grant: 'authorization_code' } as const;
  const more = withResource({}, connection.resource);
  const answer = await connection.ask(
    call,
    (configuration, { authorizationCodeGrant, skipStateCheck }) =>
      authorizationCodeGrant(
        configuration,
        currentUrl,
        {
          pkceCodeVerifier: redemption.codeVerifier,
          expectedNonce: redemption.nonce,
          expectedState: skipStateCheck, // the sealed handle is the check
          idTokenExpected: true,
        },
        more,
      ),
  );
  return receiveTokens(connection, answer, { scope: redemption.scope });
}
