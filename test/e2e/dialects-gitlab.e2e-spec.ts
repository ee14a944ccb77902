import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth, type OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, startBrokerApp } from '../support/broker-app.js';
import { startDevice } from '../support/device-login.js';
import { startDialect } from '../support/dialects/dialect.js';
import {
  asked,
  browserLogin,
  logoutTarget,
  loggedIn,
  profile,
  refreshed,
} from '../support/dialects/dialect-flow.js';
import { GITLAB_CLIENT, gitlab } from '../support/dialects/gitlab.js';
import { request } from '../support/http-request.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

@Controller()
class Orders {
  @Get('owners')
  @Auth({ roles: 'example/owners' })
  owners(): object {
    return {};
  }

  @Get('board')
  @Auth({ roles: 'example/owners/board' })
  board(): object {
    return {};
  }
}

const options = {
  clientId: GITLAB_CLIENT,
  audience: GITLAB_CLIENT,
  scopes: 'profile email',
  offlineAccess: false,
} satisfies Partial<OidcAuthOptions>;

const directGroups = (claims: Readonly<Record<string, unknown>>) => ({
  roles: claims['groups_direct'] ?? [],
});

describe.each(flowAdapters)('GitLab on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startDialect(gitlab);
  });

  afterAll(() => provider.close());

  describe('in passthrough mode', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startApp({ adapter, provider, options, controllers: [Orders] });
    });

    afterAll(() => app.close());

    it('JV-11: a login ends well, and its access token is refused, with the reason in the log', async () => {
      const tokens = await loggedIn(app);

      expect(await asked(app, '/owners', tokens)).toBe('401 invalid_token');
      expect(app.logs().join('\n')).toMatch(
        /WARN.*refused \(401 invalid_token\): not a compact JWS/,
      );
    });

    it('refreshes without offline_access, and goes to the target at once at logout', async () => {
      const tokens = await loggedIn(app, { offline_access: 'true' });

      expect((await refreshed(app, tokens)).refreshToken).not.toBe(tokens.refreshToken);
      expect((await logoutTarget(app)).href).toBe(`${app.url}/`);
    });

    it('offers a device login only with its endpoint in the options', async () => {
      const device = await request(`${app.url}/auth/v2/device`, { form: {} });
      expectRefusal(device, 503, 'temporarily_unavailable');

      const named = await startApp({
        adapter,
        provider,
        options: {
          ...options,
          endpoints: { deviceAuthorization: `${provider.issuer}/device_authorization` },
        },
      });

      expect((await startDevice(named)).userCode).not.toBe('');
      expect(provider.requestsTo('device').at(-1)?.body['scope']).toBe('openid profile email');
      await named.close();
    });
  });

  it('CB-5: broker mode takes the groups that userinfo lists, inherited ones included', async () => {
    const app = await startBrokerApp({ adapter, provider, options, controllers: [Orders] });

    const tokens = brokerTokens(await browserLogin(app));
    const next = await refreshed(app, await refreshed(app, tokens));

    expect(tokens.claims).toMatchObject({
      preferred_username: 'alice',
      roles: ['example', 'example/owners', 'example/owners/board'],
    });
    expect(await asked(app, '/board', next)).toBe('200');
    expect(await profile(app, next)).toMatchObject({ username: 'alice', last_name: 'Doe' });
    expect((await logoutTarget(app, next)).href).toBe(`${app.url}/`);
    expect(await asked(app, '/board', next)).toBe('401 invalid_token');
    await app.close();
  });

  it('CL-1: broker mode can keep to direct memberships, by mapClaims', async () => {
    const app = await startBrokerApp({
      adapter,
      provider,
      options,
      broker: { mapClaims: directGroups },
      controllers: [Orders],
    });

    const tokens = brokerTokens(await browserLogin(app));
    const next = await refreshed(app, tokens);

    expect(await asked(app, '/owners', next)).toBe('200');
    expect(await asked(app, '/board', next)).toBe('403 insufficient_scope');
    await app.close();
  });

  it('shows its own error page to whoever leaves offlineAccess on', async () => {
    const app = await startApp({ adapter, provider, options: { ...options, offlineAccess: true } });

    const reply = await browserLogin(app, { offline_access: 'true' });

    expect(reply.url.origin).toBe(new URL(provider.issuer).origin);
    expect(reply.status).toBe(400);
    await app.close();
  });
});
