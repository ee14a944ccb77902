import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { PROOF_ALGORITHMS, takesProofs } from '../options/possession-options.js';
import { PublicUrls } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { type RequestHeaders, bringsBoundToken } from './bearer-token.js';

/** RFC 6750 §3 allows %x20-21 / %x23-5B / %x5D-7E in the values; anything else becomes a question mark. */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')}"`;
}

function* attributesOf(error: OAuthError, resourceMetadata: string | undefined): Generator<string> {
  if (!error.credentialsMissing) {
    yield `error=${quoted(error.error)}`;
    yield `error_description=${quoted(error.description)}`;
    if (error.scopes.length > 0) yield `scope=${quoted(error.scopes.join(' '))}`;
    if (error.acrValues.length > 0) yield `acr_values=${quoted(error.acrValues.join(' '))}`;
    if (error.maxAgeSec !== undefined) yield `max_age=${quoted(String(error.maxAgeSec))}`;
  }
  if (resourceMetadata !== undefined && error.getStatus() === 401) {
    yield `resource_metadata=${quoted(resourceMetadata)}`;
  }
}

/** What a caller could come with: a bearer token, a token with a proof of possession (RFC 9449 §7.1), either. */
export type Schemes = 'Bearer' | 'DPoP' | 'either';

const ALGORITHMS = `algs=${quoted(PROOF_ALGORITHMS.join(' '))}`;

/**
 * The header `WWW-Authenticate` that belongs to a refusal, or `undefined` when none does (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3). Two challenges are one value, that
 * for bearer tokens first: clients that know no other scheme read no further.
 *
 * @param resourceMetadata address of the document that tells callers without a token where to get one (RFC 9728 §5.1).
 */
export function challengeOf(
  error: OAuthError,
  resourceMetadata?: string,
  schemes: Schemes = 'Bearer',
): string | undefined {
  const status = error.getStatus();
  if (status !== 401 && status !== 403) return undefined;
  const attributes = [...attributesOf(error, resourceMetadata)];
  if (schemes === 'DPoP') return `DPoP ${[...attributes, ALGORITHMS].join(', ')}`;
  const bearer = attributes.length === 0 ? 'Bearer' : `Bearer ${attributes.join(', ')}`;
  // A token that lacks rights, or whose login is not strong enough, gains nothing by a proof.
  const offersBoth = schemes === 'either' && error.error === 'invalid_token';
  return offersBoth ? `${bearer}, DPoP ${ALGORITHMS}` : bearer;
}

/** The headers that go with a refusal beside its body: `WWW-Authenticate`, `DPoP-Nonce` (which nobody may keep) and `Retry-After`. */
export function refusalHeaders(
  error: unknown,
  resourceMetadata?: string,
  schemes?: Schemes,
): [name: string, value: string][] {
  if (!(error instanceof OAuthError)) return [];
  const headers: [string, string][] = [];
  const challenge = challengeOf(error, resourceMetadata, schemes);
  if (challenge !== undefined) headers.push(['WWW-Authenticate', challenge]);
  if (error.dpopNonce !== undefined) {
    headers.push(['DPoP-Nonce', error.dpopNonce], ['Cache-Control', 'no-store']); // RFC 9449 §8.2
  }
  if (error.retryAfterSec !== undefined) headers.push(['Retry-After', String(error.retryAfterSec)]);
  return headers;
}

/** {@link refusalHeaders} of this application: its challenges name its protected-resource document, and what its callers can come with. */
@Injectable()
export class Challenges {
  constructor(
    private readonly urls: PublicUrls,
    @Inject(RESOLVED_OPTIONS) private readonly options: Pick<ResolvedOptions, 'dpop' | 'publicUrl'>,
  ) {}

  /** @param headers of the request: who came with a proof is told about proofs alone. */
  headersOf(error: unknown, headers: RequestHeaders): [name: string, value: string][] {
    const isChallenge = error instanceof OAuthError && [401, 403].includes(error.getStatus());
    const schemes = isChallenge ? this.#schemesFor(headers) : undefined;
    return refusalHeaders(error, this.urls.resourceMetadata(), schemes);
  }

  #schemesFor(headers: RequestHeaders): Schemes {
    const { dpop } = this.options;
    if (!takesProofs(this.options)) return 'Bearer';
    return dpop === 'required' || bringsBoundToken(headers) ? 'DPoP' : 'either';
  }
}
