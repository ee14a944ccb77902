import { Must, Optional, isFlag } from './value-rules.js';

/** What may sign proofs of possession (RFC 9449 §11.6): asymmetric algorithms only. */
export const PROOF_ALGORITHMS: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];

/** Tokens that only the holder of a key may present (DPoP, RFC 9449). */
export class PossessionGroup {
  /**
   * What becomes of access tokens that are bound to a key (`cnf.jkt`, RFC 9449). `'optional'`: they need the scheme `DPoP` and a proof, other tokens are
   * bearer tokens. `'required'`: every bearer token is refused, and so are WebSocket connections and messages, which can carry no proof; in broker
   * mode the token route wants a proof too. `false`: every bound token is refused, and proofs at the token route are ignored.
   * A token that is bound is never taken as a bearer token. Proofs need {@link publicUrl}.
   * @defaultValue `'optional'`
   */
  @Optional()
  @Must(
    'must be "optional", "required" or false',
    (value) => value === 'optional' || value === 'required' || value === false,
  )
  dpop?: 'optional' | 'required' | false = 'optional';

  /**
   * Proofs need a nonce of ours (RFC 9449 §8, §9), which counts for 30 s: nobody can make proofs for later, and one that was read on its way is of use no
   * longer than that. A client without one is told it with the error `use_dpop_nonce`. Instances need the same {@link encryptionKeys}.
   * @defaultValue `false`
   */
  @Optional()
  @Must('must be true or false', isFlag)
  dpopNonce?: boolean = false;
}

/** Whether proofs can be looked at: a proof names the address of its request, and `publicUrl` says where that is. */
export function takesProofs({
  dpop,
  publicUrl,
}: {
  readonly dpop: PossessionGroup['dpop'];
  readonly publicUrl: string | undefined;
}): boolean {
  return dpop !== false && publicUrl !== undefined;
}
