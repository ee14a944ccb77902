import type { JsonMembers } from '../compact-jws.js';
import { answerWith } from '../faults.js';
import { type MisbehavingProvider, startMisbehavingProvider } from '../misbehaving-provider.js';
import { sendAnswer } from '../provider-answer.js';

/** Where the test provider answers; a recorded document names these addresses in the provider's own members. */
export interface ServedEndpoints {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly authorization: string;
  readonly token: string;
  readonly device: string;
  readonly userinfo: string;
  readonly revocation: string;
  readonly introspection: string;
  readonly endSession: string;
  readonly keys: string;
}

/** How one kind of identity provider speaks, as its documentation publishes it. */
export interface Dialect {
  readonly clientId: string;
  /** Path of what stands before `/.well-known/openid-configuration`. @defaultValue `''` */
  readonly path?: string;
  /** `iss` of its tokens. */
  issuer(at: ServedEndpoints): string;
  metadata(at: ServedEndpoints): JsonMembers;
  /** Claims of ID tokens beside `iss`, `aud`, `iat`, `exp` and `nonce`. */
  readonly idToken: JsonMembers;
  /**
   * Claims of access tokens beside `iat` and `exp`, and `iss` where that is another; `undefined`: the token is opaque.
   *
   * @param asked the authorization request
   */
  accessToken(asked: Readonly<Record<string, string>>): JsonMembers | undefined;
  /** The answer of the token endpoint, made from that of the test provider. */
  tokenAnswer(body: JsonMembers, asked: Readonly<Record<string, string>>): JsonMembers;
  /** `'refused'`: access tokens of this kind are not meant for it. */
  readonly userinfo: JsonMembers | 'refused';
  /** Whether authorization responses carry `iss` (RFC 9207). @defaultValue `false` */
  readonly sendsIssuer?: boolean;
  /** Scopes beside which the authorization endpoint shows an error page; default: takes any. */
  readonly knownScopes?: readonly string[];
  /** Whether each refresh gives a new refresh token. @defaultValue `false` */
  readonly rotates?: boolean;
}

function endpointsOf({ issuer }: MisbehavingProvider): ServedEndpoints {
  return {
    origin: new URL(issuer).origin,
    authorization: `${issuer}/authorize`,
    token: `${issuer}/token`,
    device: `${issuer}/device_authorization`,
    userinfo: `${issuer}/userinfo`,
    revocation: `${issuer}/revoke`,
    introspection: `${issuer}/introspect`,
    endSession: `${issuer}/logout`,
    keys: `${issuer}/jwks`,
  };
}

/** Starts a provider on loopback that speaks a dialect. Parts of it may be changed for one test file. */
export async function startDialect(
  base: Dialect,
  changes: Partial<Dialect> = {},
): Promise<MisbehavingProvider> {
  const dialect: Dialect = { ...base, ...changes };
  const provider = await startMisbehavingProvider({
    clientId: dialect.clientId,
    path: dialect.path ?? '',
    algorithms: ['RS256'],
  });
  speak(provider, dialect);
  return provider;
}

function speak(provider: MisbehavingProvider, dialect: Dialect): void {
  const { behaviour } = provider;
  const at = endpointsOf(provider);
  const asked = () => provider.requestsTo('authorization').at(-1)?.query ?? {};

  behaviour.metadata = () => dialect.metadata(at);
  behaviour.rotateRefreshTokens = dialect.rotates ?? false;
  behaviour.authorization = (answer, query) => {
    behaviour.opaqueAccessTokens = dialect.accessToken(query) === undefined;
    if (dialect.sendsIssuer === true) answer.set('iss', dialect.issuer(at));
    else answer.delete('iss');
    return answer;
  };
  behaviour.idToken.claims = ({ iat, exp, nonce }) => ({
    ...dialect.idToken,
    iss: dialect.issuer(at),
    aud: dialect.clientId,
    iat,
    exp,
    nonce,
  });
  behaviour.accessToken.claims = ({ iat, exp }) => ({
    iss: dialect.issuer(at),
    ...(dialect.accessToken(asked()) ?? { sub: dialect.idToken['sub'] }),
    iat,
    exp,
  });
  behaviour.tokenResponse = (body) => dialect.tokenAnswer(body, asked());

  const { userinfo, knownScopes } = dialect;
  if (userinfo === 'refused') behaviour.faults.userinfo = answerWith({ status: 401 });
  else behaviour.userinfo = () => userinfo;
  if (knownScopes !== undefined) {
    behaviour.faults.authorization = async ({ request, response, usual }) => {
      const scopes = (request.query['scope'] ?? '').split(' ');
      const known = scopes.every((scope) => knownScopes.includes(scope));
      sendAnswer(response, known ? await usual() : errorPage);
    };
  }
}

const errorPage = {
  status: 400,
  headers: { 'content-type': 'text/html' },
  body: '<h1>invalid_scope</h1>',
};

/** An answer whose refresh token has no stated end, and is there only for logins that asked for it with a scope. */
export function refreshOnlyWith(
  asking: string,
  { access_token, id_token, refresh_token, token_type, scope }: JsonMembers,
): JsonMembers {
  const granted = String(scope).split(' ').includes(asking);
  const usual = { access_token, id_token, scope, token_type };
  return granted ? { ...usual, refresh_token } : usual;
}
