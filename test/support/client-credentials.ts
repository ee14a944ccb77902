import type { LoggedRequest } from './request-log.js';

/** How a client proved itself in a request (RFC 6749 §2.3.1). */
export interface ClientCredentials {
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'none';
  readonly id: string;
  readonly secret: string | undefined;
}

/** Reads id and secret from the header, form-decoded as the RFC demands, else from the body. */
export function clientCredentials({ headers, body }: LoggedRequest): ClientCredentials {
  const [scheme = '', encoded = ''] = headers.authorization?.split(' ') ?? [];
  if (scheme.toLowerCase() !== 'basic') {
    const secret = body['client_secret'];
    const method = secret === undefined ? 'none' : 'client_secret_post';
    return { method, id: body['client_id'] ?? '', secret };
  }
  const pair = Buffer.from(encoded, 'base64').toString();
  const split = pair.indexOf(':');
  return {
    method: 'client_secret_basic',
    id: formDecode(pair.slice(0, split)),
    secret: formDecode(pair.slice(split + 1)),
  };
}

function formDecode(text: string): string {
  return new URLSearchParams(`v=${text}`).get('v') ?? '';
}
