import { compactVerify } from 'jose';
import { invalidToken } from '../errors/oauth.error.js';
import type { UnverifiedJws } from './compact-jws.js';
import type { VerificationKey, VerificationKeys } from './verification-keys.js';

/**
 * Checks the signature of a compact JWS against the keys of the issuer that its reader chose.
 *
 * @returns the key that verified it, and the payload, parsed once from the verified bytes.
 * @throws {@link OAuthError} 401 `invalid_token`; 503 when the keys cannot be read.
 */
export async function verifySignature(
  token: string,
  { alg, kid }: UnverifiedJws,
  { keys, algorithms }: { keys: VerificationKeys; algorithms: readonly string[] },
): Promise<{ key: VerificationKey; payload: Record<string, unknown> }> {
  if (!algorithms.includes(alg)) throw invalidToken('alg');
  const key = await keys.find({ alg, kid });
  if (key === undefined) throw invalidToken('no key of this issuer fits');
  let verified: Uint8Array;
  try {
    ({ payload: verified } = await compactVerify(token, key.key, { algorithms: [alg] }));
  } catch (error) {
    throw invalidToken(error);
  }
  return { key, payload: JSON.parse(Buffer.from(verified).toString('utf8')) };
}
