import { HttpException } from '@nestjs/common';
import { own, safeCause } from './safe-cause.js';
import { withoutStack } from './without-stack.js';

/**
 * The `error` values that this module answers with: RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1,
 * RFC 7009 §2.2.1, RFC 8628 §3.5, RFC 8693 §2.2.2, RFC 9449 §5, §7.1, §8, RFC 9470 §3, OpenID
 * Connect Core §3.1.2.6 and its Error Code unmet_authentication_requirements.
 */
export type OAuthErrorCode =
  | 'access_denied'
  | 'account_selection_required'
  | 'authorization_pending'
  | 'consent_required'
  | 'expired_token'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'
  | 'interaction_required'
  | 'invalid_dpop_proof'
  | 'invalid_grant'
  | 'invalid_request'
  | 'invalid_scope'
  | 'invalid_target'
  | 'invalid_token'
  | 'login_required'
  | 'server_error'
  | 'slow_down'
  | 'temporarily_unavailable'
  | 'unmet_authentication_requirements'
  | 'unsupported_grant_type'
  | 'unsupported_token_type'
  | 'use_dpop_nonce';

/** What an {@link OAuthError} carries beside its code and its text. */
export interface OAuthErrorDetails {
  /** HTTP status. Default: the one that belongs to the code (400, 401, 403, 502 or 503). */
  status?: number;
  /**
   * The reason underneath. It reaches the log, never the caller: a text as it is, of an error names and codes only.
   */
  cause?: unknown;
  /** Seconds after which a retry makes sense; becomes the header `Retry-After`. */
  retryAfterSec?: number;
  /** The scopes that would have been needed; becomes `scope` of the challenge (RFC 6750 §3). */
  scopes?: readonly string[];
  /** Of which the login would have to have one; becomes `acr_values` of the challenge (RFC 9470 §3). */
  acrValues?: readonly string[];
  /** How long ago the login may be, in seconds; becomes `max_age` of the challenge (RFC 9470 §3). */
  maxAgeSec?: number | undefined;
  /** No credentials were sent at all: the challenge names no `error` (RFC 6750 §3.1). */
  credentialsMissing?: boolean;
  /** What the next proof of possession has to hold; becomes the header `DPoP-Nonce` (RFC 9449 §8). */
  dpopNonce?: string;
}

const statusOf: Partial<Record<OAuthErrorCode, number>> = {
  invalid_token: 401,
  insufficient_scope: 403,
  insufficient_user_authentication: 401,
  server_error: 502,
  temporarily_unavailable: 503,
};

const DEFAULT_RETRY_AFTER_SEC = 5;

/**
 * A refusal for the caller to read. Its body is
 * `{ statusCode, error, error_description, detail }`; `description` never holds a token, a secret
 * or an upstream body. A host's own exception filters see it as any other `HttpException`.
 */
export class OAuthError extends HttpException {
  override readonly name = 'OAuthError';
  readonly retryAfterSec: number | undefined;
  readonly scopes: readonly string[];
  readonly acrValues: readonly string[];
  readonly maxAgeSec: number | undefined;
  readonly credentialsMissing: boolean;
  readonly dpopNonce: string | undefined;

  constructor(
    readonly error: OAuthErrorCode,
    readonly description: string,
    details: OAuthErrorDetails = {},
  ) {
    const status = details.status ?? statusOf[error] ?? 400;
    super(
      { statusCode: status, error, error_description: description, detail: description },
      status,
      { cause: safeCause(details.cause) },
    );
    own.add(this);
    this.message = description;
    this.retryAfterSec =
      details.retryAfterSec ?? (status === 503 ? DEFAULT_RETRY_AFTER_SEC : undefined);
    this.scopes = details.scopes ?? [];
    this.acrValues = details.acrValues ?? [];
    this.maxAgeSec = details.maxAgeSec;
    this.credentialsMissing = details.credentialsMissing ?? false;
    this.dpopNonce = details.dpopNonce;
  }
}

/** The one answer to a token that does not hold, whatever the reason (401 `invalid_token`). */
export function invalidToken(cause?: unknown): OAuthError {
  const text = 'The access token is invalid or has expired';
  return withoutStack(() => new OAuthError('invalid_token', text, { cause }));
}

/** The one answer to a login or grant that cannot be redeemed (400 `invalid_grant`). */
export function invalidGrant(cause?: unknown): OAuthError {
  const text = 'The grant is unknown, expired, already used or does not match this request';
  return new OAuthError('invalid_grant', text, { cause });
}

/** The identity provider, or what stands between it and us, does not answer (503). */
export function unavailable(cause?: unknown, retryAfterSec?: number): OAuthError {
  const text = 'The identity provider cannot be reached at the moment';
  return new OAuthError('temporarily_unavailable', text, {
    cause,
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
  });
}

/** The identity provider answered something that cannot be used (502 `server_error`). */
export function badUpstreamAnswer(cause?: unknown): OAuthError {
  const text = 'The identity provider gave an answer that cannot be used';
  return new OAuthError('server_error', text, { cause });
}
