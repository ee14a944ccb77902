import { generateKeyPairSync } from 'node:crypto';

import { decodeJwt } from 'jose';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { BROKER_ENCRYPTION_KEY, brokerTokens, guarded } from '../support/broker-app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { keycloak } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakUser } from './support/keycloak-user.js';

const { at, skipped } = keycloak();

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const clientKeys = [{ key: String(privateKey.export({ format: 'pem', type: 'sec1' })) }];

/** How Keycloak knows a client that proves itself by a key, and reads that from the application. */
const byKeySet = (app: TestApp): Record<string, string> => ({
  'use.jwks.url': 'true',
  'jwks.url': `${app.url}/auth/v2/.well-known/client-jwks.json`,
  'token.endpoint.auth.signing.alg': 'ES256',
});

const signed = {
  'request.object.required': 'request only',
  'request.object.signature.alg': 'ES256',
};
const pushed = { 'require.pushed.authorization.requests': 'true' };

describe.skipIf(skipped)(`Keycloak with demands${skipped ? ` (${skipped})` : ''}`, () => {
  let realm: KeycloakRealm;
  let app: TestApp;

  beforeAll(async () => {
    realm = await new KeycloakRealm(at, 'requests').create();
  });

  afterEach(() => app.close());

  const start = async (
    clientId: string,
    options: { [Name in keyof OidcAuthOptions]?: OidcAuthOptions[Name] | undefined },
  ): Promise<TestApp> => {
    app = await startApp({
      provider: realm,
      controllers: [GuardedRoutes],
      options: {
        clientId,
        encryptionKeys: [BROKER_ENCRYPTION_KEY],
        scopes: 'profile email',
        ...options,
      },
    });
    return app;
  };

  /** A login, a guarded request, and a refresh. */
  const tries = async (): Promise<void> => {
    const login = await new KeycloakUser(realm).logIn(app);
    const tokens = brokerTokens(await postToken(app, handleForm(login)));
    expect(await guarded(app, tokens.accessToken, '/admins')).toBe('200');
    brokerTokens(await postToken(app, { 'refresh-token': tokens.refreshToken }));
  };

  const byKey = { clientSecret: undefined, clientKeys };

  it.each([
    ['pushed requests', pushed, { pushedAuthorizationRequests: 'always' }],
    ['signed requests', signed, { signedRequests: true }],
    [
      'signed and pushed requests',
      { ...pushed, ...signed, 'request.object.required': 'request or request_uri' },
      { pushedAuthorizationRequests: 'always', signedRequests: true },
    ],
  ] as const)(
    'CA-1, PR-1: takes %s of a client whose key set it reads here',
    async (name, attributes, options) => {
      const clientId = name.replaceAll(' ', '-');
      await start(clientId, { ...byKey, ...options });
      await realm.addClient({
        clientId,
        clientAuthenticatorType: 'client-jwt',
        attributes: { ...byKeySet(app), ...attributes },
      });

      await tries();
    },
  );

  it('CA-1: gives the client itself a token for its key', async () => {
    await start('service', byKey);
    await realm.addClient({
      clientId: 'service',
      clientAuthenticatorType: 'client-jwt',
      serviceAccountsEnabled: true,
      attributes: byKeySet(app),
    });

    const token = await app.service.clientCredentials();

    expect(decodeJwt(token)).toMatchObject({ azp: 'service', typ: 'Bearer' });
    expect(await app.service.clientCredentials()).toBe(token);
    expect(await guarded(app, token)).toBe('200');
  });

  it('CA-1: takes assertions that are signed with the secret', async () => {
    await start('by-secret', { clientAuthentication: 'client_secret_jwt' });
    await realm.addClient({
      clientId: 'by-secret',
      secret: realm.clientSecret,
      clientAuthenticatorType: 'client-secret-jwt',
      attributes: { 'token.endpoint.auth.signing.alg': 'HS256' },
    });

    await tries();
  });

  it.each([
    ['refuses', { introspection: false }, '401 invalid_token'],
    ['takes', { introspection: { always: true } }, '200'],
  ] as const)(
    'IN-1: the guard %s lightweight access tokens with %j',
    async (word, introspection, outcome) => {
      const clientId = `lightweight-${word}`;
      await start(clientId, introspection);
      await realm.addClient({
        clientId,
        secret: realm.clientSecret,
        attributes: { 'client.use.lightweight.access.token.enabled': 'true' },
      });
      const login = await new KeycloakUser(realm).logIn(app);
      const tokens = brokerTokens(await postToken(app, handleForm(login)));

      expect(decodeJwt(tokens.accessToken)).not.toHaveProperty('realm_access');
      expect(await guarded(app, tokens.accessToken, '/admins')).toBe(outcome);
    },
  );

  it('FP-1: sends its answer as a form', async () => {
    await start('my-client', { responseMode: 'form_post' });
    const user = new KeycloakUser(realm);
    const redirect_uri = `${app.url}/auth/v2/callback`;
    const begun = await request(
      `${app.url}/auth/v2/login?${new URLSearchParams({ redirect_uri }).toString()}`,
    );
    const [cookie = ''] = begun.headers.getSetCookie()[0]?.split(';') ?? [];

    const { action, fields } = await user.answerByForm(String(begun.location));
    const reply = await request(action, { form: fields, headers: { cookie } });

    expect(reply.status, reply.text()).toBe(200);
    expect(action.href).toBe(redirect_uri);
  });
});
