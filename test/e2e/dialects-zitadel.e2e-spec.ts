import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth, type OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, startBrokerApp } from '../support/broker-app.js';
import { startDialect } from '../support/dialects/dialect.js';
import {
  asked,
  browserLogin,
  logoutTarget,
  loggedIn,
  profile,
  refreshed,
} from '../support/dialects/dialect-flow.js';
import {
  ZITADEL_CLIENT,
  ZITADEL_DOMAIN,
  ZITADEL_ORGANISATION,
  ZITADEL_PROJECT,
  ZITADEL_ROLES,
  zitadel,
  zitadelJwt,
} from '../support/dialects/zitadel.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';

@Controller()
class Orders {
  @Get('by-claim')
  @Auth({ claims: { [`${ZITADEL_ROLES}.admin.${ZITADEL_ORGANISATION}`]: ZITADEL_DOMAIN } })
  byClaim(): object {
    return {};
  }

  @Get('owners')
  @Auth({ claims: { [`${ZITADEL_ROLES}.owner.${ZITADEL_ORGANISATION}`]: ZITADEL_DOMAIN } })
  owners(): object {
    return {};
  }

  @Get('by-role')
  @Auth({ roles: 'admin' })
  byRole(): object {
    return {};
  }
}

const options = {
  clientId: ZITADEL_CLIENT,
  audience: ZITADEL_PROJECT,
  scopes: 'profile email',
} satisfies Partial<OidcAuthOptions>;

const namesOfRoles = (claims: Readonly<Record<string, unknown>>) => ({
  roles: Object.keys(claims[ZITADEL_ROLES] ?? {}),
});

describe.each(flowAdapters)('Zitadel on %s', (adapter) => {
  describe('with JWT access tokens', () => {
    let provider: MisbehavingProvider;
    let app: TestApp;

    beforeAll(async () => {
      provider = await startDialect(zitadelJwt);
      app = await startApp({ adapter, provider, options, controllers: [Orders] });
    });

    afterAll(async () => {
      await app.close();
      await provider.close();
    });

    it('CL-2: logs in; a claim path leads to the organisation that granted the role', async () => {
      const tokens = await loggedIn(app);

      expect(await asked(app, '/by-claim', tokens)).toBe('200');
      expect(await asked(app, '/owners', tokens)).toBe('403 insufficient_scope');
      expect(await asked(app, '/by-role', tokens)).toBe('403 insufficient_scope');
    });

    it('refreshes, names the user by userinfo, and logs out at Zitadel', async () => {
      const first = await loggedIn(app, { offline_access: 'true' });
      const tokens = await refreshed(app, first);

      expect(tokens.refreshToken).not.toBe(first.refreshToken);
      expect(await asked(app, '/by-claim', tokens)).toBe('200');
      expect(await profile(app, tokens)).toMatchObject({
        username: 'alice@demo.zitadel.example.org',
        first_name: 'Alice',
      });
      expect((await logoutTarget(app)).searchParams.get('client_id')).toBe(ZITADEL_CLIENT);
    });

    it('TK-6: takes the scopes that were asked for as granted: the answer names none', async () => {
      expect((await loggedIn(app)).body['scope']).toBe('openid profile email');
    });
  });

  describe('with its default, opaque access tokens', () => {
    let provider: MisbehavingProvider;

    beforeAll(async () => {
      provider = await startDialect(zitadel);
    });

    afterAll(() => provider.close());

    it('JV-11: passthrough mode refuses them, with the reason in the log', async () => {
      const app = await startApp({ adapter, provider, options, controllers: [Orders] });

      expect(await asked(app, '/by-claim', await loggedIn(app))).toBe('401 invalid_token');

      expect(app.logs().join('\n')).toMatch(
        /WARN.*refused \(401 invalid_token\): not a compact JWS/,
      );
      await app.close();
    });

    it('CB-5: broker mode asks userinfo; mapClaims makes a list of the roles', async () => {
      const app = await startBrokerApp({
        adapter,
        provider,
        options,
        broker: { mapClaims: namesOfRoles },
        controllers: [Orders],
      });

      provider.clearRequests();
      const tokens = brokerTokens(await browserLogin(app, { offline_access: 'true' }));
      const next = await refreshed(app, await refreshed(app, tokens));

      expect(tokens.claims).toMatchObject({
        preferred_username: 'alice@demo.zitadel.example.org',
        roles: ['admin', 'reader'],
      });
      expect(provider.requestsTo('userinfo')).toHaveLength(3);
      expect(await asked(app, '/by-role', next)).toBe('200');
      const target = await logoutTarget(app, next);
      expect(target.searchParams.get('id_token_hint')?.split('.')).toHaveLength(3);
      expect(await asked(app, '/by-role', next)).toBe('401 invalid_token');
      await app.close();
    });
  });
});
