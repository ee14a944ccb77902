import { generateKeyPair, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { promisify } from 'node:util';

import { type Configuration, errors, Provider } from 'oidc-provider';

import { fleet } from './fleet.js';

const generateKeys = promisify(generateKeyPair);

const daySec = 86_400;
const apiResource = 'urn:federation:api';
const scopes = ['openid', 'offline_access', 'profile', 'email'];

/** The only person there is. Her claims go into ID tokens, access tokens and userinfo alike. */
const alice = {
  sub: '6f1c2a54-8d0e-4a3b-9c57-2f6d1e0b7a11',
  preferred_username: 'alice',
  email: 'alice@example.org',
  realm_access: { roles: ['admins', 'users'] }, // where Keycloak puts its roles
};

/**
 * An OpenID Connect provider in this process that takes everybody who comes for alice and asks nothing, so that `curl` can log
 * in. The quickstart has one with pages. Never a model for a provider of your own.
 */
export class IdentityProvider {
  private constructor(
    readonly issuer: string,
    private readonly server: Server,
  ) {}

  /** @param instances the addresses of the applications that send people here. */
  static async start(port: number, instances: readonly string[]): Promise<IdentityProvider> {
    const issuer = `http://localhost:${port}`;
    const provider = new Provider(issuer, await configuration(instances));
    provider.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/interaction/')) return next();
      const result = { login: { accountId: alice.sub } };
      ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
    });
    const server = createServer(provider.callback());
    server.listen(port, '127.0.0.1'); // loopback only
    await once(server, 'listening');
    return new IdentityProvider(issuer, server);
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

async function configuration(instances: readonly string[]): Promise<Configuration> {
  const { privateKey } = await generateKeys('rsa', { modulusLength: 2048 });
  return {
    clients: [
      {
        client_id: fleet.clientId,
        client_secret: fleet.clientSecret,
        redirect_uris: instances.map((url) => `${url}/api/auth/v2/callback`),
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    scopes,
    claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'] },
    findAccount: (_ctx, sub) =>
      sub === alice.sub ? { accountId: sub, claims: () => alice } : undefined,
    extraTokenClaims: () => alice,
    issueRefreshToken: () => true,
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    loadExistingGrant: async ({ oidc }) => {
      const { account, client, provider } = oidc;
      if (account === undefined || client === undefined) return undefined;
      const { accountId } = account;
      const grant = new provider.Grant({ accountId, clientId: client.clientId });
      grant.addOIDCScope([...oidc.requestParamScopes]);
      grant.addResourceScope(apiResource, [...oidc.requestParamScopes]);
      await grant.save();
      return grant;
    },
    ttl: {
      AccessToken: 300,
      AuthorizationCode: 60,
      Grant: daySec,
      IdToken: 300,
      Interaction: 60,
      RefreshToken: daySec,
      Session: daySec,
    },
    features: {
      devInteractions: { enabled: false },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => apiResource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => {
          if (resource !== apiResource) throw new errors.InvalidTarget();
          const { providerAudience: audience } = fleet;
          return { scope: scopes.join(' '), audience, accessTokenFormat: 'jwt' };
        },
      },
    },
  };
}
