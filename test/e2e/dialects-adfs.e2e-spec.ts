import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, OidcEvents, type OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import {
  brokerTokens,
  pull,
  startBrokerApp,
  type BrokerAppOptions,
} from '../support/broker-app.js';
import { ADFS_API, ADFS_CLIENT, ADFS_TRUST, adfs } from '../support/dialects/adfs.js';
import { startDialect } from '../support/dialects/dialect.js';
import {
  asked,
  browserLogin,
  loggedIn,
  logoutTarget,
  refreshed,
} from '../support/dialects/dialect-flow.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { decodeJwt } from 'jose';

@Controller()
class Orders {
  @Get('orders')
  @Auth({ scopes: 'openid', roles: 'Orders Admins' })
  orders(): object {
    return {};
  }

  @Get('audits')
  @Auth({ roles: 'Auditors' })
  audits(): object {
    return {};
  }
}

const options = {
  clientId: ADFS_CLIENT,
  audience: ADFS_API,
  offlineAccess: false,
  scopes: 'profile email',
} satisfies Partial<OidcAuthOptions>;

describe.each(flowAdapters)('AD FS on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startDialect(adfs);
  });

  afterAll(() => provider.close());

  async function startBroker(given: BrokerAppOptions = {}): Promise<TestApp> {
    const app = await startBrokerApp({
      adapter,
      provider,
      controllers: [Orders],
      ...given,
      options: { ...options, ...given.options },
    });
    onTestFinished(() => app.close());
    return app;
  }

  describe('in passthrough mode', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startApp({ adapter, provider, options, controllers: [Orders] });
    });

    afterAll(() => app.close());

    it('JV-6: takes access tokens under the name that the metadata has for them', async () => {
      const tokens = await loggedIn(app);

      expect(decodeJwt(tokens.accessToken).iss).toBe(ADFS_TRUST);
      expect(await asked(app, '/orders', tokens)).toBe('200');
      expect(await asked(app, '/audits', tokens)).toBe('403 insufficient_scope');
      expect(await asked(app, '/orders', await refreshed(app, tokens))).toBe('200');
    });

    it('JV-6: does so for the very first request that an application gets', async () => {
      const tokens = await loggedIn(app);
      const cold = await startApp({ adapter, provider, options, controllers: [Orders] });

      expect(await asked(cold, '/orders', tokens)).toBe('200');

      await cold.close();
    });

    it('JV-6: does not when the option has an empty list, and the log names the option', async () => {
      const strict = await startApp({
        adapter,
        provider,
        options: { ...options, accessTokenIssuers: [] },
        controllers: [Orders],
      });

      expect(await asked(strict, '/orders', await loggedIn(strict))).toBe('401 invalid_token');
      expect(strict.logs().join('\n')).toContain('accessTokenIssuers');
      await strict.close();
    });

    it('logs out there', async () => {
      expect((await logoutTarget(app)).href).toContain(`${provider.issuer}/logout?`);
    });
  });

  it('has what access tokens say in minted tokens too', async () => {
    const app = await startBroker();

    const tokens = brokerTokens(await browserLogin(app));

    expect(tokens.claims['roles']).toEqual(['Orders Admins']);
    expect(await asked(app, '/orders', tokens)).toBe('200');
    expect(await asked(app, '/orders', await refreshed(app, tokens))).toBe('200');
  });

  it('TX-1: exchanges its access tokens, for the same user as a login', async () => {
    const noticed: unknown[] = [];
    const app = await startBroker({
      options: { onLogin: ({ claims }) => void noticed.push([claims?.['iss'], claims?.['sub']]) },
    });
    const tokens = brokerTokens(await browserLogin(app));

    const minted = decodeJwt(mintedToken(await exchange(app, accessToken())));

    expect(minted.sub).toBe(tokens.claims['sub']);
    expect(minted['roles']).toEqual(['Orders Admins']);
    expect(noticed).toHaveLength(2);
    expect(noticed[1]).toEqual(noticed[0]);
    expect(noticed[0]).toEqual([provider.issuer, minted.sub]);
  });

  it('FD-1: exchanges none under a name that a trusted issuer, known by a function, has too', async () => {
    let trusted: string[] = [];
    const app = await startBroker({
      options: { allowInsecureHttp: true },
      broker: { trustedIssuers: () => trusted },
    });
    const claimed: object[] = [];
    app.app
      .get(OidcEvents, { strict: false })
      .on('issuer-claimed-twice', (event) => claimed.push(event));
    expect((await exchange(app, accessToken())).status).toBe(200);

    trusted = [ADFS_TRUST];
    await pull(app);

    expectRefusal(await exchange(app, accessToken()), 400, 'invalid_request');
    expect(claimed).toEqual([{ provider: 'default', issuer: ADFS_TRUST }]);
    expect(app.logs().join('\n')).toMatch(/ERROR.*issuer-claimed-twice.*accessTokenIssuers/);
    trusted = [];
    await pull(app);
    expect((await exchange(app, accessToken())).status).toBe(200);
  });

  it('FD-1: exchanges none under our own name, whatever the metadata says', async () => {
    const own = 'https://own.example.org';
    const naming = await startDialect(adfs, {
      metadata: (at) => ({ ...adfs.metadata(at), access_token_issuer: own }),
    });
    onTestFinished(() => naming.close());
    const app = await startBroker({ provider: naming, broker: { issuer: own } });

    const token = accessToken(naming, { iss: own });

    expectRefusal(await exchange(app, token), 400, 'invalid_request');
    expect(
      await asked(app, '/orders', { accessToken: token, refreshToken: undefined, body: {} }),
    ).toBe('401 invalid_token');
  });

  function accessToken(issuing = provider, changes: object = {}): string {
    return issuing.accessToken({
      ...adfs.accessToken({}),
      typ: undefined,
      azp: undefined,
      scope: undefined,
      realm_access: undefined,
      resource_access: undefined,
      ...changes,
    });
  }
});
