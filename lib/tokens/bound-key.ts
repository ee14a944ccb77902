import { invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { isRecord } from '../options/value-rules.js';

type Claims = Readonly<Record<string, unknown>>;

/** SHA-256 in base64url: a JWK thumbprint (RFC 7638), a hash of a token. */
export function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value);
}

/** Keycloak's own member beside the thumbprint says what that is of. */
const TYPE_OF_KEYCLOAK = 'kc-jkt-type';

/**
 * Refuses tokens that are bound in a way that nobody here can check: what `cnf` says is never left aside (RFC 7800 §3.1). All that is known is the
 * thumbprint of a key for DPoP, alone (RFC 9449 §6.1); a certificate (RFC 8705) beside it would have to be shown too. A token that says that it is bound
 * for DPoP, and not to which key, is none either.
 *
 * @throws {@link OAuthError} 401 `invalid_token`
 */
export function checkBinding({ cnf, typ }: Claims): void {
  if (cnf === undefined && typ !== 'DPoP') return; // `typ`: as Keycloak says it
  const members = isRecord(cnf) ? Object.keys(cnf) : [];
  if (isRecord(cnf) && isSha256(cnf['jkt']) && (members.length === 1 || isOfKeycloak(cnf))) return;
  const details = { expected: 'jkt alone', came: members, option: '"dpop"' };
  throw invalidToken(new Reason('cnf: bound in a way that is not known here', details));
}

function isOfKeycloak(cnf: Claims): boolean {
  return Object.keys(cnf).length === 2 && cnf[TYPE_OF_KEYCLOAK] === 'DPoP';
}

/** The key that a verified token is bound to (RFC 9449 §6.1), by its thumbprint; `undefined` for a bearer token. */
export function boundKeyOf({ cnf }: Claims): string | undefined {
  if (cnf === undefined) return undefined;
  const jkt = isRecord(cnf) ? cnf['jkt'] : undefined;
  return typeof jkt === 'string' ? jkt : '';
}
