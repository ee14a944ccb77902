import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';

import { registerIfSecret } from './canary-secrets.js';

/** A request as it reached a test provider. */
export interface LoggedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** The form fields; of a repeated one the last. Filled while the body arrives. */
  body: Readonly<Record<string, string>>;
  rawBody: string;
}

/** Keeps every request of a server, in the order of arrival. */
export class RequestLog {
  readonly requests: LoggedRequest[] = [];

  /** Adds a request at once and its body as it comes in, without taking it from whoever reads it. */
  record(incoming: IncomingMessage): LoggedRequest {
    const url = new URL(incoming.url ?? '/', 'http://any');
    const entry: LoggedRequest = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      body: {},
      rawBody: '',
    };
    this.requests.push(entry);
    registerIfSecret(incoming.headers.authorization?.split(' ')[1], 'Authorization header');

    const chunks: Buffer[] = [];
    const push = incoming.push.bind(incoming);
    incoming.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (Buffer.isBuffer(chunk)) fill(entry, chunks, chunk);
      return push(chunk, encoding);
    };
    return entry;
  }

  clear(): void {
    this.requests.length = 0;
  }
}

function fill(entry: LoggedRequest, chunks: Buffer[], chunk: Buffer): void {
  chunks.push(chunk);
  entry.rawBody = Buffer.concat(chunks).toString();
  const fields = Object.entries(parse(entry.rawBody));
  entry.body = Object.fromEntries(
    fields.map(([name, value]) => [name, (Array.isArray(value) ? value.at(-1) : value) ?? '']),
  );
  registerIfSecret(entry.body['code_verifier'], 'PKCE verifier');
}
