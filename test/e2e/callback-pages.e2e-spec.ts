import { ForbiddenException } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { startBrokerApp } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { type Reply, request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { openLogin } from '../support/open-login.js';
import { openOwnLogin, ownCallback, wayBack } from '../support/own-callback.js';
import { expectPage } from '../support/pages.js';
import { expectRefusal } from '../support/refusal.js';
import { startTwoProviderApp, startTwoProviders } from '../support/two-providers.js';
import { UserAgent, visit } from '../support/user-agent.js';

/** Whoever is no person at a page. */
const programs: [who: string, headers: Readonly<Record<string, string>>][] = [
  ['a program', {}],
  ['a program that takes pages', { accept: 'text/html' }],
  ['a fetch', { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }],
  ['a frame', { ...visit, accept: 'text/html', 'sec-fetch-dest': 'iframe' }],
  ['a prefetch', { ...visit, accept: 'text/html', 'sec-purpose': 'prefetch' }],
];

function refuse(): never {
  throw new ForbiddenException('no account');
}

/** The address behind "Try again". */
function retryOf(reply: Reply): URL | undefined {
  const [, href] = /<a href="([^"]+)">Try again<\/a>/.exec(reply.text()) ?? [];
  return href === undefined ? undefined : new URL(href.replaceAll('&amp;', '&'));
}

describe.each(adapters)('a failed login without sessions by cookie, on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({ adapter, provider, clock });
  });

  beforeEach(() => provider.resetBehaviour());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const person = () => new UserAgent(() => clock.now().getTime(), {}, visit);
  /** A login that the provider answers with these changes. */
  const failed = async (
    changes: Readonly<Record<string, string | undefined>>,
    at = app,
  ): Promise<Reply> => {
    const agent = person();
    const login = await openOwnLogin(at, agent);
    return agent.get(wayBack(login, provider, changes), { follow: false });
  };

  it('gives a person a page, with status and code as ever', async () => {
    const reply = await failed({ code: undefined, error: 'access_denied' });

    expectPage(reply, 400, 'The login was cancelled');
    expect(reply.text()).toContain('<small>400 access_denied</small>');
    expect(reply.headers.getSetCookie()).toEqual([]);
  });

  it('leads back to the same login', async () => {
    const reply = await failed({ code: undefined, error: 'access_denied' });

    const retry = retryOf(reply);
    expect(retry?.origin + `${retry?.pathname}`).toBe(`${app.url}/auth/v2/login`);
    expect([...(retry?.searchParams.keys() ?? [])]).toEqual(['redirect_uri', 'scope']);
    expect(retry?.searchParams.get('redirect_uri')).toBe(ownCallback(app));
    const again = await person().get(retry ?? '', { follow: false });
    expect(again.location?.origin).toBe(provider.issuer);
  });

  it('says so where the provider is down, and when to come back', async () => {
    const agent = person();
    const login = await openOwnLogin(app, agent);
    provider.behaviour.faults.token = failWith(503);

    const reply = await agent.get(wayBack(login, provider), { follow: false });

    expectPage(reply, 503, 'The login service does not answer');
    expect(reply.headers.has('retry-after')).toBe(true);
  });

  it('sends nobody away to wait where the application is set up wrong', async () => {
    const agent = person();
    const login = await openOwnLogin(app, agent);
    provider.behaviour.faults.token = failWith(401, { body: { error: 'invalid_client' } });

    const reply = await agent.get(wayBack(login, provider), { follow: false });

    expectPage(reply, 502, 'Something is wrong on our side');
    expect(reply.text()).toContain('Whoever looks after this application');
  });

  it('knows of no login to begin again where the state says nothing', async () => {
    const reply = await request(`${ownCallback(app)}?state=x&code=y`, { headers: visit });

    expectPage(reply, 400, 'The login could not be finished');
    expect(retryOf(reply)).toBeUndefined();
    expect(reply.text()).toContain('begin again there');
  });

  it('HS-6: shows nothing of what came with it', async () => {
    const came = { state: '"><i>canary', code: 'canary', iss: 'https://canary.example' };
    for (const further of [{}, { error: 'canary' }, { error_description: '<b>canary' }]) {
      const query = new URLSearchParams({ ...came, ...further }).toString();
      const reply = await request(`${ownCallback(app)}?${query}`, { headers: visit });

      expectPage(reply, 400, 'The login could not be finished');
      expect(reply.text()).not.toMatch(/canary/i);
    }
    const named = await request(`${ownCallback(app)}/canary?state=x`, { headers: visit });
    expect([named.status, named.text().includes('canary')]).toEqual([400, false]);
  });

  it.each(programs)('gives %s the JSON of the contract', async (_who, headers) => {
    const reply = await request(`${ownCallback(app)}?state=x&code=y`, { headers });

    expectRefusal(reply, 400, 'invalid_request');
  });

  it('answers a login that ends well with its tokens', async () => {
    const agent = person();
    const login = await openOwnLogin(app, agent);

    const reply = await agent.get(wayBack(login, provider), { follow: false });

    expect(reply.status).toBe(200);
    expect(reply.json()).toHaveProperty('access_token');
  });

  it('is the same in broker mode, where the host refuses', async () => {
    const options = { onLogin: refuse };
    const broker = await startBrokerApp({ adapter, provider, clock, options });
    onTestFinished(() => broker.close());

    const reply = await failed({}, broker);

    expectPage(reply, 403, 'You may not log in here');
    expect(retryOf(reply)?.searchParams.get('redirect_uri')).toBe(ownCallback(broker));
  });

  it('leads back to the provider of the login, of several', async () => {
    const two = await startTwoProviders({ clock });
    const both = await startTwoProviderApp(two, { adapter, clock });
    onTestFinished(async () => {
      await both.close();
      await Promise.all([two.main.close(), two.staff.close()]);
    });
    const agent = person();
    const redirectUri = `${ownCallback(both)}/staff`;
    const login = await openLogin(both, { agent, redirectUri, query: { provider: 'staff' } });

    const answer = { code: undefined, error: 'access_denied' };
    const reply = await agent.get(wayBack(login, two.staff, answer), { follow: false });

    expectPage(reply, 400, 'The login was cancelled');
    const again = await person().get(retryOf(reply) ?? '', { follow: false });
    expect(again.location?.origin).toBe(two.staff.issuer);
  });
});
