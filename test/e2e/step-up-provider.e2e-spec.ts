import { Controller, Get } from '@nestjs/common';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Auth } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { brokerTokens, guarded, startBrokerApp } from '../support/broker-app.js';
import { LOOPBACK_REDIRECT, postToken } from '../support/open-login.js';
import { type TestProvider, startProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

@Controller()
class Routes {
  @Get('vault')
  @Auth({ acr: 'gold', maxAgeSec: 600 })
  vault(): object {
    return {};
  }
}

describe('step-up with oidc-provider', () => {
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startProvider({ acrValues: ['silver', 'gold'] });
    app = await startBrokerApp({
      provider,
      controllers: [Routes],
      options: { loginParameters: ['acr_values', 'max_age'] },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const logIn = async (agent: UserAgent, query: Record<string, string>) => {
    provider.clearRequests();
    const wanted = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT, ...query }).toString();
    const back = new URL(
      await agent.loginAt(provider, `${app.url}/auth/v2/login?${wanted}`, 'alice'),
    );
    const state = back.searchParams.get('state') ?? '';
    const reply = await postToken(app, {
      code: back.searchParams.get('code') ?? '',
      redirect_uri: LOOPBACK_REDIRECT,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    });
    const asked = provider.requests.filter(
      ({ method, path }) => method === 'POST' && path.startsWith('/interaction/'),
    );
    return { reply, asked: asked.length };
  };

  it('SU-1: a second factor, and a login of now, are what the provider gives where it is asked for them', async () => {
    const agent = new UserAgent();

    const plain = await logIn(agent, {});
    const weak = brokerTokens(plain.reply);
    expect(await guarded(app, weak.accessToken, '/vault')).toBe(
      '401 insufficient_user_authentication',
    );

    const again = await logIn(agent, { acr_values: 'gold', max_age: '0' });
    const strong = brokerTokens(again.reply);
    expect(again.asked).toBeGreaterThan(0); // max_age: its session would have done else
    expect(decodeJwt(strong.accessToken)).toMatchObject({
      acr: 'gold',
      auth_time: expect.any(Number),
    });
    expect(await guarded(app, strong.accessToken, '/vault')).toBe('200');

    const still = await logIn(agent, { acr_values: 'gold', max_age: '600' });
    expect(still.asked).toBe(0);
    expect(await guarded(app, brokerTokens(still.reply).accessToken, '/vault')).toBe('200');
  });

  it('SU-1: a login of its session that is of another class is refused', async () => {
    const agent = new UserAgent();
    brokerTokens((await logIn(agent, { acr_values: 'silver' })).reply);

    const { reply, asked } = await logIn(agent, { acr_values: 'gold' });

    expect(asked).toBe(0); // acr_values are a wish to this provider (OpenID Connect Core §5.5.1.1)
    expectRefusal(reply, 400, 'unmet_authentication_requirements');
  });
});
