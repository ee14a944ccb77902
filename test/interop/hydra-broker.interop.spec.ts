import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, type TestApp } from '../support/app.js';
import {
  type BrokerTokens,
  brokerTokens,
  guarded,
  refresh,
  startBrokerApp,
} from '../support/broker-app.js';
import { request } from '../support/http-request.js';
import { handleForm, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { hydra } from './support/counterparts.js';
import { HYDRA_USER, type Hydra } from './support/hydra.js';
import { HydraServer } from './support/hydra-server.js';
import { HydraUser } from './support/hydra-user.js';
import { RecordedAnswers } from './support/recorded-answers.js';

const counterpart = hydra();
const { skipped } = counterpart;

describe.skipIf(skipped)(`Ory Hydra in broker mode${skipped ? ` (${skipped})` : ''}`, () => {
  const apps: TestApp[] = [];
  let server: HydraServer;
  let provider: Hydra;

  beforeAll(async () => {
    server = await HydraServer.start(counterpart);
    provider = server.hydra;
  });

  afterAll(() => server?.stop());

  afterEach(async () => {
    for (const app of apps.splice(0)) await app.close();
  });

  const logIn = async (app: TestApp, user = new HydraUser(provider)): Promise<BrokerTokens> => {
    const login = await user.logIn(app, { query: { offline_access: 'true' } });
    return brokerTokens(await postToken(app, handleForm(login)));
  };

  describe.each(adapters)('on %s', (adapter) => {
    const start = async (clientId: string, answers = new RecordedAnswers()): Promise<TestApp> => {
      const app = await startBrokerApp({
        adapter,
        provider,
        options: {
          clientId,
          scopes: 'profile email',
          requireExpInLogoutToken: false, // its logout tokens have none
          fetch: answers.fetch,
          allowedPostLogoutRedirectUris: ['http://localhost:53100/goodbye'],
        },
      });
      apps.push(app);
      await provider.addClient({
        client_id: clientId,
        backchannel_logout_uri: `${app.url}/auth/v2/backchannel-logout`,
        backchannel_logout_session_required: true,
      });
      return app;
    };

    it('mints tokens with the claims of the ID token, and refreshes them with rotating tokens', async () => {
      const answers = new RecordedAnswers();
      const app = await start(`broker-${adapter}`, answers);

      const first = await logIn(app);
      const second = brokerTokens(await refresh(app, first.refreshToken));
      const third = brokerTokens(await refresh(app, second.refreshToken));

      expect(third.claims).toMatchObject({
        sub: HYDRA_USER,
        preferred_username: 'alice',
        email: 'alice@example.org',
        roles: ['admins'],
        acr: 'silver',
      });
      expect(await guarded(app, third.accessToken, '/admins')).toBe('200');
      const given = answers.of('/oauth2/token').map((body) => body['refresh_token']);
      expect(new Set(given).size).toBe(3);
    });

    it('LO-4: logout sends the ID token as a hint, and Hydra leads to the target', async () => {
      const app = await start(`leaving-broker-${adapter}`);
      const user = new HydraUser(provider);
      const login = await logIn(app, user);
      const target = new URLSearchParams({
        post_logout_redirect_uri: 'http://localhost:53100/goodbye',
        state: 'caller-state',
      });

      const { location = app.url } = await request(
        `${app.url}/auth/v2/logout?${target.toString()}`,
        { bearer: login.accessToken },
      );
      const back = await user.follow(location);

      expect(back.href).toBe('http://localhost:53100/goodbye?state=caller-state');
      expect(await guarded(app, login.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, login.refreshToken), 400, 'invalid_grant');
    });

    it('LO-5: a session that ends at Hydra ends here by back-channel logout, and no other', async () => {
      const answers = new RecordedAnswers();
      const app = await start(`back-channel-${adapter}`, answers);
      const ended = await logIn(app);
      const [idToken] = answers.of('/oauth2/token').map((body) => String(body['id_token']));
      const kept = await logIn(app);
      const payload = Buffer.from(idToken?.split('.')[1] ?? '', 'base64url').toString();
      const { sid }: { sid: string } = JSON.parse(payload);

      await provider.endSession(sid);

      await expect.poll(() => guarded(app, ended.accessToken)).toBe('401 invalid_token');
      expectRefusal(await refresh(app, ended.refreshToken), 400, 'invalid_grant');
      expect(await guarded(app, kept.accessToken)).toBe('200');
      brokerTokens(await refresh(app, kept.refreshToken));
    });
  });
});
