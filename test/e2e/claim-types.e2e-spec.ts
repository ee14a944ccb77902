import { Controller, Get } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, IdToken, type IdTokenClaims, type LoginNotice } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import {
  brokerLogin,
  brokerTokens,
  refresh,
  startBrokerApp,
  type BrokerTokens,
} from '../support/broker-app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { loggedIn } from '../support/dialects/dialect-flow.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { exchange, mintedToken } from '../support/token-exchange.js';
import { alice } from '../support/users.js';

@Controller()
class Routes {
  @Get('admins')
  @Auth({ roles: ['admins', 'staff'], claims: { email_verified: false, scope: 'myscope' } })
  admins(@IdToken() token: IdTokenClaims, @IdToken('email_verified') flag: unknown): object {
    return { token, flag };
  }
}

/** As Amazon Cognito, Duende, Auth0 and mappers of a single value write them. */
const odd = {
  email: 'alice@example.org',
  email_verified: 'false',
  groups: 'admins',
  roles: 'staff',
  updated_at: '2023-11-14T22:13:20.000Z',
  preferred_username: ['alice'],
};
const clean = {
  email: 'alice@example.org',
  email_verified: false,
  groups: ['admins'],
  roles: ['staff'],
  updated_at: 1_700_000_000,
};

const bare = ({ iss, aud, sub, iat, exp, azp, typ, nonce, scope }: JsonMembers): JsonMembers => ({
  iss,
  aud,
  sub,
  iat,
  exp,
  azp,
  typ,
  nonce,
  scope,
});

/** Makes one of the three say it, and the others nothing of the user. */
const sources: Record<string, (behaviour: MisbehavingProvider['behaviour']) => void> = {
  'the access token': (behaviour) => {
    behaviour.accessToken.claims = (claims) => ({ ...bare(claims), ...odd });
    behaviour.idToken.claims = bare;
    behaviour.userinfo = ({ sub }) => ({ sub });
  },
  'the ID token': (behaviour) => {
    behaviour.opaqueAccessTokens = true;
    behaviour.idToken.claims = (claims) => ({ ...bare(claims), ...odd });
    behaviour.userinfo = ({ sub }) => ({ sub });
  },
  'the ID token of the login alone': (behaviour) => {
    behaviour.opaqueAccessTokens = true;
    behaviour.idToken.claims = (claims) => ({ ...bare(claims), ...odd });
    behaviour.userinfo = ({ sub }) => ({ sub });
    behaviour.token = async ({ grant_type }, usual) => {
      const answer = usual();
      if (grant_type !== 'refresh_token') return answer;
      return { ...answer, body: { ...Object(answer.body), id_token: undefined } };
    };
  },
  userinfo: (behaviour) => {
    behaviour.opaqueAccessTokens = true;
    behaviour.idToken.claims = bare;
    behaviour.userinfo = ({ sub }) => ({ sub, ...odd });
  },
};

describe.each(flowAdapters)(
  'claims of other types than their specifications say, on %s',
  (adapter) => {
    let provider: MisbehavingProvider;

    beforeAll(async () => {
      provider = await startMisbehavingProvider({ algorithms: ['ES256'] });
    });

    beforeEach(() => provider.resetBehaviour());

    afterAll(() => provider.close());

    interface Heard {
      readonly app: TestApp;
      readonly logins: LoginNotice[];
      readonly mapped: Readonly<Record<string, unknown>>[];
    }

    const startListening = async (): Promise<Heard> => {
      const logins: LoginNotice[] = [];
      const mapped: Readonly<Record<string, unknown>>[] = [];
      const app = await startBrokerApp({
        adapter,
        provider,
        controllers: [Routes],
        options: {
          claims: { email_verified: false, groups: 'admins' },
          onLogin: (login) => void logins.push(login),
        },
        broker: {
          introspectionScope: 'myscope',
          mapClaims: (claims) => {
            mapped.push(claims);
            return {};
          },
        },
      });
      onTestFinished(() => app.close());
      return { app, logins, mapped };
    };

    const expectRead = async (
      { app, logins, mapped }: Heard,
      { accessToken, claims }: Pick<BrokerTokens, 'accessToken' | 'claims'>,
    ): Promise<void> => {
      expect(logins.at(-1)?.claims).toMatchObject(clean);
      expect(logins.at(-1)?.claims).not.toHaveProperty('preferred_username');
      expect(mapped.at(-1)).toMatchObject(clean);
      expect(claims).toMatchObject({ email: odd.email, email_verified: false });
      expect(claims['roles']).toEqual(['admins', 'staff']);
      expect(claims).not.toHaveProperty('preferred_username');
      const form = { token: accessToken };
      const introspected = await request(`${app.url}/auth/v2/introspect`, {
        form,
        bearer: accessToken,
      });
      expect(introspected.json()).toMatchObject({ email_verified: false, roles: claims['roles'] });
      const handled = await request(`${app.url}/admins`, { bearer: accessToken });
      expect(handled.json()).toMatchObject({ flag: false, token: { email_verified: false } });
    };

    it.each(Object.entries(sources))(
      'JV-9: are read in the right ones wherever a host meets them, when %s says them',
      async (_source, speak) => {
        speak(provider.behaviour);
        const heard = await startListening();

        const login = await brokerLogin(heard.app, { offline_access: 'true' });
        await expectRead(heard, login);
        const renewed = brokerTokens(await refresh(heard.app, login.refreshToken));
        await expectRead(heard, renewed);

        expect(heard.mapped.length).toBeGreaterThan(0);
      },
    );

    it('JV-9: are read so in an exchange, scopes in a list included', async () => {
      provider.behaviour.userinfo = ({ sub }) => ({ sub });
      const heard = await startListening();
      const subject = provider.accessToken({
        realm_access: undefined,
        resource_access: undefined,
        ...odd,
        scope: ['openid', 'myscope'],
      });

      const token = mintedToken(await exchange(heard.app, subject));

      const claims = decodeJwt(token);
      expect(claims['scope']).toBe('openid myscope');
      await expectRead(heard, { accessToken: token, claims });
    });

    it('JV-9: are named in the log once each, by claim and source, without their values', async () => {
      const { app } = await startListening();

      for (let login = 0; login < 3; login += 1) {
        provider.behaviour.idToken.claims = (claims) => ({
          ...claims,
          preferred_username: [`alice-${login}`],
        });
        provider.behaviour.accessToken.claims = (claims) => ({
          ...claims,
          email_verified: false,
          groups: ['admins'],
          birthdate: 1990,
        });
        await brokerLogin(app);
      }

      const lines = app.logs().filter((line) => line.includes('claim-mistyped'));
      expect(lines).toHaveLength(2);
      expect(lines.join('\n')).toMatch(
        /"source":"ID token","claim":"preferred_username","came":"list"/,
      );
      expect(lines.join('\n')).toMatch(/"source":"access token of [^"]+","claim":"birthdate"/);
      expect(lines.join('\n')).not.toMatch(/alice|1990/);
    });

    it('JV-9: passthrough mode hands them to onLogin and to handlers in the right ones', async () => {
      const logins: LoginNotice[] = [];
      provider.behaviour.idToken.claims = (claims) => ({ ...claims, ...odd });
      provider.behaviour.accessToken.claims = (claims) => ({
        ...bare(claims),
        ...odd,
        scope: ['openid', 'myscope'],
      });
      const app = await startApp({
        adapter,
        provider,
        controllers: [Routes],
        options: { onLogin: (login) => void logins.push(login) },
      });
      onTestFinished(() => app.close());

      const { accessToken } = await loggedIn(app);

      expect(logins[0]?.claims).toMatchObject({ ...clean, sub: alice.sub });
      const handled = await request(`${app.url}/admins`, { bearer: accessToken });
      expect(handled.json()).toMatchObject({
        flag: false,
        token: { ...clean, scope: 'openid myscope' },
      });
      expect(handled.text()).not.toContain('preferred_username');
    });
  },
);
