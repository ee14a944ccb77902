import { Injectable } from '@nestjs/common';
import { OAuthError } from '../errors/oauth.error.js';
import { PublicUrls } from '../options/public-urls.js';

/** RFC 6750 §3 allows %x20-21 / %x23-5B / %x5D-7E in the values; anything else becomes a question mark. */
function quoted(value: string): string {
  return `"${value.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')}"`;
}

function* attributesOf(error: OAuthError, resourceMetadata: string | undefined): Generator<string> {
  if (!error.credentialsMissing) {
    yield `error=${quoted(error.error)}`;
    yield `error_description=${quoted(error.description)}`;
    if (error.scopes.length > 0) yield `scope=${quoted(error.scopes.join(' '))}`;
    if (error.acrValues.length > 0) yield `acr_values=${quoted(error.acrValues.join(' '))}`;
    if (error.maxAgeSec !== undefined) yield `max_age=${quoted(String(error.maxAgeSec))}`;
  }
  if (resourceMetadata !== undefined && error.getStatus() === 401) {
    yield `resource_metadata=${quoted(resourceMetadata)}`;
  }
}

/**
 * The header `WWW-Authenticate` that belongs to a refusal, or `undefined` when none does (RFC 6750 §3, RFC 9470 §3).
 *
 * @param resourceMetadata address of the document that tells callers without a token where to get one (RFC 9728 §5.1).
 */
export function challengeOf(error: OAuthError, resourceMetadata?: string): string | undefined {
  const status = error.getStatus();
  if (status !== 401 && status !== 403) return undefined;
  const attributes = [...attributesOf(error, resourceMetadata)];
  return attributes.length === 0 ? 'Bearer' : `Bearer ${attributes.join(', ')}`;
}

/** The headers that go with a refusal beside its body: `WWW-Authenticate` and `Retry-After`. */
export function refusalHeaders(
  error: unknown,
  resourceMetadata?: string,
): [name: string, value: string][] {
  if (!(error instanceof OAuthError)) return [];
  const headers: [string, string][] = [];
  const challenge = challengeOf(error, resourceMetadata);
  if (challenge !== undefined) headers.push(['WWW-Authenticate', challenge]);
  if (error.retryAfterSec !== undefined) headers.push(['Retry-After', String(error.retryAfterSec)]);
  return headers;
}

/** {@link refusalHeaders} of this application: its challenges name its protected-resource document. */
@Injectable()
export class Challenges {
  constructor(private readonly urls: PublicUrls) {}

  headersOf(error: unknown): [name: string, value: string][] {
    return refusalHeaders(error, this.urls.resourceMetadata());
  }
}
