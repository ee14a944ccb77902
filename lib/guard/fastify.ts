import type { IdTokenClaims } from '../tokens/id-token-claims.js';

// Types alone, for hosts with the option `requestProperty: 'user'`.
declare module 'fastify' {
  interface FastifyRequest {
    user?: IdTokenClaims | undefined;
  }
}
