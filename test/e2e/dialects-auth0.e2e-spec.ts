import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth, type OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, startBrokerApp } from '../support/broker-app.js';
import {
  AUTH0_API,
  AUTH0_CLIENT,
  AUTH0_ROLES,
  auth0,
  auth0EncryptedToken,
} from '../support/dialects/auth0.js';
import { startDialect } from '../support/dialects/dialect.js';
import {
  asked,
  browserLogin,
  logoutTarget,
  loggedIn,
  profile,
  refreshed,
} from '../support/dialects/dialect-flow.js';
import { request } from '../support/http-request.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

@Controller()
class Orders {
  @Get('by-claim')
  @Auth({ claims: { [AUTH0_ROLES]: ['admin'] } })
  byClaim(): object {
    return {};
  }

  @Get('by-permission')
  @Auth({ scopes: 'profile', claims: { permissions: ['read:orders'] } })
  byPermission(): object {
    return {};
  }

  @Get('by-role')
  @Auth({ roles: 'admin' })
  byRole(): object {
    return {};
  }

  @Get('owners')
  @Auth({ claims: { [AUTH0_ROLES]: ['owner'] } })
  owners(): object {
    return {};
  }
}

const options = {
  clientId: AUTH0_CLIENT,
  audience: AUTH0_API,
  scopes: 'profile email',
} satisfies Partial<OidcAuthOptions>;

const forTheApi = { ...options, authorizationParameters: { audience: AUTH0_API } };

const rolesOf = (claims: Readonly<Record<string, unknown>>) => ({ roles: claims[AUTH0_ROLES] });

describe.each(flowAdapters)('Auth0 on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startDialect(auth0);
  });

  afterAll(() => provider.close());

  describe('with an API', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startApp({ adapter, provider, options: forTheApi, controllers: [Orders] });
    });

    afterAll(() => app.close());

    it('JW-5: logs in under an issuer that ends in a slash; the guard reads namespaced claims', async () => {
      const tokens = await loggedIn(app);

      expect(tokens.body['expires_in']).toBeGreaterThan(86_390);
      expect((await app.service.verify(tokens.accessToken)).iss).toBe(`${provider.issuer}/`);
      expect(await asked(app, '/by-claim', tokens)).toBe('200');
      expect(await asked(app, '/by-permission', tokens)).toBe('200');
      expect(await asked(app, '/owners', tokens)).toBe('403 insufficient_scope');
      expect(await asked(app, '/by-role', tokens)).toBe('403 insufficient_scope');
    });

    it('CL-5: asks userinfo for the name, which its access tokens do not hold', async () => {
      const tokens = await loggedIn(app);

      // It has nicknames, but no user names: the subject stands in.
      expect(await profile(app, tokens)).toMatchObject({
        username: 'auth0|0000000000000000000a11ce',
        email: 'alice@example.org',
      });
    });

    it('refreshes with offline access, and logs out at Auth0', async () => {
      const tokens = await loggedIn(app, { offline_access: 'true' });

      expect(await asked(app, '/by-claim', await refreshed(app, tokens))).toBe('200');
      expect((await loggedIn(app)).refreshToken).toBeUndefined();
      expect((await logoutTarget(app)).searchParams.get('client_id')).toBe(AUTH0_CLIENT);
    });

    it('CL-2: the option claims may name a namespaced claim', async () => {
      const own = await startApp({
        adapter,
        provider,
        options: { ...forTheApi, claims: { [AUTH0_ROLES]: ['owner'] } },
      });

      const { accessToken: bearer } = await loggedIn(own);

      const reply = await request(`${own.url}/auth/v2/userinfo`, { bearer });
      expectRefusal(reply, 403, 'insufficient_scope');
      await own.close();
    });
  });

  describe('without an API', () => {
    it('JV-11: gives opaque access tokens: 401, and the log says what they are', async () => {
      const app = await startApp({ adapter, provider, options, controllers: [Orders] });
      const tokens = await loggedIn(app);

      expect(await asked(app, '/by-claim', tokens)).toBe('401 invalid_token');
      expect(app.logs().join('\n')).toMatch(
        /WARN.*refused \(401 invalid_token\): not a compact JWS/,
      );
      await app.close();
    });

    it('JV-11: refuses the encrypted ones too', async () => {
      const app = await startApp({ adapter, provider, options });
      const bearer = auth0EncryptedToken(`${provider.issuer}/`);

      const reply = await request(`${app.url}/auth/v2/userinfo`, { bearer });

      expectRefusal(reply, 401, 'invalid_token');
      expect(app.logs().join('\n')).toMatch(
        /WARN.*refused \(401 invalid_token\): not a compact JWS/,
      );
      await app.close();
    });

    it('CB-5: broker mode needs none: the ID token says the roles, mapClaims takes them over', async () => {
      const app = await startBrokerApp({
        adapter,
        provider,
        options: { ...options, claims: { [AUTH0_ROLES]: ['admin'] } },
        broker: { mapClaims: rolesOf },
        controllers: [Orders],
      });

      const tokens = brokerTokens(await browserLogin(app, { offline_access: 'true' }));

      expect(tokens.claims).toMatchObject({ roles: ['admin'], email: 'alice@example.org' });
      expect(await asked(app, '/by-role', tokens)).toBe('200');
      expect(await asked(app, '/by-role', await refreshed(app, tokens))).toBe('200');
      const hint = (await logoutTarget(app, tokens)).searchParams.get('id_token_hint');
      expect(hint?.split('.')).toHaveLength(3);
      await app.close();
    });

    it('CL-2: broker mode holds the option claims against the ID token', async () => {
      const app = await startBrokerApp({
        adapter,
        provider,
        options: { ...options, claims: { [AUTH0_ROLES]: ['owner'] } },
      });

      expectRefusal(await browserLogin(app), 403, 'insufficient_scope');

      await app.close();
    });
  });
});
