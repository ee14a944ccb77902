import { OAuthError } from './oauth.error.js';
import { SafeCause, safeCause } from './safe-cause.js';

const MAX_LENGTH = 200;
// Control characters, and what terminals and log viewers take for a line break.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/gu;

/** Makes foreign text safe for one log line: escapes what could forge lines, and cuts it to 200 characters. */
export function printable(text: unknown): string {
  const cut = String(text).slice(0, MAX_LENGTH);
  return cut.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function describeOne(error: Error): string {
  if (error instanceof OAuthError) {
    const reason = typeof error.cause === 'string' ? error.cause : '';
    return [error.name, `status ${error.getStatus()}`, error.error, printable(reason)]
      .filter(Boolean)
      .join(' ');
  }
  const { name, code, status, error: oauthCode } = new SafeCause(error, Infinity);
  const parts = [printable(name), code && printable(code), status && `status ${status}`, oauthCode];
  return parts.filter(Boolean).join(' ');
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
  return parts.length > 0 ? parts.join(' <- ') : printable(current);
}
