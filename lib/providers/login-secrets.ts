import { randomBytes } from 'node:crypto';

/** What a login keeps to itself until the code is redeemed. */
export interface LoginSecrets {
  /** RFC 7636 §4.1 */
  readonly codeVerifier: string;
  /** OpenID Connect Core §15.5.2 */
  readonly nonce: string;
}

const SECRET_BYTES = 32;

/** The secrets of a new login towards a provider. */
export function newLoginSecrets(): LoginSecrets {
  return { codeVerifier: secret(), nonce: secret() };
}

function secret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}
