import { type OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { checkBinding } from './bound-key.js';
import { isTypeOfKeycloak } from './introspection.js';
import { textList } from './text-list.js';
import type { TokenIssuer } from './verification-keys.js';

type Payload = Readonly<Record<string, unknown>>;

/** Media types are compared without regard to case (RFC 7515 §4.1.9); parameters behind them are none of these. */
const ACCESS_TOKEN_TYPES: readonly string[] = ['at+jwt', 'application/at+jwt'];
const TYPES: readonly string[] = ['jwt', ...ACCESS_TOKEN_TYPES];

/** Where providers say in the payload that a JWT of theirs is no access token: Keycloak, Amazon Cognito and Ory Hydra, Casdoor. */
const OTHER_KINDS: Readonly<Record<string, readonly unknown[]>> = {
  typ: ['ID', 'Refresh', 'Offline', 'Logout'],
  token_use: ['id', 'refresh', 'refresh_token'],
  tokenType: ['refresh-token'],
};

/** OpenID Connect Core §2, §3.3.2.11: what ID tokens are bound to a login and its answer by. */
const ID_TOKEN_MARKS = ['nonce', 'at_hash', 'c_hash'];

/**
 * What access tokens carry and ID tokens do not: RFC 9068 §2.2, and its forerunners at Okta (`cid`) and Entra ID (`appid`, `azpacr`).
 * Not `azp`, which is a claim of ID tokens.
 */
const EVIDENCE = ['scope', 'scp', 'client_id', 'appid', 'cid', 'azpacr'];

/** What the token's audience and the clients that are known here have in common. */
function clientsNamed(payload: Payload, { clientId, otherClientIds = [] }: TokenIssuer): string[] {
  const clients = [clientId, ...otherClientIds];
  return textList(payload['aud']).filter((one) => clients.includes(one));
}

/** Whether it is meant for clients alone, of all that counts as our audience: `aud` of an ID token is its client. */
function isMeantForClient(payload: Payload, issuer: TokenIssuer): boolean {
  const { audience } = issuer;
  const clients = clientsNamed(payload, issuer);
  const others = textList(payload['aud']).filter((one) => !clients.includes(one));
  return (
    clients.length > 0 && (audience === false || !others.some((one) => audience.includes(one)))
  );
}

function isIdToken(why: string): OAuthError {
  const anchor = 'reason-id-token';
  return invalidToken(new Reason(`ID token: ${why}`, { option: '"accessTokenMark"', anchor }));
}

function checkMark(payload: Payload, mark: Readonly<Record<string, string | true>>): void {
  const missing = Object.entries(mark).find(([claim, value]) => {
    const held = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    return value === true ? held === undefined || held === null : held !== value;
  });
  if (missing !== undefined) throw isIdToken(`its ${missing[0]} is not that of an access token`);
}

/** Refuses ID tokens, by what the option `accessTokenMark` says of this provider, else by the specifications. */
function checkIsNoIdToken(payload: Payload, issuer: TokenIssuer): void {
  const { accessTokenMark: mark } = issuer;
  if (typeof mark === 'object') {
    checkMark(payload, mark);
    return;
  }
  const marks = mark === undefined ? ID_TOKEN_MARKS : ['c_hash'];
  const found = marks.find((claim) => Object.hasOwn(payload, claim));
  if (found !== undefined) throw isIdToken(`it carries ${found}`);
  if (mark === false) return;
  if (mark === 'aud') {
    if (clientsNamed(payload, issuer).length === 0) return;
    throw isIdToken('aud names our client');
  }
  if (!isMeantForClient(payload, issuer)) return;
  if (EVIDENCE.some((claim) => textList(payload[claim]).length > 0)) return;
  throw isIdToken(`aud is our client, and none of ${EVIDENCE.join(', ')} is there`);
}

/**
 * Refuses JWTs that the same issuer signs for another purpose (RFC 8725 §3.11-3.12), and access tokens that are bound in a way that is not
 * known here.
 *
 * @throws {@link OAuthError} 401 `invalid_token`; its cause names the claim.
 */
export function checkPurpose(payload: Payload, typ: string | undefined, issuer: TokenIssuer): void {
  const type = typ?.toLowerCase();
  const saysSo = type !== undefined && ACCESS_TOKEN_TYPES.includes(type);
  // Our own tokens say what they are; nothing else that we sign can then pass for one (RFC 9068 §4).
  const isOther = issuer.kind === 'own' ? !saysSo : type !== undefined && !TYPES.includes(type);
  if (isOther) throw invalidToken(new Reason('typ', { came: typ }));
  for (const [claim, kinds] of Object.entries(OTHER_KINDS)) {
    const came = payload[claim];
    if (kinds.includes(came)) throw invalidToken(new Reason(`claim ${claim}`, { came }));
  }
  if (payload['events'] !== undefined) throw invalidToken('events');
  if (issuer.cameAsAccessToken === true) return;
  checkBinding(payload);
  const isMarked = saysSo || isTypeOfKeycloak(payload['typ']);
  if (!isMarked) checkIsNoIdToken(payload, issuer);
}
