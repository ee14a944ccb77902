import { HttpException } from '@nestjs/common';
import { OAuthError, type OAuthErrorCode } from '../errors/oauth.error.js';
import type { HostFaults } from '../events/host-faults.js';

const CODE_OF_STATUS: Readonly<Record<number, OAuthErrorCode>> = {
  401: 'invalid_token',
  403: 'access_denied',
  429: 'temporarily_unavailable',
  503: 'temporarily_unavailable',
};

/**
 * Whatever went wrong as an {@link OAuthError}. What is neither a refusal of ours nor of Nest's is a fault: 500 `server_error`, and
 * it is logged whole.
 */
export function toRefusal(error: unknown, where: string, faults: HostFaults): OAuthError {
  if (error instanceof OAuthError) return error;
  const status = error instanceof HttpException ? error.getStatus() : 500;
  if (status >= 500) faults.report(where, error);
  const code = CODE_OF_STATUS[status] ?? (status >= 500 ? 'server_error' : 'invalid_request');
  return new OAuthError(code, `The request failed with status ${status}`, { status, cause: error });
}
