import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../clock/clock.js';
import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { KeyRing } from '../sealing/key-ring.js';
import { type HeldProof, type ProofDemand, checkProof, invalidProof } from './dpop-proof.js';
import { DpopNonces } from './nonces.js';
import { UsedProofs } from './used-proofs.js';

/** A proof that was taken. */
export interface TakenProof extends HeldProof {
  /** For the client's next proofs, where the nonce of this one will soon be over. */
  readonly nextNonce: string | undefined;
}

/** Proofs of possession (RFC 9449), each good for one request. */
@Injectable()
export class Proofs {
  readonly #used: UsedProofs;
  readonly #nonces: DpopNonces | undefined;

  constructor(
    @Inject(Clock) private readonly clock: Clock,
    keyRing: KeyRing,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    this.#used = new UsedProofs(clock);
    this.#nonces = options.dpopNonce
      ? new DpopNonces(keyRing, clock, options.clockToleranceSec)
      : undefined;
  }

  /**
   * Takes the proof of a request. Whoever calls it has found everything else in order: what it takes is remembered.
   *
   * @param found all that came under `DPoP`.
   * @throws {@link OAuthError} `invalid_dpop_proof`, `use_dpop_nonce`; 401 `invalid_token` for the proof of another key; 503.
   */
  async take(found: readonly string[], demand: ProofDemand): Promise<TakenProof> {
    const { status } = demand;
    const [text] = found;
    if (text === undefined) throw invalidProof(status, new Reason('proof: missing'));
    if (found.length > 1) throw invalidProof(status, new Reason('proof: more than one'));
    const maxBytes = this.options.maxTokenBytes;
    const proof = await checkProof(text, demand, { clock: this.clock, maxBytes });
    const nextNonce = this.#checkNonce(proof, status);
    if (!this.#used.take(proof)) throw invalidProof(status, new Reason('proof: used before'));
    return { ...proof, nextNonce };
  }

  /** Gives a proof back that nothing came of. */
  release(proof: TakenProof): void {
    this.#used.release(proof);
  }

  #checkNonce({ nonce }: HeldProof, status: 400 | 401): string | undefined {
    if (this.#nonces === undefined) return undefined;
    const state = this.#nonces.stateOf(nonce);
    const fresh = this.#nonces.fresh();
    if (state !== 'over') return state === 'ageing' ? fresh : undefined;
    const cause = new Reason('proof: nonce', {
      option: '"dpopNonce"',
      mend: 'a client takes it from the header DPoP-Nonce; instances know it by equal "encryptionKeys"',
    });
    const text = 'The DPoP proof needs a nonce from DPoP-Nonce';
    throw new OAuthError('use_dpop_nonce', text, { status, cause, dpopNonce: fresh });
  }
}
