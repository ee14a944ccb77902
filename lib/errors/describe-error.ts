import { OAuthError } from './oauth.error.js';
import { printable } from './printable.js';
import { Reason } from './reason.js';
import { SafeCause, safeCause } from './safe-cause.js';

function describeOne(error: Error): string {
  if (error instanceof OAuthError) {
    const { cause } = error;
    const reason = typeof cause === 'string' ? printable(cause) : cause instanceof Reason && cause;
    return [error.name, `status ${error.getStatus()}`, error.error, reason]
      .filter(Boolean)
      .join(' ');
  }
  const { name, code, status, error: oauthCode } = new SafeCause(error, Infinity);
  return [name, code, status && `status ${status}`, oauthCode].filter(Boolean).join(' ');
}

/**
 * What a log may say of an error: names, codes, HTTP status and known OAuth codes, along the chain of causes.
 * Messages and bodies of libraries stay out: they can hold tokens.
 */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error instanceof OAuthError ? error : safeCause(error);
  while (current instanceof Error && parts.length < 5) {
    parts.push(describeOne(current));
    current = current.cause;
  }
  if (parts.length > 0) return parts.join(' <- ');
  return current instanceof Reason ? String(current) : printable(current);
}

/** The innermost reason that this module gave for an error, without a search beyond five causes. */
export function reasonOf(error: unknown): Reason | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) current = current.cause;
  if (typeof current === 'string') return new Reason(current);
  return current instanceof Reason ? current : undefined;
}
