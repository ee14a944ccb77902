import type { IncomingMessage } from 'node:http';
import type { HttpAdapterHost } from '@nestjs/core';
import { markAnonymous } from '../guard/caller.js';

interface ExpressLike {
  use(handler: (request: IncomingMessage, response: unknown, next: () => void) => void): void;
}

interface FastifyLike {
  addHook(name: 'onRequest', hook: (request: object) => Promise<void>): void;
}

/** Makes the callers of all requests anonymous, until a guard says otherwise. To be called before routes are registered. */
export function installAnonymity({ httpAdapter }: HttpAdapterHost): void {
  if (!httpAdapter) return;
  if (httpAdapter.getType() === 'fastify') {
    httpAdapter
      .getInstance<FastifyLike>()
      .addHook('onRequest', async (request) => markAnonymous(request));
    return;
  }
  const express: ExpressLike = httpAdapter;
  express.use((request, _, next) => {
    markAnonymous(request);
    next();
  });
}
