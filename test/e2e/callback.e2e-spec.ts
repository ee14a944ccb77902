import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { openLogin } from '../support/open-login.js';
import { openOwnLogin, ownCallback, wayBack } from '../support/own-callback.js';
import { startProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { setCookies } from '../support/set-cookie.js';
import { UserAgent } from '../support/user-agent.js';

describe.each(adapters)('the callback on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CB-1: answers tokens without an ID token to the browser that began the login, and ends its cookie', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);

    const reply = await agent.get(wayBack(open, provider));

    expect(reply.status).toBe(200);
    expect(Object.keys(reply.json()).toSorted()).toEqual([
      'access_token',
      'expires',
      'expires_in',
      'refresh_expires',
      'refresh_token',
      'scope',
      'token_type',
    ]);
    expect(setCookies(reply)).toEqual([
      {
        name: `oidc-login.${open.state.split('|')[0]}`,
        value: '',
        attributes: { path: '/', 'max-age': '0', httponly: '', samesite: 'Lax' },
      },
    ]);
  });

  it('CB-1: finishes a login at oidc-provider', async () => {
    const real = await startProvider();
    const own = await startApp({ adapter, provider: real });
    const agent = new UserAgent();
    const query = new URLSearchParams({ redirect_uri: ownCallback(own) }).toString();

    const back = await agent.loginAt(real, `${own.url}/auth/v2/login?${query}`, 'alice');
    const reply = await agent.get(back);

    expect(reply.status).toBe(200);
    await own.service.verify(String(reply.json()['access_token']));
    await own.close();
    await real.close();
  });

  it('CB-1: refuses a forged or altered state with one text, and asks the provider nothing', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const { state, handle, redirectUri } = open;
    const id = state.split('|')[0] ?? '';
    const other = await openOwnLogin(app, agent);
    provider.clearRequests();

    const altered = [...Array(Math.ceil(state.length / 24)).keys()].map((step) => {
      const at = step * 24;
      return state.slice(0, at) + (state[at] === 'A' ? 'B' : 'A') + state.slice(at + 1);
    });
    const forged = [
      'x|http://y|z',
      '|',
      id,
      handle,
      `${id}|${redirectUri}|`,
      `${id}|${redirectUri}|${other.handle}`,
      `${other.state.split('|')[0]}|${redirectUri}|${handle}`,
      `${state}x`,
      `${state}${'A'.repeat(4000)}`,
      '__proto__',
      "' OR 1=1 --",
      '\0',
    ];
    const texts = new Set<string>();
    for (const changed of [...altered, ...forged]) {
      const reply = await agent.get(wayBack(open, provider, { state: changed }));
      expectRefusal(reply, 400, 'invalid_request');
      texts.add(reply.text());
    }

    expect(texts.size).toBe(1);
    expect(provider.requests).toEqual([]);
    expect((await agent.get(wayBack(open, provider))).status).toBe(200);
  });

  it('CB-1: refuses a callback without a state, without a code, and with two of either', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    provider.clearRequests();
    const whole = wayBack(open, provider);

    const urls = [
      wayBack(open, provider, { state: undefined }),
      wayBack(open, provider, { state: '' }),
      wayBack(open, provider, { code: undefined }),
      wayBack(open, provider, { code: '' }),
      ownCallback(app),
      `${whole}&state=${encodeURIComponent(open.state)}`,
      `${whole}&code=another`,
      `${whole}&code[]=another`,
    ];

    for (const url of urls) expectRefusal(await agent.get(url), 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('CB-1: asks the provider nothing for a forged state even before it knows its metadata', async () => {
    const own = await startApp({ adapter, provider });

    const reply = await new UserAgent().get(`${ownCallback(own)}?code=c&state=x|http://y|z`);

    expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
    await own.close();
  });

  it('CB-1: refuses a state that comes a second time, whatever comes with it', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const cookie = cookieHeader(agent, app);
    expect((await agent.get(wayBack(open, provider))).status).toBe(200);
    const fresh = await openLogin(app);
    provider.clearRequests();

    for (const changes of [{}, { code: fresh.code }, { code: undefined, error: 'access_denied' }]) {
      const replayed = wayBack(open, provider, changes);
      const reply = await new UserAgent().get(replayed, { headers: { cookie } });
      expectRefusal(reply, 400, 'invalid_request');
    }
    expect(provider.requests).toEqual([]);
  });

  it('CB-1: lets one of two simultaneous callbacks through, with one exchange', async () => {
    const agent = new UserAgent();
    const back = wayBack(await openOwnLogin(app, agent), provider);

    const replies = await Promise.all([agent.get(back), agent.get(back)]);

    const refused = replies.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(1);
    for (const reply of refused) expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it('CB-1: lets at most one of two callbacks on two instances succeed', async () => {
    const second = await startApp({ adapter, provider, options: { publicUrl: app.url } });
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const cookie = cookieHeader(agent, app);
    const atSecond = wayBack({ ...open, redirectUri: ownCallback(second) }, provider);

    const [one, other] = await Promise.all([
      agent.get(wayBack(open, provider)),
      new UserAgent().get(atSecond, { headers: { cookie } }),
    ]);

    expect(new Set([one.status, other.status])).toEqual(new Set([200, 400]));
    await second.close();
  });

  it('CB-1: finishes on one instance what was begun on another with the same keys', async () => {
    const second = await startApp({ adapter, provider, options: { publicUrl: app.url } });
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const atSecond = wayBack({ ...open, redirectUri: ownCallback(second) }, provider);

    const reply = await new UserAgent().get(atSecond, {
      headers: { cookie: cookieHeader(agent, app) },
    });

    expect(reply.status).toBe(200);
    await second.close();
  });

  it('CB-1: finishes a login after 599 seconds and refuses it after 601', async () => {
    const clock = new FakeClock();
    const own = await startApp({ adapter, provider, clock });
    const agent = new UserAgent();
    const early = await openOwnLogin(own, agent);
    const late = await openOwnLogin(own, agent);

    clock.advance(599);
    const inTime = await agent.get(wayBack(early, provider));
    provider.clearRequests();
    clock.advance(2);
    const tooLate = await agent.get(wayBack(late, provider));

    expect(inTime.status).toBe(200);
    expectRefusal(tooLate, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
    await own.close();
  });
});

function cookieHeader(agent: UserAgent, { url }: TestApp): string {
  return Object.entries(agent.cookies(url))
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}
