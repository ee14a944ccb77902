import { randomUUID } from 'node:crypto';

import { registerIfSecret } from './canary-secrets.js';
import { compactJws, keySigner, type JsonMembers, type Signer } from './compact-jws.js';
import { request, type Reply } from './http-request.js';
import type { MisbehavingProvider } from './misbehaving-provider.js';
import type { SigningKey } from './signing-keys.js';
import { alice } from './users.js';

/** The member of `events` that makes a JWT a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';

/** What a test changes of a good logout token; a claim set to `undefined` is left out. */
export interface LogoutTokenChanges {
  readonly claims?: JsonMembers;
  readonly header?: JsonMembers;
  readonly key?: SigningKey | Signer;
}

/** A logout token about alice, as a provider sends it, with these changes. */
export function logoutToken(
  { behaviour, clientId, issuer, signingKey }: MisbehavingProvider,
  { claims = {}, header = {}, key = signingKey }: LogoutTokenChanges = {},
): string {
  const signer = 'privateKey' in key ? keySigner(key) : key;
  const iat = Math.floor(behaviour.now().getTime() / 1000);
  const token = compactJws(
    { alg: signer.alg, kid: signer.kid, typ: 'logout+jwt', ...header },
    {
      iss: issuer,
      aud: clientId,
      iat,
      exp: iat + 120,
      jti: randomUUID(),
      sub: alice.sub,
      events: { [LOGOUT_EVENT]: {} },
      ...claims,
    },
    signer,
  );
  registerIfSecret(token, 'logout token');
  return token;
}

/** Hands a logout token to an application, as a provider does. */
export function sendLogoutToken(
  app: { readonly url: string },
  logout_token: string,
): Promise<Reply> {
  return request(`${app.url}/auth/v2/backchannel-logout`, { form: { logout_token } });
}
