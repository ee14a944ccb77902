import { KeyObject, type VerifyKeyObjectInput, constants, verify } from 'node:crypto';
import { invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { jose } from '../libraries/jose.js';
import type { UnverifiedJws } from './compact-jws.js';
import type { VerificationKey, VerificationKeys } from './verification-keys.js';

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST } = constants;

/** What OpenSSL is told of an RSA key. */
interface RsaKey {
  /** The only algorithm that it was imported for. */
  readonly alg: string;
  readonly hash: string;
  readonly input: VerifyKeyObjectInput;
  /** Of its signatures: OpenSSL takes one without its leading zeros too, which RFC 8017 §8.1.2 refuses. */
  readonly signatureBytes: number;
  /** Whether a signature is checked in less time than another thread takes to be asked. */
  readonly isQuick: boolean;
}

const MOST_QUICK_BITS = 4096;
const USUAL_EXPONENT = 65_537n;

/** RFC 7518 §3.3, §3.5 */
const PADDINGS: Readonly<Record<string, Partial<VerifyKeyObjectInput> & { family: string }>> = {
  'RSASSA-PKCS1-v1_5': { family: 'RS', padding: RSA_PKCS1_PADDING },
  'RSA-PSS': { family: 'PS', padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST },
};

const rsaKeys = new WeakMap<object, RsaKey | undefined>();

function asRsaKey(key: VerificationKey['key']): RsaKey | undefined {
  if (!('algorithm' in key)) return undefined;
  const { name, hash }: { name: string; hash?: { name: string } } = key.algorithm;
  const { family, ...padding } = PADDINGS[name] ?? {};
  if (family === undefined || hash === undefined) return undefined;
  const object = KeyObject.from(key);
  const { modulusLength = 0, publicExponent } = object.asymmetricKeyDetails ?? {};
  const bits = hash.name.replace('SHA-', '');
  return {
    alg: `${family}${bits}`,
    hash: `sha${bits}`,
    input: { key: object, ...padding },
    signatureBytes: Math.ceil(modulusLength / 8),
    isQuick: modulusLength <= MOST_QUICK_BITS && publicExponent === USUAL_EXPONENT,
  };
}

function rsaKeyOf(key: VerificationKey['key']): RsaKey | undefined {
  if (!rsaKeys.has(key)) rsaKeys.set(key, asRsaKey(key));
  return rsaKeys.get(key);
}

/**
 * Usual RSA signatures are checked at once: `jose` has WebCrypto do it on another thread, and the way there and back takes longer than the check. Other
 * algorithms, and RSA keys of an unusual kind, take long enough for that way to pay.
 */
function holds(
  token: string,
  { alg, signingInput, signature }: UnverifiedJws,
  { key }: VerificationKey,
): boolean | Promise<boolean> {
  const rsa = rsaKeyOf(key);
  if (rsa !== undefined && signature.length !== rsa.signatureBytes) return false;
  if (rsa?.isQuick === true && rsa.alg === alg) {
    return verify(rsa.hash, Buffer.from(signingInput, 'latin1'), rsa.input, signature);
  }
  return holdsByJose(token, alg, key);
}

async function holdsByJose(
  token: string,
  alg: string,
  key: VerificationKey['key'],
): Promise<boolean> {
  const { compactVerify } = await jose();
  return compactVerify(token, key, { algorithms: [alg] }).then(
    () => true,
    () => false,
  );
}

/**
 * Checks the signature of a compact JWS against the keys of the issuer that its reader chose.
 *
 * @returns the key that verified it, and the payload that it signed.
 * @throws {@link OAuthError} 401 `invalid_token`; 503 when the keys cannot be read.
 */
export async function verifySignature(
  token: string,
  jws: UnverifiedJws,
  { keys, algorithms }: { keys: VerificationKeys; algorithms: readonly string[] },
): Promise<{ key: VerificationKey; payload: Record<string, unknown> }> {
  const { alg, kid, payload } = jws;
  if (!algorithms.includes(alg)) {
    throw invalidToken(new Reason('alg', { expected: algorithms, came: alg }));
  }
  const found = keys.candidates({ alg, kid });
  const candidates = found instanceof Promise ? await found : found;
  for (const key of candidates) {
    const held = holds(token, jws, key);
    if (held === true || (held !== false && (await held))) return { key, payload };
  }
  if (candidates.length > 0) throw invalidToken('signature');
  throw invalidToken(new Reason('no key of this issuer fits', { came: kid }));
}
