import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { OidcAuthModule } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import type { Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken, type OpenLogin } from '../support/open-login.js';
import { openOwnLogin, ownCallback, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { setCookies } from '../support/set-cookie.js';
import { UserAgent } from '../support/user-agent.js';

function cookieName({ state }: OpenLogin): string {
  return `oidc-login.${state.split('|')[0]}`;
}

describe.each(adapters)('the browser at the callback on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let page: string;

  const finish = (open: OpenLogin, cookie?: string): Promise<Reply> =>
    new UserAgent().get(
      wayBack(open, provider),
      cookie === undefined ? {} : { headers: { cookie } },
    );

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      register: (options) => {
        page = `${options.publicUrl}/signed-in`;
        return OidcAuthModule.forRoot({ ...options, allowedRedirectUris: [page] });
      },
    });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('CB-2: refuses a login that another browser began', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    provider.clearRequests();

    const stranger = await finish(open);

    expectRefusal(stranger, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
    expect((await agent.get(wayBack(open, provider))).status).toBe(200);
  });

  it('CB-2: refuses the cookie of one login with the state of another', async () => {
    const agent = new UserAgent();
    const [one, two] = [await openOwnLogin(app, agent), await openOwnLogin(app, agent)];
    const values = agent.cookies(app.url);
    const ofTwo = values[cookieName(two)] ?? '';
    provider.clearRequests();

    const replies = [
      await finish(one, `${cookieName(two)}=${ofTwo}`),
      await finish(one, `${cookieName(one)}=${ofTwo}`),
      await finish(one, `${cookieName(one)}=`),
      await finish(one, `${cookieName(one)}=m1abc~forged`),
      await finish(one, `${cookieName(one)}=forged; ${cookieName(two)}=${ofTwo}`),
    ];

    for (const reply of replies) expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('CB-2: lets an attacker not log a victim in who has a login of his own under way', async () => {
    const victim = new UserAgent();
    const own = await openOwnLogin(app, victim);
    const attackers = await openOwnLogin(app, new UserAgent());
    provider.clearRequests();

    const injected = await victim.get(wayBack(attackers, provider));
    const mixed = await victim.get(wayBack({ ...attackers, state: own.state }, provider));

    expectRefusal(injected, 400, 'invalid_request');
    expect(mixed.status).not.toBe(200); // the provider knows the code under another challenge
    expect(mixed.text()).not.toContain('access_token');
  });

  it('CB-2: ends only the cookie that the state names, and the other login still finishes', async () => {
    const agent = new UserAgent();
    const [one, two] = [await openOwnLogin(app, agent), await openOwnLogin(app, agent)];

    const reply = await agent.get(wayBack(one, provider));

    expect(reply.status).toBe(200);
    expect(setCookies(reply).map(({ name }) => name)).toEqual([cookieName(one)]);
    expect(Object.keys(agent.cookies(app.url))).toEqual([cookieName(two)]);
    expect((await agent.get(wayBack(two, provider))).status).toBe(200);
  });

  it('CB-2: ends no cookie of other logins when it refuses', async () => {
    const agent = new UserAgent();
    const mine = await openOwnLogin(app, agent);
    const foreign = await openOwnLogin(app, new UserAgent());

    await agent.get(wayBack(foreign, provider));
    await agent.get(wayBack(mine, provider, { state: `${mine.state}x` }));

    expect(Object.keys(agent.cookies(app.url))).toEqual([cookieName(mine)]);
    expect((await agent.get(wayBack(mine, provider))).status).toBe(200);
  });

  it('CB-2: refuses logins that are to end elsewhere, with their own cookie too', async () => {
    const agent = new UserAgent();
    const ofLoopback = await openLogin(app, { agent });
    const ofPage = await openLogin(app, { agent, redirectUri: page });
    provider.clearRequests();

    for (const open of [ofLoopback, ofPage]) {
      const here = { ...open, redirectUri: ownCallback(app) };
      expectRefusal(await agent.get(wayBack(here, provider)), 400, 'invalid_request');
    }
    expect(provider.requests).toEqual([]);
    expect((await postToken(app, handleForm(ofLoopback))).status).toBe(200);
  });

  it('CB-2: refuses a login that was begun for the callback at another address', async () => {
    const elsewhere = await startApp({ adapter, provider });
    const agent = new UserAgent();
    const open = await openOwnLogin(elsewhere, agent);
    provider.clearRequests();

    const reply = await agent.get(wayBack({ ...open, redirectUri: ownCallback(app) }, provider));

    expectRefusal(reply, 400, 'invalid_request'); // cookies do not tell ports apart
    expect(provider.requests).toEqual([]);
    await elsewhere.close();
  });
});
