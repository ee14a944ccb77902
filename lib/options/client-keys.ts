import { type JsonWebKey, type KeyObject, createPrivateKey } from 'node:crypto';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { isRecord, isText } from './value-rules.js';

/** A private key that this application proves itself with (RFC 7523 §2.2). */
export interface ClientKey {
  /** A JWK with its private part, or a PEM without a passphrase. RSA (2048 bits and more), EC or Ed25519. */
  key: string | Readonly<Record<string, unknown>>;
  /** What it signs with. Default: the JWK's own, else PS256, ES256, ES384, ES512 or EdDSA, as the key is. */
  alg?: string;
  /** Its name in the key set and in what it signs. Default: the JWK's own, else the thumbprint of its public part (RFC 7638). */
  kid?: string;
  /** SHA-1 thumbprint of its certificate, base64url, in the header of what it signs (Entra ID). */
  x5t?: string;
  /** The same with SHA-256. */
  'x5t#S256'?: string;
}

/** A key that this application proves itself with, opened; it does not show itself when it is printed. */
export interface ResolvedClientKey {
  readonly key: KeyObject;
  readonly alg: string;
  /** `undefined`: the thumbprint of the public part (RFC 7638). */
  readonly kid: string | undefined;
  readonly x5t: string | undefined;
  readonly 'x5t#S256': string | undefined;
}

const LEAST_RSA_BITS = 2048;

const RSA = ['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];
const OF_CURVE: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};
const MEMBERS = ['key', 'alg', 'kid', 'x5t', 'x5t#S256'];

/** Whether it has the shape of a key; what is in it is looked at where it is opened. */
export function isClientKey(value: unknown): boolean {
  if (!isRecord(value) || Object.keys(value).some((name) => !MEMBERS.includes(name))) return false;
  const { key, ...others } = value;
  return (
    (isText(key) || isRecord(key)) &&
    Object.values(others).every((other) => other === undefined || isText(other))
  );
}

/** What the key can sign with, the default first. */
function algorithmsOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): {
  algorithms: readonly string[];
  problem?: string;
} {
  if (type === 'rsa') {
    const isShort = (details?.modulusLength ?? 0) < LEAST_RSA_BITS;
    return {
      algorithms: RSA,
      ...(isShort ? { problem: 'is an RSA key of less than 2048 bits' } : {}),
    };
  }
  if (type === 'ed25519') return { algorithms: ['EdDSA', 'Ed25519'] };
  const algorithms = type === 'ec' ? (OF_CURVE[details?.namedCurve ?? ''] ?? []) : [];
  const problem = 'is neither RSA, nor EC on P-256, P-384 or P-521, nor Ed25519';
  return { algorithms, ...(algorithms.length === 0 ? { problem } : {}) };
}

function opened(key: ClientKey['key']): KeyObject | undefined {
  try {
    if (typeof key === 'string') return createPrivateKey(key);
    const jwk: JsonWebKey = { ...key };
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined; // its message may show the key
  }
}

function algIn(key: ClientKey['key']): string | undefined {
  return typeof key !== 'string' && typeof key['alg'] === 'string' ? key['alg'] : undefined;
}

function kidIn(key: ClientKey['key']): string | undefined {
  return typeof key !== 'string' && isText(key['kid']) ? key['kid'] : undefined;
}

function resolveKey(given: ClientKey, label: string): ResolvedClientKey {
  const key = opened(given.key);
  if (key === undefined) {
    throw new OidcConfigError(
      `Option "${label}" is no private key: its "key" must be a JWK with its private part, or a PEM without a passphrase (PKCS #8, PKCS #1 or SEC 1). ` +
        'The value is not shown.',
    );
  }
  const { algorithms, problem } = algorithmsOf(key);
  if (problem !== undefined) {
    throw new OidcConfigError(
      `Option "${label}" ${problem}. Use another key; PS256 and ES256 fit most providers.`,
    );
  }
  const [usual = ''] = algorithms;
  const alg = given.alg ?? algIn(given.key) ?? usual;
  if (!algorithms.includes(alg)) {
    throw new OidcConfigError(
      `Option "${label}.alg" is "${alg}", which this key cannot sign with. It can with ${algorithms.join(', ')}.`,
    );
  }
  const { kid = kidIn(given.key), x5t, 'x5t#S256': x5tS256 } = given;
  return { key, alg, kid, x5t, 'x5t#S256': x5tS256 };
}

/** Opens the keys. @throws {@link OidcConfigError} for one that cannot sign, and for two of one name. */
export function resolveClientKeys(
  given: readonly ClientKey[],
  label: string,
): readonly ResolvedClientKey[] {
  const keys = given.map((one, index) => resolveKey(one, `${label}[${index}]`));
  const names = keys.flatMap(({ kid }) => kid ?? []);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return keys;
  throw new OidcConfigError(
    `Option "${label}" has two keys with the "kid" "${twice}", so that a provider could not tell them apart. Give each its own.`,
  );
}
