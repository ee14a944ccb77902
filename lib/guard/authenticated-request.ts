import type { IncomingMessage } from 'node:http';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';

/** Where the guard leaves the verified claims; `null` for anonymous callers. */
const VERIFIED_CLAIMS = Symbol('verified claims');

/** A request of Express (which is Node's own) or of Fastify (which holds it). */
export interface AuthenticatedRequest {
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders?: IncomingMessage['rawHeaders'];
  readonly raw?: IncomingMessage;
  [VERIFIED_CLAIMS]?: IdTokenClaims | null;
}

export function setVerifiedClaims(
  request: AuthenticatedRequest,
  claims: IdTokenClaims | null,
): void {
  request[VERIFIED_CLAIMS] = claims;
}

/** `null` for an anonymous caller, `undefined` when no guard has looked at the request. */
export function verifiedClaims(request: AuthenticatedRequest): IdTokenClaims | null | undefined {
  return request[VERIFIED_CLAIMS];
}
