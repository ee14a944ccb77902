import type { IdTokenClaims } from '../tokens/id-token-claims.js';

// Types alone, for hosts with the option `requestProperty: 'user'`: widened as Passport's own types do it, so that the two can stand
// in one application.
declare global {
  namespace Express {
    interface User extends IdTokenClaims {}
    interface Request {
      user?: User | undefined;
    }
  }
}
