import type { IdTokenClaims } from '../tokens/id-token-claims.js';

// What is only augmented would not be loaded.
export type { FastifyRequest } from 'fastify';

// Types alone, for hosts with the option `requestProperty: 'user'`.
declare module 'fastify' {
  interface FastifyRequest {
    user?: IdTokenClaims | undefined;
  }
}
