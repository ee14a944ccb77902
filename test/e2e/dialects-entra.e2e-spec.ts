import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

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
  ENTRA_CLIENT,
  ENTRA_OTHER_TENANT,
  ENTRA_SCOPE,
  ENTRA_TENANT,
  entra,
  entraVersion1Claims,
} from '../support/dialects/entra.js';
import { request } from '../support/http-request.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

@Controller()
class Orders {
  @Get('orders')
  @Auth({ scopes: 'access_as_user', roles: 'Orders.Admin' })
  byShortName(): object {
    return {};
  }

  @Get('orders-in-full')
  @Auth({ scopes: ENTRA_SCOPE, roles: 'Orders.Admin' })
  byFullName(): object {
    return {};
  }

  @Get('audits')
  @Auth({ roles: 'Orders.Auditor' })
  audits(): object {
    return {};
  }
}

const options = {
  clientId: ENTRA_CLIENT,
  audience: ENTRA_CLIENT,
  tenants: [ENTRA_TENANT],
  scopes: `profile email ${ENTRA_SCOPE}`,
} satisfies Partial<OidcAuthOptions>;

describe.each(flowAdapters)('Entra ID on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startDialect(entra);
    app = await startApp({ adapter, provider, options, controllers: [Orders] });
  });

  beforeEach(() => {
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CB-5: logs people of a listed tenant in; the guard reads scp and the application roles', async () => {
    const tokens = await loggedIn(app, { offline_access: 'true' });

    expect(tokens.body['scope']).toBe(ENTRA_SCOPE);
    expect(tokens.body['expires_in']).toBeGreaterThan(3590);
    expect(await asked(app, '/orders', tokens)).toBe('200');
    expect(await asked(app, '/audits', tokens)).toBe('403 insufficient_scope');
    expect(await asked(app, '/orders-in-full', tokens)).toBe('403 insufficient_scope');
  });

  it('refreshes, names the user without asking Microsoft Graph, and logs out there', async () => {
    const tokens = await refreshed(app, await loggedIn(app, { offline_access: 'true' }));

    expect(await asked(app, '/orders', tokens)).toBe('200');
    expect(await profile(app, tokens)).toMatchObject({
      username: 'alice@example.org',
      last_name: 'Doe',
    });
    expect(provider.requestsTo('userinfo')).toEqual([]);
    const target = await logoutTarget(app);
    expect(target.href).toContain(`${provider.issuer}/logout?`);
    expect(target.searchParams.get('client_id')).toBe(ENTRA_CLIENT);
    expect(target.searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/`);
  });

  it('gives no refresh token to a login that did not ask for offline access', async () => {
    expect((await loggedIn(app)).refreshToken).toBeUndefined();
  });

  it('cannot revoke tokens: there is no endpoint for it', async () => {
    const tokens = await loggedIn(app, { offline_access: 'true' });

    const form = { token: tokens.refreshToken ?? '' };
    const reply = await request(`${app.url}/auth/v2/revoke`, { form });

    expectRefusal(reply, 400, 'unsupported_token_type');
  });

  it('CB-5: refuses people of another tenant', async () => {
    const elsewhere = await startDialect(entra, {
      issuer: ({ origin }) => `${origin}/${ENTRA_OTHER_TENANT}/v2.0`,
      idToken: { ...entra.idToken, tid: ENTRA_OTHER_TENANT },
    });
    const own = await startApp({ adapter, provider: elsewhere, options });

    expectRefusal(await browserLogin(own), 502, 'server_error');

    await own.close();
    await elsewhere.close();
  });

  it('JV-6: refuses access tokens of version 1.0, whose issuer is another, and names it in the log', async () => {
    const bearer = provider.accessToken(entraVersion1Claims);

    expectRefusal(await request(`${app.url}/auth/v2/userinfo`, { bearer }), 401, 'invalid_token');

    expect(app.logs().join('\n')).toContain(`came "https://sts.windows.net/${ENTRA_TENANT}/"`);
  });

  it('CL-1: broker mode takes the roles over; scopes are in full there, as Entra ID grants them', async () => {
    const own = await startBrokerApp({ adapter, provider, options, controllers: [Orders] });

    const tokens = brokerTokens(await browserLogin(own, { offline_access: 'true' }));

    expect(tokens.claims).toMatchObject({
      preferred_username: 'alice@example.org',
      roles: ['Orders.Admin'],
      scope: ENTRA_SCOPE,
    });
    expect(await asked(own, '/orders-in-full', tokens)).toBe('200');
    expect(await asked(own, '/orders', tokens)).toBe('403 insufficient_scope');
    expect(await asked(own, '/orders-in-full', await refreshed(own, tokens))).toBe('200');
    await own.close();
  });

  it('CB-5: broker mode logs people in with access tokens of version 1.0 too, and may take oid for sub', async () => {
    const old = await startDialect(entra, { accessToken: () => entraVersion1Claims });
    const own = await startBrokerApp({
      adapter,
      provider: old,
      options,
      broker: { subjectClaim: 'oid' },
      controllers: [Orders],
    });

    const tokens = brokerTokens(await browserLogin(own));

    const sub = `${ENTRA_TENANT}|${String(entra.idToken['oid'])}`;
    expect(tokens.claims).toMatchObject({ sub, roles: ['Orders.Admin'] });
    expect(await asked(own, '/orders-in-full', tokens)).toBe('200');
    await own.close();
    await old.close();
  });
});
