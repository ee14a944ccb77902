import { Controller, Get } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { Auth, IdToken, OAuthError } from '../../lib/index.js';
import { adapters, type TestApp } from '../support/app.js';
import { pull } from '../support/broker-app.js';
import { Browser, PageRoutes, startBrowserApp, whoIs } from '../support/browser-sessions.js';
import { countingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { startTwoProviderApp, startTwoProviders } from '../support/two-providers.js';
import { alice } from '../support/users.js';

@Controller()
class VaultRoutes {
  @Get('vault')
  @Auth({ acr: ['gold', 'platinum'], maxAgeSec: 300, onUnauthenticated: 'login' })
  vault(@IdToken('acr') acr: string): string {
    return `open by ${acr}`;
  }

  @Get('recent')
  @Auth({ maxAgeSec: 60, onUnauthenticated: 'login' })
  recent(): string {
    return 'recent';
  }

  @Get('large')
  @Auth({
    onUnauthenticated: 'login',
    when: ({ acr }) => {
      if (acr === 'gold') return true;
      const text = 'A second factor is needed';
      throw new OAuthError('insufficient_user_authentication', text, { acrValues: ['gold'] });
    },
  })
  large(): string {
    return 'large';
  }
}

const visit = {
  'sec-fetch-site': 'none',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

/** What a visit is answered with. */
const outcome = async (at: string) => (await request(at, { headers: visit })).status;

describe.each(adapters)('pages that want a better login on %s', (adapter) => {
  const clock = new FakeClock();
  const { store } = countingStore();
  let provider: MisbehavingProvider;
  let app: TestApp;
  /** What the last login asked the provider for. */
  let asked: Readonly<Record<string, string>> = {};

  const now = (): number => Math.floor(clock.now().getTime() / 1000);

  const startOne = (): Promise<TestApp> =>
    startBrowserApp({
      adapter,
      provider,
      clock,
      store,
      controllers: [PageRoutes, VaultRoutes],
      options: { publicUrl: app?.url },
    });

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrowserApp({
      adapter,
      provider,
      clock,
      store,
      controllers: [PageRoutes, VaultRoutes],
    });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    clock.advance(20);
    const { behaviour } = provider;
    let session = { acr: 'silver', auth_time: now() };
    // A provider that does what it is asked for, and else knows who is logged in there.
    behaviour.authorization = (answer, query) => {
      asked = query;
      const { acr_values: acrs, max_age: age } = query;
      const old = age !== undefined && session.auth_time < now() - Number(age);
      const acr = acrs?.split(' ')[0] ?? session.acr;
      if (old || acr !== session.acr) session = { acr, auth_time: now() };
      behaviour.idToken = { claims: (usual) => ({ ...usual, ...session }) };
      return answer;
    };
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const browserAt = () => new Browser(app, () => clock.now().getTime());

  it('SU-1: send a person who is logged in there and back, with what the rule demands and callers may not ask for', async () => {
    const browser = browserAt();
    await browser.logIn();
    expect(asked).not.toHaveProperty('acr_values');

    const reply = await browser.agent.get(`${app.url}/vault?tab=2`);

    expect([reply.status, reply.text(), reply.url.href]).toEqual([
      200,
      'open by gold',
      `${app.url}/vault?tab=2`,
    ]);
    expect(asked).toMatchObject({ acr_values: 'gold platinum', max_age: '300' });
    expect(asked).not.toHaveProperty('step_up');
  });

  it('BS-2: make a new reference of it, and the old one is dead here at once, elsewhere within 10 s', async () => {
    const other = await startOne();
    onTestFinished(() => other.close());
    const browser = browserAt();
    await browser.logIn();
    const old = browser.reference;
    expect([await whoIs(app, old), await whoIs(other, old)]).toEqual([alice.sub, alice.sub]);

    await browser.agent.get(`${app.url}/vault`);

    expect(browser.reference).not.toBe(old);
    expect(await whoIs(app, old)).toBe('401 invalid_token');
    clock.advance(5);
    await pull(other);
    expect(await whoIs(other, old)).toBe('401 invalid_token');
    expect(await browser.who()).toBe(alice.sub);
    expect(await browser.who(other)).toBe(alice.sub);
    expect(provider.requestsTo('revocation')).toEqual([]); // the grant may be the same
  });

  it('SU-1: send one who is not logged in there once, with all of it', async () => {
    const reply = await browserAt().agent.get(`${app.url}/vault`);

    expect(reply.text()).toBe('open by gold');
    expect(provider.requestsTo('authorization')).toHaveLength(1);
    expect(asked).toMatchObject({ acr_values: 'gold platinum', max_age: '300' });
  });

  it('SU-1: ask for a recent login again when it is old', async () => {
    const browser = browserAt();
    await browser.agent.get(`${app.url}/recent`);
    clock.advance(66);

    expect((await browser.send('/recent')).status).toBe(401);
    expect((await browser.agent.get(`${app.url}/recent`)).text()).toBe('recent');
    expect(provider.requestsTo('authorization')).toHaveLength(2);
    expect(asked).toMatchObject({ max_age: '60' });
  });

  it('SU-1: ask for what a condition demands', async () => {
    const browser = browserAt();
    await browser.logIn();

    expect((await browser.agent.get(`${app.url}/large`)).text()).toBe('large');
    expect(asked).toMatchObject({ acr_values: 'gold' });
  });

  it('tell a script what they want, and send it nowhere', async () => {
    const browser = browserAt();
    await browser.logIn();

    const reply = await browser.send('/vault');

    expect([reply.status, reply.headers.get('location')]).toEqual([401, null]);
    expect(reply.headers.get('www-authenticate')).toMatch(
      /^Bearer error="insufficient_user_authentication", .*acr_values="gold platinum", max_age="300"/,
    );
  });

  it('SU-1: say so where the provider does not do what it was asked for, and leave the session as it was', async () => {
    const browser = browserAt();
    await browser.logIn();
    const before = browser.reference;
    const { behaviour } = provider;
    behaviour.authorization = (answer) => answer;
    behaviour.idToken = { claims: (usual) => ({ ...usual, acr: 'silver' }) };

    const reply = await browser.agent.get(`${app.url}/vault`);

    expect(reply.status).toBe(400);
    expect(reply.text()).toContain('<h1>This login was not enough</h1>');
    expect(browser.reference).toBe(before);
    expect(await browser.who()).toBe(alice.sub);
  });

  it('SU-1: cannot be asked for less: without the demand the login opens nothing, and does not go round in circles', async () => {
    const browser = browserAt();
    await browser.logIn();
    const sent = await browser.agent.get(`${app.url}/vault`, { follow: false });
    const weaker = new URL(sent.location ?? '');
    weaker.searchParams.delete('step_up');

    const reply = await browser.agent.get(weaker);

    expect(asked).not.toHaveProperty('acr_values');
    expect(reply.status).toBe(401);
    expect(reply.text()).toContain('<h1>This login was not enough</h1>');
    expect((await browser.send('/vault')).status).toBe(401);
  });

  it('SU-1: have their demand from nobody but us, and not for ever', async () => {
    const browser = browserAt();
    await browser.logIn();
    const sent = await browser.agent.get(`${app.url}/vault`, { follow: false });
    const url = sent.location?.href ?? '';

    expect(await outcome(url)).toBe(302);
    expect(await outcome(`${url}x`)).toBe(400);
    expect(await outcome(url.replace(/step_up=[^&]*/, 'step_up=e30'))).toBe(400);
    clock.advance(601);
    expect(await outcome(url)).toBe(400);
  });

  it('stay at the provider that the session is of', async () => {
    const both = await startTwoProviders({ clock });
    const several = await startTwoProviderApp(both, {
      adapter,
      clock,
      broker: true,
      controllers: [PageRoutes, VaultRoutes],
      options: { session: {} },
    });
    onTestFinished(async () => {
      await several.close();
      await Promise.all([both.main.close(), both.staff.close()]);
    });
    const browser = new Browser(several, () => clock.now().getTime());
    await browser.logIn('/claims', { provider: 'staff' });

    const { location } = await browser.agent.get(`${several.url}/vault`, { follow: false });

    expect(location?.searchParams.get('provider')).toBe('staff');
  });
});
