import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  skipStateCheck,
} from 'openid-client';
import type { ProviderConnection } from './provider-connection.js';
import { type PushedLogins, pushesNothing } from './pushed-login.js';
import { withResource } from './request-parameters.js';
import { receiveTokens } from './received-tokens.js';
import type { TokenAnswer } from './token-answer.js';

/** What a browser is sent to the provider with. */
export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly prompt: string | undefined;
  /** HEAD or a prefetch: no login is pushed for it. */
  readonly speculative?: boolean;
}

/** What came back from the provider, with what the pending login remembers of it. */
export interface CodeRedemption {
  readonly code: string;
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly scope: string;
}

/** @param fixed the host's own parameters. */
export async function authorizationUrl(
  connection: ProviderConnection,
  request: AuthorizationRequest,
  fixed: Readonly<Record<string, string>>,
  pushed: PushedLogins,
): Promise<string> {
  const parameters = withResource(
    {
      ...fixed,
      redirect_uri: request.redirectUri,
      scope: request.scope,
      state: request.state,
      nonce: request.nonce,
      code_challenge: await calculatePKCECodeChallenge(request.codeVerifier),
      code_challenge_method: 'S256',
      ...(request.prompt === undefined ? {} : { prompt: request.prompt }),
    },
    connection.resource,
  );
  if (await pushed.areOn()) {
    if (request.speculative === true) throw pushesNothing();
    return pushed.url(parameters);
  }
  return connection.ask(
    { endpoint: 'authorization' },
    async (configuration) => buildAuthorizationUrl(configuration, parameters).href,
  );
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
  const answer = await connection.ask(call, (configuration) =>
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
