import { decodeJwt } from 'jose/jwt/decode';
import type { BrokerSession } from '../contract/broker-store.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { SessionContent } from '../sessions/session-content.js';
import { type Sessions, providerUserHash } from '../sessions/sessions.js';
import { boundKeyOf } from '../tokens/bound-key.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { CallersSession, type CallersToken, type EndedSession } from './callers-session.js';
import type { OwnTokens } from './own-tokens.js';
import type { Revoke } from './revoke.js';

/** The session of a token of ours, in broker mode. */
export class BrokerCallersSession extends CallersSession {
  constructor(
    private readonly ownTokens: OwnTokens,
    private readonly sessions: Sessions,
    private readonly revocation: Revoke,
  ) {
    super();
  }

  async end({ token, prove }: CallersToken): Promise<EndedSession | undefined> {
    const claims = await this.ownTokens.read(token);
    if (claims === 'foreign') {
      const mend = 'log out at the instance that issued it, with a token of ours, or with none';
      const cause = new Reason('the token is of another issuer', { mend });
      throw new OAuthError('invalid_request', 'The token belongs to no session here', { cause });
    }
    if (claims === undefined) return undefined;
    const key = boundKeyOf(claims);
    if (key !== undefined) await prove(key);
    if (claims.sid === undefined) {
      await this.revocation.revoke({ token }); // by exchange: the token is all there is
      return ofToken(claims);
    }
    const session = await this.sessions.find(claims.sid);
    return session === undefined ? ofToken(claims) : endedSession(session, this.sessions);
  }
}

/** Ends a session because its user logs out. @throws {@link OAuthError} 503 */
export async function endedSession(
  session: BrokerSession,
  sessions: Sessions,
): Promise<EndedSession> {
  const content = await sessions.open(session);
  await sessions.end(session, 'logout'); // also one that cannot be decrypted
  const givenBy = content?.provider ?? {};
  return { provider: session.provider, givenBy, idToken: content && hintOf(session, content) };
}

/** What a token says of its user's provider, where there is no session (any more). */
function ofToken({ idp }: IdTokenClaims): EndedSession {
  const provider = typeof idp === 'string' ? idp : DEFAULT_PROVIDER;
  return { provider, givenBy: {}, idToken: undefined };
}

/** The session's ID token; one of somebody else, as the version before may have kept it, would log somebody else out. */
function hintOf(
  { providerSubjectHash }: BrokerSession,
  { provider: { idToken } }: SessionContent,
): string | undefined {
  if (idToken === undefined) return undefined;
  const { iss = '', sub = '' } = decodeJwt(idToken);
  return providerUserHash({ iss, sub }) === providerSubjectHash ? idToken : undefined;
}
