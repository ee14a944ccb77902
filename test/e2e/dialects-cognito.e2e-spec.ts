import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, type OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, startBrokerApp } from '../support/broker-app.js';
import { COGNITO_CLIENT, COGNITO_SCOPE, cognito } from '../support/dialects/cognito.js';
import { startDialect } from '../support/dialects/dialect.js';
import {
  asked,
  browserLogin,
  logoutTarget,
  loggedIn,
  profile,
  refreshed,
} from '../support/dialects/dialect-flow.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';

@Controller()
class Orders {
  @Get('orders')
  @Auth({ scopes: COGNITO_SCOPE, claims: { 'cognito:groups': 'orders-admins' } })
  byGroup(): object {
    return {};
  }

  @Get('orders-by-role')
  @Auth({ roles: 'orders-admins' })
  byRole(): object {
    return {};
  }
}

const options = {
  clientId: COGNITO_CLIENT,
  audience: false,
  offlineAccess: false,
  scopes: `profile email ${COGNITO_SCOPE}`,
  logoutParameters: { logout_uri: '{post_logout_redirect_uri}' },
} satisfies Partial<OidcAuthOptions>;

const groups = (claims: Readonly<Record<string, unknown>>) => ({ roles: claims['cognito:groups'] });

describe.each(flowAdapters)('Amazon Cognito on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startDialect(cognito);
    app = await startApp({ adapter, provider, options, controllers: [Orders] });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('JV-6: takes its access tokens, which have no audience, by their client', async () => {
    const tokens = await loggedIn(app);

    expect(await asked(app, '/orders', tokens)).toBe('200');
    expect(await asked(app, '/orders-by-role', tokens)).toBe('403 insufficient_scope');
    expect(await asked(app, '/orders', await refreshed(app, tokens))).toBe('200');
    expect(await profile(app, tokens)).toMatchObject({ username: 'alice' });
  });

  it('LO-4: logs out there with the parameter that it wants', async () => {
    const target = await logoutTarget(app);

    expect(target.href).toContain(`${provider.issuer}/logout?`);
    expect(target.searchParams.get('client_id')).toBe(COGNITO_CLIENT);
    expect(target.searchParams.get('logout_uri')).toBe(`${app.url}/`);
  });

  it('makes roles of its groups in broker mode, and a boolean of a text', async () => {
    const broker = await startBrokerApp({
      adapter,
      provider,
      options: { ...options, audience: COGNITO_CLIENT },
      broker: { mapClaims: groups },
      controllers: [Orders],
    });
    onTestFinished(() => broker.close());

    const tokens = brokerTokens(await browserLogin(broker));

    expect(await asked(broker, '/orders-by-role', tokens)).toBe('200');
    expect(tokens.claims).toMatchObject({ email: 'alice@example.org', email_verified: true });
    expect((await logoutTarget(broker, tokens)).searchParams.get('logout_uri')).toBe(
      `${broker.url}/`,
    );
  });
});
