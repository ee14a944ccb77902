import { IncomingMessage } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import { OAuthError } from '../errors/oauth.error.js';

const FORM = 'application/x-www-form-urlencoded';
const MAX_BODY_BYTES = 64 * 1024;

interface FastifyLike {
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(
    type: string,
    options: { parseAs: 'string'; bodyLimit: number },
    parse: (request: unknown, body: string, done: (error: null, body: string) => void) => void,
  ): void;
}

/**
 * On Fastify, reads forms as text where the host has no parser for them. To be called when the host's own parsers are
 * there: in `onModuleInit`.
 */
export function addMissingFormParser({ httpAdapter }: HttpAdapterHost): void {
  if (httpAdapter?.getType() !== 'fastify') return;
  const fastify = httpAdapter.getInstance<FastifyLike>();
  if (fastify.hasContentTypeParser(FORM)) return;
  const options = { parseAs: 'string', bodyLimit: MAX_BODY_BYTES } as const;
  fastify.addContentTypeParser(FORM, options, (_request, body, done) => done(null, body));
}

/**
 * The body as the host's parser left it; where there is none (Express without parsers) the form's text, read here.
 *
 * @throws {@link OAuthError} 413 `invalid_request` for more than 64 KiB.
 */
export async function parsedOrReadBody(request: {
  readonly body?: unknown;
  readonly raw?: IncomingMessage;
}): Promise<unknown> {
  if (request.body !== undefined || !(request instanceof IncomingMessage)) return request.body;
  if (request.readableEnded) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) {
      throw new OAuthError('invalid_request', 'The request body is too large', { status: 413 });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
