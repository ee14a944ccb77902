import type { ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client';
import { OnDemand } from '../libraries/on-demand.js';

/** The whole of openid-client. */
export type OpenidClient = typeof import('openid-client');

const library = new OnDemand('openid-client', () => import('openid-client'));

/** Loaded when a provider is first talked to, of whom the first thing that is asked are its metadata. @throws {@link OidcConfigError} */
export function openidClient(): Promise<OpenidClient> {
  return library.get();
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** An answer that is an OAuth error (RFC 6749 §5.2). */
export function isResponseBodyError(error: unknown): error is ResponseBodyError {
  return hasCode(error, 'OAUTH_RESPONSE_BODY_ERROR');
}

/** A refusal by the header `WWW-Authenticate`. */
export function isChallengeError(error: unknown): error is WWWAuthenticateChallengeError {
  return hasCode(error, 'OAUTH_WWW_AUTHENTICATE_CHALLENGE');
}
