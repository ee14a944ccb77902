import { decodeJwt } from 'jose/jwt/decode';
import { audienceList } from '../tokens/check-claims.js';

/** What a JWT says of its issuer and of whom it is for, before anything of it is believed; nothing of what is none. */
export function readMarks(token: string): {
  readonly iss: string | undefined;
  readonly audiences: readonly unknown[];
} {
  try {
    const { iss, aud } = decodeJwt(token);
    return { iss: typeof iss === 'string' ? iss : undefined, audiences: audienceList(aud) };
  } catch {
    return { iss: undefined, audiences: [] };
  }
}
