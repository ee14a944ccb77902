import { OAuthError } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import type { PresentedToken } from './bearer-token.js';
import type { Credentials } from './identity.js';

/**
 * Whether who brings a token may use it: a token that is bound to a key needs a proof that its sender holds that key (DPoP, RFC 9449). Also the
 * injection token.
 */
export abstract class Possession {
  /** Whether tokens that are bound to no key are refused. */
  abstract readonly required: boolean;

  /**
   * Holds a verified token against its binding.
   *
   * @param key that it is bound to, by its thumbprint; `undefined`: none.
   * @param credentials of the request; a proof counts only where they tell method and address.
   * @returns the nonce that the client's next proofs should hold, when the one that came will soon be over.
   * @throws {@link OAuthError} 401 `invalid_token` for the binding, `invalid_dpop_proof`, `use_dpop_nonce`; 503 while proofs cannot be remembered.
   */
  abstract prove(
    presented: PresentedToken,
    key: string | undefined,
    credentials: Credentials,
  ): Promise<string | undefined>;

  /** That nonce once more, for whoever writes the answer: of a request that has proved. */
  abstract nextNonce(request: object): string | undefined;
}

/** What a token that is bound to a key gets where no proof of it can come, or none came. */
export function boundElsewhere(name: string, text: string, mend: string): OAuthError {
  const cause = new Reason(name, { option: '"dpop"', mend });
  return new OAuthError('invalid_token', text, { cause });
}

/** For a bound token that comes without anything that could prove the key. */
export function unprovable(): OAuthError {
  return boundElsewhere(
    'a token that is bound to a key, where no proof can come with it',
    'The access token is bound to a key (DPoP), and is taken in HTTP requests with a proof only',
    'have the client use an unbound token here',
  );
}
