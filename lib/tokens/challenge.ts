import { OAuthError } from '../errors/oauth.error.js';

/** RFC 6750 §3 allows %x20-21 / %x23-5B / %x5D-7E in the values; anything else becomes a question mark. */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')}"`;
}

/** The header `WWW-Authenticate` that belongs to a refusal, or `undefined` when none does (RFC 6750 §3). */
export function challengeOf(error: OAuthError): string | undefined {
  const status = error.getStatus();
  if (status !== 401 && status !== 403) return undefined;
  if (error.credentialsMissing) return 'Bearer';
  const attributes = [
    `error=${quoted(error.error)}`,
    `error_description=${quoted(error.description)}`,
  ];
  if (error.scopes.length > 0) attributes.push(`scope=${quoted(error.scopes.join(' '))}`);
  return `Bearer ${attributes.join(', ')}`;
}

/** The headers that go with a refusal beside its body: `WWW-Authenticate` and `Retry-After`. */
export function refusalHeaders(error: unknown): [name: string, value: string][] {
  if (!(error instanceof OAuthError)) return [];
  const headers: [string, string][] = [];
  const challenge = challengeOf(error);
  if (challenge !== undefined) headers.push(['WWW-Authenticate', challenge]);
  if (error.retryAfterSec !== undefined) headers.push(['Retry-After', String(error.retryAfterSec)]);
  return headers;
}
