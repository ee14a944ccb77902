import { compactVerify } from 'jose';
import { invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
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
  if (!algorithms.includes(alg)) {
    throw invalidToken(new Reason('alg', { expected: algorithms, came: alg }));
  }
  let failure: unknown = new Reason('no key of this issuer fits', { came: kid });
  for (const key of await keys.candidates({ alg, kid })) {
    try {
      const { payload } = await compactVerify(token, key.key, { algorithms: [alg] });
      return { key, payload: JSON.parse(Buffer.from(payload).toString('utf8')) };
    } catch (error) {
      failure = error;
    }
  }
  throw invalidToken(failure);
}
