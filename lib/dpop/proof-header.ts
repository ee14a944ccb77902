import type { RequestHeaders } from '../tokens/bearer-token.js';

/** What a request has under `DPoP`; several only where it was sent more than once (RFC 9449 §4.3 allows one). */
export function proofsOf(
  headers: RequestHeaders,
  rawHeaders: readonly string[] = [],
): readonly string[] {
  const raw = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'dpop',
  );
  if (raw.length > 1) return raw; // Node joins them elsewhere
  if (headers instanceof Headers) return headers.has('dpop') ? [headers.get('dpop') ?? ''] : [];
  const names = Object.keys(headers).filter((name) => name.toLowerCase() === 'dpop');
  return names.flatMap((name) => headers[name] ?? []);
}
