import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  type AuthorizationCodeGrantOptions,
  type Configuration,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from 'openid-client';

import { UserAgent } from './user-agent.js';

export type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** What both test providers have. */
export interface AnyProvider {
  readonly issuer: string;
  readonly discoveryUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** openid-client, set up for a test provider: a second opinion on what the providers do. */
export async function clientOf(provider: AnyProvider): Promise<Configuration> {
  const { discoveryUrl, clientId, clientSecret } = provider;
  const authentication = ClientSecretBasic(clientSecret);
  const options = { execute: [allowInsecureRequests] };
  return discovery(new URL(discoveryUrl), clientId, undefined, authentication, options);
}

/** A login at a test provider by openid-client alone, for tokens without an application of ours. */
export async function obtainTokens(
  provider: AnyProvider,
  client: Configuration,
  {
    user = 'alice',
    scope = 'openid profile email offline_access myscope',
    options = {},
  }: { user?: string; scope?: string; options?: AuthorizationCodeGrantOptions } = {},
): Promise<Tokens> {
  const [verifier, state, nonce] = [randomPKCECodeVerifier(), randomState(), randomNonce()];
  const url = buildAuthorizationUrl(client, {
    redirect_uri: 'http://localhost:53100/callback',
    scope,
    state,
    nonce,
    prompt: 'consent',
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });

  const back = await new UserAgent().loginAt(provider, url, user);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  return authorizationCodeGrant(client, new URL(back), checks, undefined, options);
}
