import { OAuthError } from './oauth.error.js';

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

function member(error: object, name: string): unknown {
  return Reflect.get(error, name);
}

/**
 * What a log may say of an error: names, codes, HTTP status and OAuth code, along the chain of causes.
 * Messages and bodies of libraries stay out: they can hold tokens.
 */
export function describeError(error: unknown, depth = 0): string {
  if (typeof error === 'string') return printable(error);
  if (!(error instanceof Error)) return typeof error;
  const parts = [error.name];
  const status = member(error, 'status');
  const code = member(error, 'code');
  const oauthCode = member(error, 'error');
  if (typeof code === 'string') parts.push(printable(code));
  if (typeof status === 'number') parts.push(`status ${status}`);
  if (typeof oauthCode === 'string') parts.push(printable(oauthCode));
  if (error instanceof OAuthError && typeof error.cause === 'string') {
    parts.push(printable(error.cause));
  }
  const own = parts.join(' ');
  if (depth >= 4 || !(error.cause instanceof Error)) return own;
  return `${own} <- ${describeError(error.cause, depth + 1)}`;
}
