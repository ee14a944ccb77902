import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { type IdTokenExpectation, checkIdToken } from './check-id-token.js';
import type { ProviderConnection } from './provider-connection.js';
import { type TokenAnswer, readTokenAnswer } from './token-answer.js';

/** What openid-client made of an answer of the token endpoint. */
export type AnsweredTokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** How an answer is read. */
export interface AnswerReading {
  /** What was asked for. */
  readonly scope: string | undefined;
  /** What was asked with: it stays good when the answer brings no new one (RFC 6749 §6). */
  readonly refreshToken?: string;
  /** What becomes of the ID token. Default: it is checked. */
  readonly idToken?: 'checked' | 'left out';
}

/**
 * Validates and reads an answer of the token endpoint, its ID token included.
 *
 * @throws {@link OAuthError} 502 for tokens that do not hold; 503 when the keys cannot be read.
 */
export async function receiveTokens(
  connection: ProviderConnection,
  answer: AnsweredTokens,
  reading: AnswerReading,
): Promise<TokenAnswer> {
  const expected = await connection.expectation();
  try {
    const tokens = await readTokens(answer, expected, reading);
    if (tokens.idTokenClaims !== undefined) connection.clean(tokens.idTokenClaims, 'ID token');
    return tokens;
  } catch (error) {
    throw connection.refusal(error);
  }
}

async function readTokens(
  answer: AnsweredTokens,
  expected: IdTokenExpectation,
  { scope, refreshToken, idToken: use = 'checked' }: AnswerReading,
): Promise<TokenAnswer & { readonly idTokenClaims: Record<string, unknown> | undefined }> {
  if (answer.token_type !== 'bearer')
    throw badUpstreamAnswer('answer without the token_type Bearer');
  const claims = use === 'checked' ? answer.claims() : undefined;
  const idToken = claims === undefined ? undefined : answer.id_token;
  const idTokenClaims = claims === undefined ? undefined : { ...claims };
  if (idToken !== undefined && idTokenClaims !== undefined) {
    await checkIdToken(idToken, idTokenClaims, expected);
  }
  const refresh_token = answer.refresh_token ?? refreshToken;
  const body = { ...answer, ...(refresh_token === undefined ? {} : { refresh_token }) };
  return { ...readTokenAnswer(body, scope, expected.nowSec), idToken, idTokenClaims };
}
