import type { Deadline } from '../clock/deadline.js';
import { OAuthError, unavailable } from '../errors/oauth.error.js';
import type { UserIdentity } from '../tokens/id-token-claims.js';
import { claimReason, isForClaim } from './claim-reasons.js';
import type { ProviderConnection } from './provider-connection.js';
import { withResource } from './request-parameters.js';
import { type AnsweredTokens, receiveTokens } from './received-tokens.js';
import type { TokenAnswer } from './token-answer.js';

/** A session's refresh at the provider. */
export interface SessionTokens {
  /** Of the login. */
  readonly user: UserIdentity;
  readonly refreshToken: string;
  /** What the session has: granted again, when the answer does not say otherwise (RFC 6749 §6). */
  readonly scope: string;
  readonly deadline: Deadline;
}

/** Whose ID token a refresh brought instead of the user's of the login. */
export type OtherParty = 'subject' | 'issuer' | 'audience';

/** What to throw for the ID token of somebody else, with the reason as it is logged. */
export type OtherPartyRefusal = (party: OtherParty, reason: string) => OAuthError;

/** A refresh (RFC 6749 §6). @throws {@link OAuthError} 400 `invalid_grant`, 502, 503. */
async function askForRefresh(
  connection: ProviderConnection,
  refreshToken: string,
  { parameters = {}, deadline }: { parameters?: Record<string, string>; deadline?: Deadline } = {},
): Promise<AnsweredTokens> {
  await connection.prepare();
  if (deadline?.halfOver) throw unavailable('too late to begin a refresh');
  const call = { endpoint: 'token', grant: 'refresh_token', deadline } as const;
  return connection.ask(call, (configuration, { refreshTokenGrant }) =>
    refreshTokenGrant(configuration, refreshToken, withResource(parameters, connection.resource)),
  );
}

/**
 * Reads what a refresh brought. An ID token that cannot be checked, or not in time, for want of keys is left out: the other tokens
 * must not be lost, because those before may be worth nothing any more.
 */
async function received(
  read: (idToken: 'checked' | 'left out') => Promise<TokenAnswer>,
  deadline?: Deadline,
): Promise<TokenAnswer> {
  const checked = read('checked');
  try {
    return await (deadline === undefined ? checked : deadline.withinHalf(checked));
  } catch (error) {
    if (error instanceof OAuthError && error.getStatus() !== 503) throw error;
    return read('left out');
  }
}

/** Refreshes tokens that belong to whoever has them. Without a new refresh token in the answer the presented one stays good. */
export async function refreshTokens(
  connection: ProviderConnection,
  refreshToken: string,
  scope: string | undefined,
): Promise<TokenAnswer> {
  const parameters = scope === undefined ? {} : { scope };
  const answer = await askForRefresh(connection, refreshToken, { parameters });
  return received((idToken) => receiveTokens(connection, answer, { scope, refreshToken, idToken }));
}

/**
 * Refreshes the tokens of a session: an ID token in the answer must be of the same issuer, subject and audience as
 * the one of the login (OpenID Connect Core §12.2).
 */
export async function refreshSession(
  connection: ProviderConnection,
  { user, refreshToken, scope, deadline }: SessionTokens,
  refusal: OtherPartyRefusal,
): Promise<TokenAnswer> {
  const judged = (error: unknown): never => {
    const party = otherPartyOf(error);
    throw party === undefined ? error : refusal(party, reasonOf(error));
  };
  const answer = await askForRefresh(connection, refreshToken, { deadline }).catch(judged);
  checkParty(answer, user, refusal);
  const read = (idToken: 'checked' | 'left out') =>
    receiveTokens(connection, answer, { scope, refreshToken, idToken });
  return received(read, deadline).catch(judged);
}

function checkParty(answer: AnsweredTokens, user: UserIdentity, refusal: OtherPartyRefusal): void {
  const claims = answer.claims();
  if (claims === undefined) return;
  const { iss, sub } = claims;
  if (iss !== user.iss) {
    throw refusal(
      'issuer',
      String(claimReason('ID token', 'iss', { expected: user.iss, came: iss })),
    );
  }
  if (sub !== user.sub) throw refusal('subject', String(claimReason('ID token', 'sub')));
}

/** Whether an ID token was refused because it is of another issuer or for another client. */
function otherPartyOf(error: unknown): OtherParty | undefined {
  if (isForClaim(error, 'iss')) return 'issuer';
  if (isForClaim(error, 'aud') || isForClaim(error, 'azp')) return 'audience';
  return isForClaim(error, 'sub') ? 'subject' : undefined;
}

function reasonOf(error: unknown): string {
  return error instanceof OAuthError ? String(error.cause) : '';
}
