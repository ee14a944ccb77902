import { Controller, Get } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Auth } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import {
  brokerLogin,
  brokerTokens,
  guarded,
  refresh,
  startBrokerApp,
} from '../support/broker-app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { exchange, mintedToken } from '../support/token-exchange.js';

@Controller()
class MoneyRoutes {
  @Get('transfer')
  @Auth({ acr: 'gold', maxAgeSec: 300 })
  transfer(): object {
    return {};
  }
}

const howOf = ({ acr, amr, auth_time }: Readonly<Record<string, unknown>>) => ({
  acr,
  amr,
  auth_time,
});

describe('tokens of our own about the login that they come from', () => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({
      provider,
      clock,
      controllers: [MoneyRoutes],
      broker: { introspectionScope: 'myscope' },
    });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.behaviour.now = () => clock.now();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  const says = (claims: JsonMembers): void => {
    provider.behaviour.idToken = { claims: (usual) => ({ ...usual, ...claims }) };
  };

  it('SU-1: say acr, amr and auth_time of its ID token, and open what demands them', async () => {
    const how = { acr: 'gold', amr: ['pwd', 'otp'], auth_time: now() - 10 };
    says(how);

    const { claims, accessToken } = await brokerLogin(app);

    expect(howOf(claims)).toEqual(how);
    expect(await guarded(app, accessToken, '/transfer')).toBe('200');
    clock.advance(301);
    expect(await guarded(app, accessToken, '/transfer')).toBe(
      '401 insufficient_user_authentication',
    );
  });

  it('SU-1: say none of it where the ID token does not', async () => {
    says({ auth_time: undefined });

    const { claims } = await brokerLogin(app);

    expect(Object.keys(claims)).not.toEqual(expect.arrayContaining(['auth_time']));
    expect(howOf(claims)).toEqual({});
  });

  it('SU-1: keep at a refresh what the login was, whatever time the refresh is', async () => {
    const how = { acr: 'gold', amr: ['otp'], auth_time: now() };
    says(how);
    const first = await brokerLogin(app);
    clock.advance(100);

    says({ auth_time: undefined, acr: 'silver' });
    const second = brokerTokens(await refresh(app, first.refreshToken));
    says({ auth_time: how.auth_time - 50, acr: 'platinum' });
    const third = brokerTokens(await refresh(app, second.refreshToken));
    says({ auth_time: now(), acr: 'bronze' });
    const fourth = brokerTokens(await refresh(app, third.refreshToken));

    expect(howOf(second.claims)).toEqual(how);
    expect(howOf(third.claims)).toEqual(how);
    expect(howOf(fourth.claims)).toEqual({ acr: 'bronze', auth_time: now() });
  });

  it('SU-1: by exchange say what the subject token says', async () => {
    const how = { acr: 'gold', amr: ['otp'], auth_time: now() - 60 };

    const token = mintedToken(await exchange(app, provider.accessToken(how)));

    expect(howOf(decodeJwt(token))).toEqual(how);
    expect(await guarded(app, token, '/transfer')).toBe('200');
  });

  it('SU-1: are told of in introspection (RFC 9470 §6.2)', async () => {
    const how = { acr: 'gold', auth_time: now() };
    says(how);
    const { accessToken } = await brokerLogin(app);

    const reply = await request(`${app.url}/auth/v2/introspect`, {
      bearer: accessToken,
      form: { token: accessToken },
    });

    expect(reply.json()).toMatchObject({ active: true, ...how });
  });
});
