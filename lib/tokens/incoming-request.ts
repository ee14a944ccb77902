import type { IncomingMessage } from 'node:http';
import type { RequestHeaders } from './bearer-token.js';
import type { Credentials } from './identity.js';

/** An HTTP request: of Node, Express or Fastify, or what it is made of. */
export interface IncomingRequest {
  readonly headers: RequestHeaders;
  readonly method?: string | undefined;
  /** The target as it came: path and query, without our host. */
  readonly url?: string | undefined;
  /** Of Express and Fastify: the same before a router changed it. */
  readonly originalUrl?: string | undefined;
  readonly rawHeaders?: readonly string[] | undefined;
  /** Of Fastify: Node's own request. */
  readonly raw?: IncomingMessage | undefined;
}

/** Whether that is a request, and not headers alone: no header has an object for a value. */
export function isIncoming(value: RequestHeaders | IncomingRequest): value is IncomingRequest {
  const headers: unknown = 'headers' in value ? value.headers : undefined;
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers);
}

/** What a request brings to say who sent it. */
export function credentialsOf(request: IncomingRequest): Credentials {
  const { headers, method, originalUrl, raw, url } = request;
  const rawHeaders = raw?.rawHeaders ?? request.rawHeaders;
  return { headers, rawHeaders, method, url: originalUrl ?? url, request: raw ?? request };
}
