import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { nestsTooDeep } from '../tokens/nesting.js';
import { openidClient } from './openid-client.js';
import type { ProviderConnection } from './provider-connection.js';
import { rejectedClient } from './upstream-refusal.js';

type Claims = Readonly<Record<string, unknown>>;

const SUBJECT_DIFFERS = 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED';
const UNAUTHORIZED = 401;

/** Whether openid-client refused a userinfo answer because it is about another subject (OpenID Connect Core §5.3.2). */
function isOfOtherSubject(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === SUBJECT_DIFFERS;
}

/** Whether the endpoint does not take this token (RFC 6750 §3.1), be there a challenge in its answer or not. */
function isAboutToken(error: unknown): boolean {
  if (rejectedClient(error) !== undefined) return true;
  const answer = error instanceof Error ? error.cause : undefined;
  return answer instanceof Response && answer.status === UNAUTHORIZED;
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
  const { fetchUserInfo } = await openidClient();
  try {
    const claims = { ...(await fetchUserInfo(configuration, accessToken, subject)) };
    if (nestsTooDeep(claims)) throw badUpstreamAnswer('userinfo is nested too deep');
    connection.clean(claims, 'userinfo');
    return claims;
  } catch (error) {
    if (isAboutToken(error)) return undefined;
    throw isOfOtherSubject(error) ? otherSubject() : connection.refusal(error, endpoints.userinfo);
  }
}
