import { type KeyObject, verify } from 'node:crypto';

import { type Accounts, claimsOf } from './accounts.js';
import type { Middleware } from './identity-provider.js';

/**
 * Answers userinfo (OpenID Connect Core §5.3) for the API's access tokens. `oidc-provider` itself refuses
 * tokens that have an audience there, while Keycloak, Auth0 and others answer, and so does this sample.
 */
export function userinfo({
  issuer,
  publicKey,
  accounts,
}: {
  issuer: string;
  publicKey: KeyObject;
  accounts: Accounts;
}): Middleware {
  return async (ctx, next) => {
    const token = /^Bearer (\S+)$/i.exec(ctx.get('authorization'))?.[1];
    if (ctx.path !== '/me' || token === undefined) return next();
    const account = accounts.findBySubject(verifiedSubject(token, issuer, publicKey));
    if (account === undefined) {
      ctx.status = 401;
      ctx.set('www-authenticate', 'Bearer error="invalid_token"');
      ctx.body = { error: 'invalid_token', error_description: 'invalid token provided' };
      return;
    }
    ctx.set('cache-control', 'no-store');
    ctx.body = claimsOf(account);
  };
}

/** The subject of a token that this provider signed and that has not expired. It signs with RS256 only. */
function verifiedSubject(token: string, issuer: string, publicKey: KeyObject): string | undefined {
  const [header, payload, signature, ...rest] = token.split('.');
  if (payload === undefined || signature === undefined || rest.length > 0) return undefined;
  const signed = Buffer.from(`${header}.${payload}`);
  if (!verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))) {
    return undefined;
  }
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  if (!isAccessToken(claims) || claims.iss !== issuer) return undefined;
  return claims.exp * 1000 > Date.now() ? claims.sub : undefined;
}

function isAccessToken(claims: unknown): claims is { iss: string; sub: string; exp: number } {
  if (typeof claims !== 'object' || claims === null) return false;
  if (!('client_id' in claims)) return false; // an ID token has none
  const { iss, sub, exp } = { iss: undefined, sub: undefined, exp: undefined, ...claims };
  return typeof iss === 'string' && typeof sub === 'string' && typeof exp === 'number';
}
