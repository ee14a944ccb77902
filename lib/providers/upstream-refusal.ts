import { printable } from '../errors/printable.js';
import { Reason } from '../errors/reason.js';
import { protocolWord } from '../errors/shown-value.js';
import { UNUSABLE_RESPONSE } from '../http/guarded-fetch.js';
import { reasonOfLibrary } from './library-refusal.js';
import { isChallengeError, isResponseBodyError } from './openid-client.js';
import {
  OAuthError,
  type OAuthErrorCode,
  badUpstreamAnswer,
  unavailable,
} from '../errors/oauth.error.js';

/** The same whoever notices it: the provider, or we. */
export const UNMET = 'The login is not as strong, or as recent, as was asked for';

/** Codes of the identity provider that are the caller's matter, with our own text (RFC 6749 §5.2, RFC 8628 §3.5). */
const PASSED_ON: Partial<Record<OAuthErrorCode, string>> = {
  access_denied: 'The request was denied',
  authorization_pending: 'The user has not finished the login yet',
  consent_required: 'The user has to give consent',
  expired_token: 'The device code has expired',
  interaction_required: 'The user has to log in again',
  invalid_grant: 'The grant is unknown, expired, already used or does not match this request',
  invalid_request: 'The identity provider found the request malformed',
  invalid_scope: 'The identity provider does not grant these scopes',
  invalid_target: 'The identity provider does not issue tokens for this target',
  login_required: 'The user has to log in',
  slow_down: 'Poll less often',
  unmet_authentication_requirements: UNMET,
  unsupported_grant_type: 'The identity provider does not offer this grant',
  unsupported_token_type: 'The identity provider does not revoke tokens of this type',
};

function isPassedOn(code: string): code is OAuthErrorCode {
  return Object.hasOwn(PASSED_ON, code);
}

function ownError(error: unknown, depth = 0): OAuthError | undefined {
  if (error instanceof OAuthError) return error;
  if (depth >= 4 || !(error instanceof Error)) return undefined;
  return ownError(error.cause, depth + 1);
}

/** Whether the identity provider refused this application's own credentials. */
export function rejectedClient(error: unknown): string | undefined {
  if (isChallengeError(error)) return 'invalid_client';
  if (!isResponseBodyError(error)) return undefined;
  if (error.error === 'invalid_client' || error.error === 'unauthorized_client') return error.error;
  return undefined;
}

const NO_ANSWER_CODES: readonly unknown[] = [
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
];

/** The name of the {@link Reason} for a grant that this client is not registered for. */
const NOT_REGISTERED = 'unauthorized_client';

/**
 * What our caller is told where the provider does not let this client use a grant (RFC 6749 §5.2): 503, as where it offers none, so
 * that callers try another way, and keep their sessions until the grant is enabled.
 *
 * @returns `undefined` when the call failed for another reason.
 */
export function toGrantRefusal(error: unknown, grant: string): OAuthError | undefined {
  if (!isResponseBodyError(error) || error.error !== NOT_REGISTERED) return undefined;
  const text = 'The identity provider does not let this application log in this way';
  const mend = `enable the grant ${grant} for this client at the identity provider`;
  return new OAuthError('temporarily_unavailable', text, {
    cause: new Reason(NOT_REGISTERED, { mend }),
  });
}

/** Whether a call got no OAuth answer at all: none, a redirect, a page. */
export function isNoAnswer(error: unknown): boolean {
  if (!(error instanceof OAuthError)) return false;
  if (error.cause instanceof Reason && error.cause.name === NOT_REGISTERED) return false;
  if (error.getStatus() === 503 || error.cause === UNUSABLE_RESPONSE) return true;
  const { cause } = error;
  return cause instanceof Error && 'code' in cause && NO_ANSWER_CODES.includes(cause.code);
}

/**
 * What our caller is told when a call to the identity provider failed. Known refusals keep their code, with our own
 * text; the refusal of our own credentials and everything unusable is 502 `server_error`; no answer is 503.
 */
export function toOAuthError(error: unknown): OAuthError {
  const own = ownError(error);
  if (own !== undefined) return own;
  if (!isResponseBodyError(error)) {
    return badUpstreamAnswer(reasonOfLibrary(error) ?? error);
  }
  if (error.error === 'temporarily_unavailable') return unavailable(error);
  if (!isPassedOn(error.error)) return badUpstreamAnswer(error);
  return new OAuthError(error.error, PASSED_ON[error.error] ?? '', { cause: error });
}

/**
 * The error that an authorization response brought to our callback (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6),
 * always 400: known codes with our own text, anything else as `server_error`. The provider's own text is not used.
 *
 * @param scope what the provider was asked for, which the log says where it refused a scope.
 */
export function toCallbackError(code: string, scope: string): OAuthError {
  const scopes = { option: '"scopes"', mend: `it was asked for ${printable(scope)}` };
  const cause = new Reason('the provider ended the login', {
    came: protocolWord(code),
    ...(code === 'invalid_scope' ? scopes : {}),
  });
  if (isPassedOn(code)) return new OAuthError(code, PASSED_ON[code] ?? '', { cause });
  if (code === 'temporarily_unavailable') {
    return new OAuthError(code, 'The identity provider is busy', { status: 400, cause });
  }
  if (code === 'account_selection_required') {
    return new OAuthError(code, 'The user has to choose an account', { cause });
  }
  const text = 'The identity provider ended the login with an error';
  return new OAuthError('server_error', text, { status: 400, cause });
}
