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
import { OKTA_AUDIENCE, OKTA_CLIENT, OKTA_USER, okta } from '../support/dialects/okta.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';

@Controller()
class Orders {
  @Get('orders')
  @Auth({ scopes: ['profile', 'email'], roles: 'Admins' })
  orders(): object {
    return {};
  }

  @Get('audits')
  @Auth({ roles: 'Auditors' })
  audits(): object {
    return {};
  }

  @Get('invoices')
  @Auth({ scopes: 'invoices' })
  invoices(): object {
    return {};
  }
}

const options = {
  clientId: OKTA_CLIENT,
  audience: OKTA_AUDIENCE,
  scopes: 'profile email',
} satisfies Partial<OidcAuthOptions>;

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

describe.each(flowAdapters)('Okta on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startDialect(okta);
    app = await startApp({ adapter, provider, options, controllers: [Orders] });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CL-1: logs in under /oauth2/default; the guard reads scp as a list, and groups as roles', async () => {
    const tokens = await loggedIn(app);

    expect(tokens.refreshToken).toBeUndefined();
    expect(await asked(app, '/orders', tokens)).toBe('200');
    expect(await asked(app, '/audits', tokens)).toBe('403 insufficient_scope');
    expect(await asked(app, '/invoices', tokens)).toBe('403 insufficient_scope');
  });

  it('refreshes with offline access', async () => {
    const tokens = await loggedIn(app, { offline_access: 'true' });

    expect(await asked(app, '/orders', await refreshed(app, tokens))).toBe('200');
  });

  it('CL-4: takes uid for the user name, unless access tokens hold a preferred_username', async () => {
    const named = await startDialect(okta, {
      accessToken: (query) => ({
        ...okta.accessToken(query),
        preferred_username: 'alice@example.org',
      }),
    });
    const own = await startApp({ adapter, provider: named, options });

    expect(await profile(app, await loggedIn(app))).toMatchObject({ username: OKTA_USER });
    expect(await profile(own, await loggedIn(own))).toMatchObject({
      username: 'alice@example.org',
    });
    await own.close();
    await named.close();
  });

  it('JV-6: knows its tokens by cid when no audience is expected', async () => {
    const own = await startApp({ adapter, provider, options: { ...options, audience: false } });
    const foreign = await startApp({
      adapter,
      provider,
      options: { ...options, clientId: 'another-client', audience: false },
    });
    const tokens = await loggedIn(own);

    expect(await asked(own, '/auth/v2/userinfo', tokens)).toBe('200');
    expect(await asked(foreign, '/auth/v2/userinfo', tokens)).toBe('401 invalid_token');
    await own.close();
    await foreign.close();
  });

  describe('in broker mode', () => {
    let own: TestApp;

    beforeAll(async () => {
      own = await startBrokerApp({ adapter, provider, options, controllers: [Orders] });
    });

    afterAll(() => own.close());

    it('CB-5: takes the groups of the ID token, whose sub is not that of the access token', async () => {
      const tokens = brokerTokens(await browserLogin(own, { offline_access: 'true' }));

      expect(tokens.claims).toMatchObject({
        sub: OKTA_USER,
        preferred_username: 'alice@example.org',
        roles: ['Everyone', 'Admins'],
      });
      expect(await asked(own, '/orders', tokens)).toBe('200');
      expect(await asked(own, '/orders', await refreshed(own, tokens))).toBe('200');
    });

    it('LO-4: logs out with the ID token, which Okta wants; passthrough mode holds none', async () => {
      const tokens = brokerTokens(await browserLogin(own));

      const target = await logoutTarget(own, tokens);

      expect(target.href).toContain(`${provider.issuer}/logout?`);
      expect(target.searchParams.get('id_token_hint')?.split('.')).toHaveLength(3);
      expect(await asked(own, '/orders', tokens)).toBe('401 invalid_token');
      expect((await logoutTarget(app)).searchParams.has('id_token_hint')).toBe(false);
    });

    it('has no roles without groups in ID tokens, even when access tokens hold them', async () => {
      const { groups: _, ...idToken } = okta.idToken;
      const bare = await startDialect(okta, { idToken });
      const without = await startBrokerApp({ adapter, provider: bare, options });

      expect(brokerTokens(await browserLogin(without)).claims['roles']).toEqual([]);

      await without.close();
      await bare.close();
    });

    it('exchanges access tokens that hold preferred_username and email', async () => {
      const named = await startDialect(okta, {
        accessToken: (query) => ({
          ...okta.accessToken(query),
          preferred_username: 'alice@example.org',
          email: 'alice@example.org',
        }),
      });
      const direct = await startApp({ adapter, provider: named, options });
      const broker = await startBrokerApp({ adapter, provider: named, options });
      const { accessToken: subject_token } = await loggedIn(direct);

      const exchanged = await postToken(broker, { grant_type: EXCHANGE, subject_token });

      expect(brokerTokens(exchanged).claims).toMatchObject({
        preferred_username: 'alice@example.org',
        roles: ['Everyone', 'Admins'],
      });
      for (const each of [direct, broker, named]) await each.close();
    });
  });
});
