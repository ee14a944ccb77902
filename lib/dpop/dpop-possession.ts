import { Inject, Injectable } from '@nestjs/common';
import { OAuthError, invalidToken } from '../errors/oauth.error.js';
import { Reason } from '../errors/reason.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import type { PresentedToken } from '../tokens/bearer-token.js';
import type { Credentials } from '../tokens/identity.js';
import { Possession, boundElsewhere, unprovable } from '../tokens/possession.js';
import { invalidProof } from './dpop-proof.js';
import { proofsOf } from './proof-header.js';
import { Proofs } from './proofs.js';
import { requestUri } from './target-uri.js';

/** A proof that was looked at in a request, and what came of it. */
interface LookedAt {
  readonly token: string;
  readonly outcome: Promise<string | undefined>;
}

/** Tokens that are bound to a key, in requests (RFC 9449 §7). */
@Injectable()
export class DpopPossession extends Possession {
  /** A request proves once, however many guards and resolvers ask: its proof would else be a repetition of itself. */
  readonly #lookedAt = new WeakMap<object, LookedAt>();
  readonly #nextNonces = new WeakMap<object, string>();

  constructor(
    private readonly proofs: Proofs,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {
    super();
  }

  get required(): boolean {
    return this.options.dpop === 'required';
  }

  async prove(
    presented: PresentedToken,
    key: string | undefined,
    credentials: Credentials,
  ): Promise<string | undefined> {
    if (key === undefined) {
      if (presented.scheme === 'DPoP') {
        throw invalidToken(new Reason('a token that is bound to no key came with the scheme DPoP'));
      }
      if (this.required) throw bearerRefused();
      return undefined;
    }
    if (this.options.dpop === false) throw boundRefused();
    const { method, url, request } = credentials;
    if (method === undefined || url === undefined || credentials.handshake) throw unprovable();
    if (presented.scheme !== 'DPoP') throw boundAsBearer();
    if (request === undefined) return this.#prove(presented.token, key, credentials);
    const known = this.#lookedAt.get(request);
    if (known?.token === presented.token) return known.outcome;
    const outcome = this.#prove(presented.token, key, credentials);
    this.#lookedAt.set(request, { token: presented.token, outcome });
    return outcome;
  }

  nextNonce(request: object): string | undefined {
    return this.#nextNonces.get(request);
  }

  async #prove(
    accessToken: string,
    key: string,
    { headers, rawHeaders, method = '', url = '', request }: Credentials,
  ): Promise<string | undefined> {
    const { publicUrl } = this.options;
    const uri = publicUrl === undefined ? undefined : requestUri(publicUrl, url);
    if (uri === undefined) {
      const option = '"publicUrl"';
      const mend = 'a proof names the address of its request, and "publicUrl" says where that is';
      throw invalidProof(
        401,
        new Reason('the address of the request is not known', { option, mend }),
      );
    }
    const demand = { method, uri, accessToken, key, status: 401 as const };
    const { nextNonce } = await this.proofs.take(proofsOf(headers, rawHeaders), demand);
    if (request !== undefined && nextNonce !== undefined) this.#nextNonces.set(request, nextNonce);
    return nextNonce;
  }
}

function bearerRefused(): OAuthError {
  const text = 'The access token must be bound to a key (DPoP)';
  return boundElsewhere('a bearer token, and none is taken', text, 'have clients use DPoP');
}

function boundRefused(): OAuthError {
  const text = 'Access tokens that are bound to a key (DPoP) are not taken here';
  return boundElsewhere(
    'a token that is bound to a key, and none is taken',
    text,
    'allow them, or have the client ask for an unbound one',
  );
}

function boundAsBearer(): OAuthError {
  return boundElsewhere(
    'a token that is bound to a key came as a bearer token',
    'The access token is bound to a key: send it with the scheme DPoP and a proof',
    'have the client send "Authorization: DPoP" and a proof',
  );
}
