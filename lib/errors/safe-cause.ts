import { printable } from './printable.js';
import { Reason } from './reason.js';

/** Errors of ours, which keep nothing unsafe; a name can be anybody's. */
export const own = new WeakSet<Error>();

const MAX_DEPTH = 4;

/** OAuth codes that may be repeated in a log; an upstream server can write anything there. */
const KNOWN_CODES: ReadonlySet<unknown> = new Set([
  'access_denied',
  'authorization_pending',
  'consent_required',
  'expired_token',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'invalid_token',
  'insufficient_scope',
  'login_required',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
]);

/** What is left of somebody else's error: name, code, HTTP status and a known OAuth code, along the chain of causes. */
export class SafeCause extends Error {
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly error: string | undefined;

  constructor(original: Error, depth: number) {
    const { code, status, error, cause }: Record<'code' | 'status' | 'error' | 'cause', unknown> = {
      code: Reflect.get(original, 'code'),
      status: Reflect.get(original, 'status'),
      error: Reflect.get(original, 'error'),
      cause: original.cause,
    };
    const nested = depth < MAX_DEPTH && cause instanceof Error;
    super('', nested ? { cause: new SafeCause(cause, depth + 1) } : {});
    this.name = printable(original.name);
    this.code = typeof code === 'string' ? printable(code) : undefined;
    this.status = typeof status === 'number' ? status : undefined;
    this.error = typeof error === 'string' && KNOWN_CODES.has(error) ? error : undefined;
  }
}

/**
 * What an error of ours may keep of its reason. Libraries put bodies, claims and tokens into theirs, and whoever logs an
 * exception logs its cause too.
 */
export function safeCause(cause: unknown): unknown {
  if (cause === undefined || typeof cause === 'string') return cause;
  if (cause instanceof SafeCause || cause instanceof Reason) return cause;
  if (!(cause instanceof Error)) return typeof cause;
  return own.has(cause) ? cause : new SafeCause(cause, 0);
}
