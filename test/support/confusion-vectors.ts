import type { JsonMembers } from './compact-jws.js';
import { vectors, type TokenVector, type VectorKit } from './token-vector.js';

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** JV-8: tokens of another kind, all really signed by the issuer. */
export function confusionVectors(kit: VectorKit): TokenVector[] {
  const typed = (typ: unknown): string => kit.token({}, { typ });
  const payloadTyped = (typ: string): string => kit.token({ typ });

  return [
    ...vectors('JV-8', 'refuse', {
      'header typ logout+jwt': typed('logout+jwt'),
      'header typ LOGOUT+JWT': typed('LOGOUT+JWT'),
      'header typ application/logout+jwt': typed('application/logout+jwt'),
      'header typ secevent+jwt': typed('secevent+jwt'),
      'header typ dpop+jwt': typed('dpop+jwt'),
      ...otherTypes(kit),
      'payload typ ID': payloadTyped('ID'),
      'payload typ Refresh': payloadTyped('Refresh'),
      'payload typ Offline': payloadTyped('Offline'),
      'payload typ Logout': payloadTyped('Logout'),
      'a logout token': kit.token({ events: { [LOGOUT_EVENT]: {} }, typ: undefined }),
      'a logout token of its own type': kit.token(
        { events: { [LOGOUT_EVENT]: {} }, typ: undefined },
        { typ: 'logout+jwt' },
      ),
      'an access token with events': kit.token({ events: {} }),
      'an ID token of Amazon Cognito': kit.token({ token_use: 'id', typ: undefined }),
      'a refresh token by token_use': kit.token({ token_use: 'refresh', typ: undefined }),
      'a refresh token of Casdoor': kit.token({ tokenType: 'refresh-token', typ: undefined }),
      ...boundTokens(kit),
      ...idTokens(kit),
      ...(kit.source.kind === 'own' ? wrongTypes(kit) : {}),
    }),
    ...vectors('JV-8', 'accept', {
      'an access token (at+jwt) with a nonce': kit.token({ nonce: 'n' }, { typ: 'at+jwt' }),
      'header typ application/at+jwt': typed('application/at+jwt'),
      'header typ AT+JWT': typed('AT+JWT'),
      'an access token of Amazon Cognito': kit.token({ token_use: 'access' }),
      ...(kit.source.kind === 'own' ? {} : idpTypes(kit)),
    }),
    ...vectors('JV-8', 'either', {
      'header typ a number': typed(1),
      'payload typ a number': kit.token({ typ: 1 }),
    }),
  ];
}

/** Types of other JWTs, registered or made up, and spellings that only look like those of an access token. */
function otherTypes(kit: VectorKit): Record<string, string> {
  const types = [
    'oauth-id-jag+jwt',
    'token-introspection+jwt',
    'entity-statement+jwt',
    'oauth-authz-req+jwt',
    'kb+jwt',
    'vc+sd-jwt',
    'passport',
    'id_token+jwt',
    'rt+jwt',
    'JWE',
    'application/jwt',
    'application/application/at+jwt',
    'text/at+jwt',
    'at+jwt; charset=utf-8',
    'at+jwt;v=1',
    'application/at+jwt; v=1',
    'JWT; v=1',
    'at+jwt,logout+jwt',
    'at jwt',
    'xat+jwt',
    'at+jwtx',
    ' at+jwt',
    'at+jwt ',
    'at+jwt\0',
    '',
  ];
  return Object.fromEntries(
    types.map((typ) => [`header typ ${JSON.stringify(typ)}`, kit.token({}, { typ })]),
  );
}

/** Tokens that only the holder of a key may present (RFC 7800 §3), presented as anybody's. */
function boundTokens(kit: VectorKit): Record<string, string> {
  const cnf = {
    'a key thumbprint (DPoP)': { jkt: 'thumbprint' },
    'a certificate thumbprint': { 'x5t#S256': 'thumbprint' },
    'a key': { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'x' } },
    'a key id': { kid: 'key' },
    nothing: {},
    null: null,
    'a text': 'thumbprint',
  };
  return Object.fromEntries(
    Object.entries(cnf).flatMap(([name, value]) => [
      [`bound to ${name}`, kit.token({ cnf: value })],
      [`bound to ${name}, at+jwt`, kit.token({ cnf: value }, { typ: 'at+jwt' })],
    ]),
  );
}

/** ID tokens, which bear the marks of OpenID Connect Core §2 and none of an access token. */
function idTokens(kit: VectorKit): Record<string, string> {
  const bare = { typ: undefined };
  const idToken = (claims: JsonMembers): string =>
    kit.token({ ...bare, ...claims }, { typ: kit.source.kind === 'own' ? undefined : 'JWT' });
  return {
    'an ID token with our audience and a nonce': idToken({ nonce: 'n' }),
    'an ID token with our audience and at_hash': idToken({ at_hash: 'h' }),
    'an ID token with our audience and c_hash': idToken({ c_hash: 'h' }),
    'an ID token of Keycloak': idToken({ typ: 'ID', nonce: 'n', at_hash: 'h' }),
    'an ID token for the client': idToken({ aud: kit.source.clientId, nonce: 'n' }),
  };
}

/** Own and peer tokens must say what they are (RFC 9068 §4). */
function wrongTypes(kit: VectorKit): Record<string, string> {
  const typed = (typ: unknown): string => kit.token({}, { typ });
  return {
    'no header typ': typed(undefined),
    'header typ JWT': typed('JWT'),
    'header typ empty': typed(''),
    'header typ null': typed(null),
    'header typ a list': typed(['at+jwt']),
    'header typ with a space': typed('at+jwt '),
  };
}

function idpTypes(kit: VectorKit): Record<string, string> {
  return {
    'header typ at+jwt': kit.token({}, { typ: 'at+jwt' }),
    'no header typ': kit.token({}, { typ: undefined }),
    'no payload typ': kit.token({ typ: undefined }),
    'payload typ Bearer with a nonce': kit.token({ nonce: 'n' }),
  };
}
