import { Reason } from '../errors/reason.js';
import { takesProofs } from '../options/possession-options.js';
import type { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { invalidProof } from './dpop-proof.js';
import type { Proofs } from './proofs.js';
import { targetUri } from './target-uri.js';

/** What a token request gave, and the nonce for the client's next proofs, where one is due. */
export interface Proved<Result> {
  readonly result: Result;
  readonly nextNonce?: string | undefined;
}

/** Proofs at the token route, where what is issued is bound to their key (RFC 9449 §5). */
export class TokenProofs {
  constructor(
    private readonly proofs: Proofs,
    private readonly urls: PublicUrls,
    private readonly options: ResolvedOptions,
  ) {}

  /**
   * Serves a token request.
   *
   * @param found all that came under `DPoP`.
   * @param work is told the key of the proof, by its thumbprint. Where nothing comes of it, the proof was not used.
   * @throws {@link OAuthError} 400 `invalid_dpop_proof`, `use_dpop_nonce`; 503; what `work` throws.
   */
  async around<Result>(
    found: readonly string[],
    work: (key: string | undefined) => Promise<Result>,
  ): Promise<Proved<Result>> {
    const { dpop } = this.options;
    if (found.length === 0 && dpop === 'required') {
      const option = '"dpop"';
      throw invalidProof(
        400,
        new Reason('proof: missing, and no token is issued without', { option }),
      );
    }
    const uri = targetUri(this.urls.url('token') ?? '');
    if (found.length === 0 || uri === undefined || !takesProofs(this.options)) {
      return { result: await work(undefined) };
    }
    const proof = await this.proofs.take(found, { method: 'POST', uri, status: 400 });
    try {
      return { result: await work(proof.key), nextNonce: proof.nextNonce };
    } catch (error) {
      this.proofs.release(proof);
      throw error;
    }
  }
}
