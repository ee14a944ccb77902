import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { brokerTokens, guarded, startBrokerApp } from '../support/broker-app.js';
import { handleForm, postToken } from '../support/open-login.js';
import { request } from '../support/http-request.js';
import { expectRefusal } from '../support/refusal.js';
import { keycloak } from './support/counterparts.js';
import { KeycloakRealm } from './support/keycloak-realm.js';
import { KeycloakUser } from './support/keycloak-user.js';
import { oneTimePassword } from './support/one-time-password.js';

const { at, skipped } = keycloak();

@Controller()
class Routes {
  @Get('safe')
  @Auth({ acr: 'gold' })
  safe(): object {
    return {};
  }

  @Get('vault')
  @Auth({ acr: 'silver', maxAgeSec: 600 })
  vault(): object {
    return {};
  }
}

/** Keycloak's own flow knows one level: a password. */
const attributes = { 'acr.loa.map': JSON.stringify({ silver: '1', gold: '2' }) };

describe.skipIf(skipped)(`step-up with Keycloak${skipped ? ` (${skipped})` : ''}`, () => {
  let realm: KeycloakRealm;
  let app: TestApp;

  beforeAll(async () => {
    realm = await new KeycloakRealm(at, 'step-up').create({ attributes });
    app = await startBrokerApp({
      provider: realm,
      controllers: [Routes],
      options: { loginParameters: ['acr_values', 'max_age'] },
    });
  });

  afterAll(() => app?.close());

  const logIn = async (user: KeycloakUser, query: Record<string, string>) =>
    postToken(app, handleForm(await user.logIn(app, { query })));

  it('SU-1: asks for the password again by max_age, and its tokens say when', async () => {
    const user = new KeycloakUser(realm);
    const first = brokerTokens(await logIn(user, { acr_values: 'silver' }));
    const firstSec = Number(first.claims['auth_time']);
    while (Math.floor(Date.now() / 1000) <= firstSec) await new Promise((go) => setTimeout(go, 50));

    const again = brokerTokens(await logIn(user, { acr_values: 'silver', max_age: '0' }));

    expect(Number(again.claims['auth_time'])).toBeGreaterThan(firstSec);
    expect(again.claims['acr']).toBe('silver');
    expect(await guarded(app, again.accessToken, '/vault')).toBe('200');
  });

  it('SU-1: gives what it can of acr_values, and less than was asked for is refused', async () => {
    const reply = await logIn(new KeycloakUser(realm), { acr_values: 'gold' });

    expectRefusal(reply, 400, 'unmet_authentication_requirements');
  });
});

describe.skipIf(skipped)(
  `step-up to a second level of Keycloak${skipped ? ` (${skipped})` : ''}`,
  () => {
    const secret = 'secret-for-one-time-passwords';
    let realm: KeycloakRealm;
    let app: TestApp;

    beforeAll(async () => {
      realm = await new KeycloakRealm(at, 'levels').create({ attributes });
      await realm.climbTo(
        [
          { level: 1, authenticator: 'auth-username-password-form', maxAgeSec: 3600 },
          { level: 2, authenticator: 'auth-otp-form', maxAgeSec: 300 },
        ],
        secret,
      );
      app = await startBrokerApp({
        provider: realm,
        controllers: [Routes],
        options: { loginParameters: ['acr_values', 'max_age'] },
      });
    });

    afterAll(() => app?.close());

    it('SU-1: a login climbs from the password to the one-time password, and the guard sees it', async () => {
      const user = new KeycloakUser(realm);
      let asked = 0;
      const otp = (): string => {
        asked += 1;
        return oneTimePassword(secret);
      };
      const logIn = async (acr_values: string) => {
        const login = await user.logIn(app, { query: { acr_values }, otp });
        return brokerTokens(await postToken(app, handleForm(login)));
      };

      const silver = await logIn('silver');
      const refused = await request(`${app.url}/safe`, { bearer: silver.accessToken });
      const gold = await logIn('gold');

      expect(silver.claims['acr']).toBe('silver');
      expect([refused.status, refused.json()['error']]).toEqual([
        401,
        'insufficient_user_authentication',
      ]);
      expect(refused.headers.get('www-authenticate')).toContain('acr_values="gold"');
      expect(gold.claims['acr']).toBe('gold');
      expect(await guarded(app, gold.accessToken, '/safe')).toBe('200');
      expect(asked).toBe(1);
      expect((await logIn('gold')).claims['acr']).toBe('gold');
      expect(asked).toBe(1); // the level counts for five minutes
    });
  },
);
