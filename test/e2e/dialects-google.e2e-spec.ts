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
import { GOOGLE_CLIENT, google } from '../support/dialects/google.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

@Controller()
class Notes {
  @Get('notes')
  @Auth()
  notes(): object {
    return {};
  }

  @Get('domain-notes')
  @Auth({ claims: { hd: 'example.org' } })
  ofTheDomain(): object {
    return {};
  }
}

const options = {
  clientId: GOOGLE_CLIENT,
  audience: GOOGLE_CLIENT,
  scopes: 'profile email',
  offlineAccess: false,
  authorizationParameters: { access_type: 'offline' },
} satisfies Partial<OidcAuthOptions>;

const domainOf = ({ hd }: Readonly<Record<string, unknown>>) => ({ hd });

describe.each(flowAdapters)('Google on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startDialect(google);
  });

  afterAll(() => provider.close());

  describe('in passthrough mode', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await startApp({ adapter, provider, options, controllers: [Notes] });
    });

    afterAll(() => app.close());

    it('CB-5: a login ends well, and its access token is refused, with the reason in the log', async () => {
      const tokens = await loggedIn(app);

      expect(await asked(app, '/notes', tokens)).toBe('401 invalid_token');
      expect(await asked(app, '/auth/v2/userinfo', tokens)).toBe('401 invalid_token');
      expect(app.logs().join('\n')).toMatch(
        /WARN.*refused \(401 invalid_token\): not a compact JWS/,
      );
    });

    it('TK-6: keeps its refresh token, which Google does not send again', async () => {
      const tokens = await loggedIn(app, { prompt: 'consent' });

      const next = await refreshed(app, tokens);

      expect(next.refreshToken).toBe(tokens.refreshToken);
      expect(next.accessToken).not.toBe(tokens.accessToken);
      expect(next.body['refresh_expires']).toBeGreaterThan(0);
    });

    it('goes to the target at once at logout: Google has no end-session endpoint', async () => {
      expect((await logoutTarget(app)).href).toBe(`${app.url}/`);
    });

    it('AR-5: never asks for offline_access, even when the caller does', async () => {
      await loggedIn(app, { offline_access: 'true' });

      const { query } = provider.requestsTo('authorization').at(-1) ?? {};
      expect(query).toMatchObject({ scope: 'openid profile email', access_type: 'offline' });
    });
  });

  it('shows its own error page to whoever leaves offlineAccess on', async () => {
    const app = await startApp({ adapter, provider, options: { ...options, offlineAccess: true } });

    const reply = await browserLogin(app, { offline_access: 'true' });

    expect(reply.url.origin).toBe(new URL(provider.issuer).origin);
    expect(reply.status).toBe(400);
    await app.close();
  });

  it('gives no refresh token without access_type=offline', async () => {
    const app = await startApp({
      adapter,
      provider,
      options: { ...options, authorizationParameters: {} },
    });

    expect((await loggedIn(app)).refreshToken).toBeUndefined();

    await app.close();
  });

  it('CL-2: broker mode lets one Workspace domain in, and refreshes', async () => {
    const app = await startBrokerApp({
      adapter,
      provider,
      options: { ...options, claims: { hd: 'example.org' } },
      broker: { mapClaims: domainOf },
      controllers: [Notes],
    });

    const tokens = brokerTokens(await browserLogin(app, { prompt: 'consent' }));
    const next = await refreshed(app, tokens);

    expect(tokens.claims).toMatchObject({ email: 'alice@example.org', hd: 'example.org' });
    expect(tokens.claims['preferred_username']).toBeUndefined();
    expect(await asked(app, '/domain-notes', next)).toBe('200');
    expect(await profile(app, next)).toMatchObject({
      username: '110000000000000000001',
      first_name: 'Alice',
      email: 'alice@example.org',
    });
    expect((await logoutTarget(app, next)).href).toBe(`${app.url}/`);
    expect(await asked(app, '/notes', next)).toBe('401 invalid_token');
    await app.close();
  });

  it('CL-2: broker mode refuses other domains', async () => {
    const app = await startBrokerApp({
      adapter,
      provider,
      options: { ...options, claims: { hd: 'another.example' } },
    });

    expectRefusal(await browserLogin(app), 403, 'insufficient_scope');

    await app.close();
  });

  it('broker mode gives no refresh token where Google gave none', async () => {
    const app = await startBrokerApp({
      adapter,
      provider,
      options: { ...options, authorizationParameters: {} },
      controllers: [Notes],
    });

    const tokens = await loggedIn(app);

    expect(tokens.refreshToken).toBeUndefined();
    expect(await asked(app, '/notes', tokens)).toBe('200');
    await app.close();
  });
});
