// A provider that answers at once: in the process of the application, as its `fetch`. What is left is what the application itself does.
import { randomBytes } from 'node:crypto';

import { SignJWT, importJWK } from 'jose';

const json = (body) =>
  new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });

const tokens = () => ({
  access_token: randomBytes(32).toString('base64url'),
  refresh_token: randomBytes(32).toString('base64url'),
  token_type: 'Bearer',
  expires_in: 3600,
});

/** Grants by code; a code is the nonce and the user, so that nothing has to be remembered. Refreshes bring no ID token (OpenID Connect Core §12.2). */
export function instantProvider({ issuer, clientId, privateJwk, publicJwk }) {
  const at = (path) => `${issuer}/${path}`;
  const metadata = {
    issuer,
    authorization_endpoint: at('authorize'),
    token_endpoint: at('token'),
    revocation_endpoint: at('revoke'),
    jwks_uri: at('certs'),
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
  };
  const key = importJWK(privateJwk, 'ES256');

  async function idToken(code) {
    const { nonce, user } = JSON.parse(Buffer.from(code, 'base64url').toString());
    return new SignJWT({ nonce, preferred_username: user, email: `${user}@example.org` })
      .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid })
      .setIssuer(issuer)
      .setAudience(clientId)
      .setSubject(user)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await key);
  }

  return async (url, init) => {
    const { pathname } = new URL(url);
    if (pathname.endsWith('/.well-known/openid-configuration')) return json(metadata);
    if (pathname.endsWith('/certs')) return json({ keys: [publicJwk] });
    if (pathname.endsWith('/revoke')) return json({});
    const form = new URLSearchParams(String(init.body));
    const code = form.get('code');
    return json(code === null ? tokens() : { ...tokens(), id_token: await idToken(code) });
  };
}
