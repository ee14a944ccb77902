import type { CryptoKey, JWK, KeyObject } from 'jose';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import { type Jose, jose } from '../libraries/jose.js';
import { isRecord } from '../options/value-rules.js';

const MAX_KEYS = 100;
const MAX_KID_LENGTH = 256;
const MIN_RSA_BITS = 2048;
const CURVE_OF: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
};
const CURVES = new Set(Object.values(CURVE_OF));

/** A key of a JWKS that may verify signatures; it is imported for an algorithm when a token first needs it. */
export class UsableKey {
  readonly #importing = new Map<string, Promise<CryptoKey | KeyObject | undefined>>();
  readonly #imported = new Map<string, CryptoKey | KeyObject>();
  /** What matters of its entry: the public members, the key id and the algorithm, all of them texts. */
  readonly jwk: JWK;
  /** Identifies the entry, so that a set fetched again recognises it. */
  readonly material: string;
  /** Identifies the key itself, which can be in several entries: one for each algorithm, say. */
  readonly numbers: string;

  constructor({ kid, kty, crv, n, e, x, y, alg }: JWK) {
    const members = Object.entries({ kid, kty, crv, n, e, x, y, alg });
    this.jwk = Object.fromEntries(members.filter(([, value]) => value !== undefined));
    this.material = JSON.stringify([kid, kty, crv, n, e, x, y, alg]);
    this.numbers = JSON.stringify([kty, crv, n, e, x, y]);
  }

  get kid(): string | undefined {
    return this.jwk.kid;
  }

  /** Whether the key's own type, curve and `alg` allow this algorithm (RFC 8725 §3.1). */
  fits(alg: string): boolean {
    const { kty, crv, alg: own } = this.jwk;
    if (own !== undefined && own !== alg) return false;
    if (/^[RP]S(256|384|512)$/.test(alg)) return kty === 'RSA';
    if (CURVE_OF[alg] === undefined || crv !== CURVE_OF[alg]) return false;
    return kty === (alg === 'EdDSA' ? 'OKP' : 'EC');
  }

  /** The key for an algorithm, where it was imported for it before. */
  imported(alg: string): CryptoKey | KeyObject | undefined {
    return this.#imported.get(alg);
  }

  /** The key for an algorithm that fits; `undefined` when it turns out to be no key at all. */
  for(alg: string): Promise<CryptoKey | KeyObject | undefined> {
    const importing = this.#importing.get(alg) ?? this.#import(alg);
    this.#importing.set(alg, importing);
    return importing;
  }

  async #import(alg: string): Promise<CryptoKey | KeyObject | undefined> {
    try {
      const library = await jose();
      const key = await importPublicKey(library, this.jwk, alg).catch(() => undefined);
      if (key !== undefined) this.#imported.set(alg, key);
      return key;
    } catch (error) {
      this.#importing.delete(alg); // the library could not be loaded: the next one tries again
      throw error;
    }
  }
}

/** Imports the public members alone: what an entry says of its use was looked at before. */
async function importPublicKey(
  { importJWK }: Jose,
  { kid: _kid, alg: _alg, ...jwk }: JWK,
  alg: string,
): Promise<CryptoKey | KeyObject | undefined> {
  const key = await importJWK(jwk, alg);
  return key instanceof Uint8Array ? undefined : key;
}

function rsaBits(modulus: string): number {
  const bytes = Buffer.from(modulus, 'base64url');
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1) return 0;
  return (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isUsable(jwk: Record<string, unknown>): boolean {
  const { kty, use, kid, alg, crv, key_ops: operations } = jwk;
  if (jwk['d'] !== undefined || jwk['k'] !== undefined) return false; // private or symmetric
  if (use !== undefined && use !== 'sig') return false;
  if (kid !== undefined && (!isText(kid) || kid.length > MAX_KID_LENGTH)) return false;
  if (alg !== undefined && !isText(alg)) return false;
  const material = [jwk['n'], jwk['e'], crv, jwk['x'], jwk['y']];
  if (!material.every((member) => member === undefined || typeof member === 'string')) return false;
  if (operations !== undefined) {
    if (!Array.isArray(operations) || !operations.includes('verify')) return false;
  }
  if (kty === 'RSA')
    return isText(jwk['n']) && isText(jwk['e']) && rsaBits(jwk['n']) >= MIN_RSA_BITS;
  if (kty === 'EC') return isText(crv) && CURVES.has(crv) && isText(jwk['x']) && isText(jwk['y']);
  return kty === 'OKP' && crv === 'Ed25519' && isText(jwk['x']);
}

/**
 * The keys of a JWKS that can verify signatures (RFC 7517 §5). Entries that cannot are skipped one by one: unknown,
 * symmetric, private or weak ones, and those for encryption. A `kid` may occur more than once.
 *
 * @throws {@link OAuthError} 502 `server_error` when the document is no JWKS or holds more than 100 keys.
 */
export function usableKeys(document: unknown): UsableKey[] {
  const keys: unknown =
    typeof document === 'object' && document !== null && 'keys' in document
      ? document.keys
      : undefined;
  if (!Array.isArray(keys)) throw badUpstreamAnswer('no JWKS');
  if (keys.length > MAX_KEYS) throw badUpstreamAnswer('more than 100 keys');
  const entries = keys.filter(isRecord).map(withoutNulls).filter(isUsable);
  return entries.map((entry) => new UsableKey(entry));
}

/** Some providers write out the members that a key does not have. */
function withoutNulls(entry: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== null));
}
