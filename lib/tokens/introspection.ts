import { isDeepStrictEqual } from 'node:util';
import { invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { AccessTokenMark } from '../options/provider-options.js';
import { isRecord } from '../options/value-rules.js';

type Payload = Readonly<Record<string, unknown>>;

/** Types of access tokens that are known here, with whether they are bound to a key (RFC 6750 §6.1.1, RFC 9449 §6.2). */
const TOKEN_TYPES: Readonly<Record<string, boolean | undefined>> = { bearer: false, dpop: true };

/**
 * Refuses tokens that the answer says to be of a type that is not known here, and those that it says to be bound to a key without saying to which.
 *
 * @returns whether the answer says that it is an access token. Refresh tokens are active at most endpoints too, and have no `token_type`
 * (RFC 7662 §2.2, RFC 6749 §7.1).
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function saysAccessToken(answer: Payload): boolean {
  const { token_type: type, typ, token_use: use } = answer;
  if (type !== undefined && type !== null) {
    const isBound = typeof type === 'string' ? TOKEN_TYPES[type.toLowerCase()] : undefined;
    const isKnown = isBound === false || (isBound === true && isRecord(answer['cnf']));
    if (isKnown) return true;
    throw invalidToken(new Reason('token_type', { expected: ['Bearer', 'DPoP'], came: type }));
  }
  return isTypeOfKeycloak(typ) || use === 'access' || use === 'access_token'; // Keycloak; Ory Hydra
}

/** How Keycloak says in a claim that a token is an access token: bound to a key or not. */
export function isTypeOfKeycloak(typ: unknown): boolean {
  return typ === 'Bearer' || typ === 'DPoP';
}

/** What RFC 9068 calls an access token: the header of one of which its issuer said so in another way. */
const ACCESS_TOKEN = 'at+jwt';

/**
 * The kind of an opaque token, as a header would say it; `undefined` leaves it to the mark of the provider.
 *
 * @throws {@link OAuthError} 401 `invalid_token` where nothing shows an access token.
 */
export function kindOfOpaque(
  answer: Payload,
  mark: AccessTokenMark | undefined,
): string | undefined {
  const isShown = saysAccessToken(answer);
  if (typeof mark === 'object') return undefined;
  if (isShown || mark === false) return ACCESS_TOKEN;
  const option = '"accessTokenMark"';
  throw invalidToken(new Reason('introspection does not show an access token', { option }));
}

/**
 * What a JWT and the answer about it say together. What both say of whose it is must agree; its end is the earlier one.
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function completed(payload: Payload, answer: Payload): Record<string, unknown> {
  for (const claim of ['iss', 'sub', 'jti', 'client_id']) {
    const [one, other] = [payload[claim], answer[claim]];
    if (one === undefined || other === undefined || one === other) continue;
    throw invalidToken(new Reason('introspection is about another token', { came: claim }));
  }
  const bindings = [payload['cnf'], answer['cnf']].filter(
    (cnf) => cnf !== undefined && cnf !== null,
  );
  if (bindings.length > 1 && !isDeepStrictEqual(bindings[0], bindings[1])) {
    throw invalidToken(new Reason('introspection is about another token', { came: 'cnf' }));
  }
  const { exp: until } = payload;
  const { exp: saidUntil } = answer;
  const isSooner = typeof until === 'number' && typeof saidUntil === 'number' && saidUntil < until;
  const [cnf] = bindings; // whoever says it: the other one takes no binding away
  const bound = cnf === undefined ? {} : { cnf };
  return { ...payload, ...answer, ...bound, exp: isSooner ? saidUntil : until };
}
