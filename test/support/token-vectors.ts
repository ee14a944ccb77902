import { algorithmVectors, signatureVectors } from './algorithm-vectors.js';
import { audienceVectors, issuerVectors, partyVectors, timeVectors } from './claim-vectors.js';
import { confusionVectors } from './confusion-vectors.js';
import { encodingVectors } from './encoding-vectors.js';
import { embeddedKeyVectors, keyIdVectors, tokenWithoutKid } from './header-vectors.js';
import { fuzzedTokens, payloadVectors } from './payload-vectors.js';
import { VectorKit, type TokenVector, type VectorId, type VectorSource } from './token-vector.js';

export type { TokenVector, VectorId, VectorSource } from './token-vector.js';

/**
 * Every vector of rows JV-1 to JV-9, for an issuer whose tokens must carry our audience. Wherever a right
 * signature matters the token is really signed, so that it can be refused only for the reason in its name.
 *
 * @example
 * ```ts
 * const all = await tokenVectors(provider.vectorSource);
 * for (const { id, name, token } of refused(all)) await expect(verify(token), `${id} ${name}`).rejects.toThrow();
 * ```
 */
export async function tokenVectors(source: VectorSource): Promise<TokenVector[]> {
  const kit = await VectorKit.of(source);
  return [
    ...algorithmVectors(kit),
    ...signatureVectors(kit),
    ...embeddedKeyVectors(kit),
    ...keyIdVectors(kit),
    ...(await encodingVectors(kit)),
    ...issuerVectors(kit),
    ...audienceVectors(kit),
    ...timeVectors(kit),
    ...confusionVectors(kit),
    ...payloadVectors(kit),
  ];
}

/** The vectors of JV-6 for a verifier with `audience: false`. */
export async function tokenPartyVectors(source: VectorSource): Promise<TokenVector[]> {
  return partyVectors(await VectorKit.of(source));
}

/** Those that must be refused, of one row or of all. */
export function refused(all: readonly TokenVector[], id?: VectorId): TokenVector[] {
  return all.filter((vector) => vector.verdict === 'refuse' && (id ?? vector.id) === vector.id);
}

/** Those that must be accepted: what looks odd and is right. */
export function accepted(all: readonly TokenVector[], id?: VectorId): TokenVector[] {
  return all.filter((vector) => vector.verdict === 'accept' && (id ?? vector.id) === vector.id);
}

/** A good token of this issuer, to prove that a verifier accepts anything at all. */
export async function validToken(source: VectorSource): Promise<string> {
  return (await VectorKit.of(source)).token();
}

/** A good token but for its missing `kid`; whether it counts depends on the issuer's other keys. */
export async function keylessToken(source: VectorSource): Promise<string> {
  return tokenWithoutKid(await VectorKit.of(source));
}

/** Really signed tokens with odd payloads, as many as wanted; the same ones for the same seed. */
export async function fuzzedPayloads(
  source: VectorSource,
  count: number,
  seed?: number,
): Promise<Generator<string>> {
  return fuzzedTokens(await VectorKit.of(source), count, seed);
}
