import { hash } from 'node:crypto';
import type { JWK } from 'jose';
import { type Clock, epochSeconds } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason, type ReasonDetails } from '../errors/reason.js';
import { type Jose, jose } from '../libraries/jose.js';
import { PROOF_ALGORITHMS } from '../options/possession-options.js';
import { isRecord } from '../options/value-rules.js';
import { readJwsParts } from '../tokens/compact-jws.js';
import { targetUri } from './target-uri.js';
import { PROOF_WINDOW_SEC, type ProofId } from './used-proofs.js';

const LONGEST_JTI = 256;

/** RFC 7518 §6.2.2, §6.3.2, §6.4.1; RFC 8037 §2. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
const KEY_TYPES: readonly unknown[] = ['EC', 'OKP', 'RSA'];
/** A key of 4096 bits, and exponents of 32: whoever sends a larger one wants us to calculate. */
const LONGEST_MODULUS = 683;
const LONGEST_EXPONENT = 6;

/** What a proof has to fit (RFC 9449 §4.3). */
export interface ProofDemand {
  readonly method: string;
  /** Address of the request, in its normal form. */
  readonly uri: string;
  /** The access token that it comes with. */
  readonly accessToken?: string | undefined;
  /** The key that must have signed it, by its thumbprint. */
  readonly key?: string | undefined;
  /** How a proof that does not fit is answered: 400 at the token route, 401 elsewhere. */
  readonly status: 400 | 401;
}

/** A proof that holds, as long as it was not used before. */
export interface HeldProof extends ProofId {
  readonly nonce: unknown;
}

/** The one answer to a proof that does not hold. */
export function invalidProof(status: 400 | 401, cause: string | Reason): OAuthError {
  const text = 'The DPoP proof is missing, does not fit this request or was used before';
  return new OAuthError('invalid_dpop_proof', text, { status, cause });
}

function longerThan(value: unknown, longest: number): boolean {
  return typeof value !== 'string' || value.length > longest;
}

/** What is wrong with a key, as far as it can be seen. */
function faultOf(jwk: Readonly<Record<string, unknown>>): string | undefined {
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return 'jwk holds a private key';
  const { kty } = jwk;
  if (!KEY_TYPES.includes(kty)) return 'jwk is of a kind that is not taken';
  const tooLarge =
    kty === 'RSA' &&
    (longerThan(jwk['n'], LONGEST_MODULUS) || longerThan(jwk['e'], LONGEST_EXPONENT));
  return tooLarge ? 'jwk is too large' : undefined;
}

/**
 * Checks a proof of possession (RFC 9449 §4.3), all but whether it was used before and its nonce.
 *
 * @throws {@link OAuthError} `invalid_dpop_proof`; 401 `invalid_token` for the proof of another key.
 */
export async function checkProof(
  proof: string,
  demand: ProofDemand,
  { clock, maxBytes }: { readonly clock: Clock; readonly maxBytes: number },
): Promise<HeldProof> {
  const refuse = (name: string, details?: ReasonDetails): OAuthError =>
    invalidProof(demand.status, new Reason(`proof: ${name}`, details));
  if (proof.length > maxBytes) throw refuse('too long', { option: '"maxTokenBytes"' });
  const { header, alg, typ, payload } = readJwsParts(proof, (cause) =>
    refuse(typeof cause === 'string' ? cause : 'no compact JWS'),
  );
  if (typ?.toLowerCase() !== 'dpop+jwt') throw refuse('typ', { expected: 'dpop+jwt', came: typ });
  if (!PROOF_ALGORITHMS.includes(alg))
    throw refuse('alg', { expected: PROOF_ALGORITHMS, came: alg });
  const { jwk } = header;
  if (!isRecord(jwk)) throw refuse('jwk is missing');
  const fault = faultOf(jwk);
  if (fault !== undefined) throw refuse(fault, { anchor: 'reason-proof-jwk' });

  const { jti, htm, htu, iat, nonce } = payload;
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) throw refuse('jti');
  if (htm !== demand.method) throw refuse('htm', { expected: demand.method, came: htm });
  const uri = typeof htu === 'string' ? targetUri(htu) : undefined;
  if (uri !== demand.uri) {
    throw refuse('htu', { expected: demand.uri, came: uri, option: '"publicUrl"' });
  }
  const nowSec = epochSeconds(clock);
  if (typeof iat !== 'number' || !(Math.abs(iat - nowSec) <= PROOF_WINDOW_SEC)) {
    throw refuse('iat', { came: iat, mend: `the clock here says ${nowSec}` });
  }
  if (demand.accessToken !== undefined) {
    if (payload['ath'] !== hash('sha256', demand.accessToken, 'base64url')) throw refuse('ath');
  }
  const library = await jose();
  const key = await thumbprintOf(library, jwk).catch(() => undefined);
  if (key === undefined) throw refuse('jwk');
  if (demand.key !== undefined && demand.key !== key) {
    const cause = new Reason('the proof is of another key than the token');
    throw new OAuthError('invalid_token', 'The access token is bound to another key', { cause });
  }
  try {
    const currentDate = clock.now();
    const options = { algorithms: [alg], currentDate, clockTolerance: PROOF_WINDOW_SEC };
    await library.jwtVerify(proof, library.EmbeddedJWK, options);
  } catch {
    throw refuse('signature');
  }
  return { key, jti, iat, nonce };
}

function thumbprintOf({ calculateJwkThumbprint }: Jose, jwk: JWK): Promise<string> {
  return calculateJwkThumbprint(jwk);
}
