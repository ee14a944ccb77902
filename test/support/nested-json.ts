import { compactJws, keySigner, type JsonMembers } from './compact-jws.js';
import type { SigningKey } from './signing-keys.js';

/** An object as JSON, with a list inside lists besides: as deep as what `JSON.stringify` cannot write any more. */
export function nestedJson(members: JsonMembers, levels = 4200): string {
  return `${JSON.stringify(members).slice(0, -1)},"deep":${'['.repeat(levels)}${']'.repeat(levels)}}`;
}

/** A really signed token with such a claim. */
export function nestedToken(key: SigningKey, claims: JsonMembers, typ = 'JWT'): string {
  return compactJws({ alg: key.alg, kid: key.kid, typ }, nestedJson(claims), keySigner(key));
}
