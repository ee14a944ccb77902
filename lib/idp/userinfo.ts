import { fetchUserInfo } from 'openid-client';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { nestsTooDeep } from '../tokens/nesting.js';
import type { ProviderConnection } from './provider-connection.js';
import { rejectedClient } from './upstream-refusal.js';

type Claims = Readonly<Record<string, unknown>>;

const SUBJECT_DIFFERS = 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED';

/** Whether openid-client refused a userinfo answer because it is about another subject (OpenID Connect Core §5.3.2). */
function isOfOtherSubject(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === SUBJECT_DIFFERS;
}

/**
 * The provider's claims about the bearer of an access token; `undefined` when it has no such endpoint or does not
 * take this token.
 *
 * @param otherSubject what to throw when they are about another subject.
 * @throws {@link OAuthError} 502, also for a signed answer that does not hold; 503.
 */
export async function askUserinfo(
  connection: ProviderConnection,
  { accessToken, subject }: { accessToken: string; subject: string },
  otherSubject: () => Error,
): Promise<Claims | undefined> {
  const { configuration, endpoints } = await connection.metadata();
  if (endpoints.userinfo === undefined) return undefined;
  try {
    const claims = { ...(await fetchUserInfo(configuration, accessToken, subject)) };
    if (nestsTooDeep(claims)) throw badUpstreamAnswer('userinfo is nested too deep');
    connection.clean(claims, 'userinfo');
    return claims;
  } catch (error) {
    if (rejectedClient(error) !== undefined) return undefined; // a 401 here is about the token
    throw isOfOtherSubject(error) ? otherSubject() : connection.refusal(error, endpoints.userinfo);
  }
}
