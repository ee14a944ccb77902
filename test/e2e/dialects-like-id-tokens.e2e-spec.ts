import { Controller, Get } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, type AccessTokenMark, type OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, startBrokerApp } from '../support/broker-app.js';
import { AUTHENTIK_CLIENT, authentik } from '../support/dialects/authentik.js';
import { CASDOOR_CLIENT, casdoor } from '../support/dialects/casdoor.js';
import { DEX_CLIENT, dex } from '../support/dialects/dex.js';
import { type Dialect, startDialect } from '../support/dialects/dialect.js';
import { asked, browserLogin, loggedIn, refreshed } from '../support/dialects/dialect-flow.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { request } from '../support/http-request.js';
import type { MisbehavingProvider } from '../support/misbehaving-provider.js';
import { exchange } from '../support/token-exchange.js';
import { expectRefusal } from '../support/refusal.js';

@Controller()
class Orders {
  @Get('orders')
  @Auth({ anyRole: ['admins', 'built-in/admins'] })
  orders(): object {
    return {};
  }
}

interface Provider {
  readonly name: string;
  readonly dialect: Dialect;
  readonly clientId: string;
  readonly accessTokenMark: AccessTokenMark;
  /** How its other JWTs for this client differ from its access tokens. */
  readonly others: Readonly<Record<string, JsonMembers>>;
  /** Whether its access tokens say which client they were issued to, as an exchange demands. */
  readonly namesParty: boolean;
}

const providers: readonly Provider[] = [
  {
    name: 'dex',
    dialect: dex,
    clientId: DEX_CLIENT,
    accessTokenMark: false,
    others: { 'an ID token by code': { c_hash: 'h' } },
    namesParty: false,
  },
  {
    name: 'authentik',
    dialect: authentik,
    clientId: AUTHENTIK_CLIENT,
    accessTokenMark: { uid: true },
    others: {
      'an ID token of a login': { uid: undefined, azp: undefined },
      'an ID token of a refresh': { uid: undefined, azp: undefined, nonce: undefined },
    },
    namesParty: true,
  },
  {
    name: 'Casdoor',
    dialect: casdoor,
    clientId: CASDOOR_CLIENT,
    accessTokenMark: { tokenType: 'access-token' },
    others: { 'a refresh token': { tokenType: 'refresh-token' } },
    namesParty: true,
  },
];

const cases = flowAdapters.flatMap((adapter) => providers.map((one) => ({ adapter, ...one })));

describe.each(cases)('$name on $adapter, whose access tokens look like ID tokens', (one) => {
  const { adapter, dialect, clientId, accessTokenMark, others, namesParty } = one;
  const options = {
    clientId,
    audience: clientId,
    scopes: 'profile email',
  } satisfies Partial<OidcAuthOptions>;
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startDialect(dialect);
  });

  afterAll(() => provider.close());

  const start = async (changes: Partial<OidcAuthOptions>): Promise<TestApp> => {
    const app = await startApp({
      adapter,
      provider,
      options: { ...options, ...changes },
      controllers: [Orders],
    });
    onTestFinished(() => app.close());
    return app;
  };

  it('JV-8: by default the guard refuses them after a login that ended well, and the log names the claim', async () => {
    const app = await start({});

    expect(await asked(app, '/orders', await loggedIn(app))).toBe('401 invalid_token');

    expect(app.logs().join('\n')).toMatch(/ID token: it carries nonce.*accessTokenMark/);
  });

  it('JV-8: with the option of docs/providers they open handlers, refreshed ones too', async () => {
    const app = await start({ accessTokenMark });

    const tokens = await loggedIn(app, { offline_access: 'true' });

    expect(await asked(app, '/orders', tokens)).toBe('200');
    expect(await asked(app, '/orders', await refreshed(app, tokens))).toBe('200');
  });

  it.each(Object.entries(others))(
    'JV-8: with the option too %s opens nothing',
    async (_, changes) => {
      const app = await start({ accessTokenMark });
      const { accessToken } = await loggedIn(app);

      const bearer = provider.idToken({ ...decodeJwt(accessToken), ...changes });

      const reply = await request(`${app.url}/orders`, { bearer });
      expect([reply.status, reply.json()['error']]).toEqual([401, 'invalid_token']);
    },
  );

  it('CB-5: broker mode needs no option, and takes the groups over', async () => {
    const app = await startBrokerApp({ adapter, provider, options, controllers: [Orders] });
    onTestFinished(() => app.close());

    const tokens = brokerTokens(await browserLogin(app));

    expect(await asked(app, '/orders', tokens)).toBe('200');
  });

  it('TX-1: an exchange takes them with the option, and only then', async () => {
    const { accessToken } = await loggedIn(await start({}));
    const strict = await startBrokerApp({ adapter, provider, options });
    onTestFinished(() => strict.close());
    const told = await startBrokerApp({
      adapter,
      provider,
      options: { ...options, accessTokenMark },
    });
    onTestFinished(() => told.close());

    expectRefusal(await exchange(strict, accessToken), 400, 'invalid_request');
    expect((await exchange(told, accessToken)).status).toBe(namesParty ? 200 : 400);
  });
});
