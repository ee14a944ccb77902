import type { Endpoint } from './behaviour.js';
import type { JsonMembers } from './compact-jws.js';
import { DEVICE_GRANT } from './token-endpoint.js';

/** Where the endpoints of the misbehaving provider are, below its issuer. */
export const endpointPaths: Readonly<Record<string, Endpoint>> = {
  '/.well-known/openid-configuration': 'discovery',
  '/jwks': 'jwks',
  '/auth/v2/.well-known/jwks.json': 'jwks', // where a peer publishes its keys
  '/authorize': 'authorization',
  '/token': 'token',
  '/device_authorization': 'device',
  '/userinfo': 'userinfo',
  '/revoke': 'revocation',
  '/introspect': 'introspection',
  '/logout': 'endSession',
  '/push': 'push',
};

/** Its discovery document, before a test changes it. */
export function providerMetadata(issuer: string, algorithms: readonly string[]): JsonMembers {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    device_authorization_endpoint: `${issuer}/device_authorization`,
    userinfo_endpoint: `${issuer}/userinfo`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    end_session_endpoint: `${issuer}/logout`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(algorithms)],
    grant_types_supported: ['authorization_code', 'refresh_token', DEVICE_GRANT],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access', 'myscope'],
    authorization_response_iss_parameter_supported: true,
  };
}
