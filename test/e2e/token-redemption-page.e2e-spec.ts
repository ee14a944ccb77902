import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { OidcAuthModule } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { FakeClock } from '../support/fake-clock.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  clientPkce,
  codeForm,
  handleForm,
  openLogin,
  type OpenLogin,
} from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

describe.each(adapters)('logins of pages of our own origin on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let agent: UserAgent;
  let page: string;
  let otherPage: string;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({
      adapter,
      provider,
      clock,
      register: ({ publicUrl = '', ...options }) =>
        OidcAuthModule.forRoot({
          ...options,
          publicUrl,
          routes: { callback: '/callback' },
          allowedRedirectUris: [`${publicUrl}/app/signed-in`, `${publicUrl}/other/callback`],
          loopbackRedirects: { paths: ['/callback', '/other/callback'] },
        }),
    });
    page = `${app.url}/app/signed-in`;
    otherPage = `${app.url}/other/callback`;
  });

  beforeEach(() => {
    agent = new UserAgent();
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const open = async (redirectUri = page): Promise<OpenLogin> => {
    clock.advance(1);
    return openLogin(app, { redirectUri, agent });
  };

  const post = (form: Record<string, string>, browser = agent): Promise<Reply> =>
    browser.post(`${app.url}/auth/v2/token`, form);

  const expectRefused = async (
    form: Record<string, string>,
    browser: UserAgent = agent,
  ): Promise<void> => {
    provider.clearRequests();

    expectRefusal(await post(form, browser), 400, 'invalid_grant');
    expect(provider.requests).toEqual([]);
  };

  const cookieNames = (): string[] => Object.keys(agent.cookies(app.url));

  it('TK-3: takes code and redirect_uri with the login cookie, and removes that cookie', async () => {
    const kept = await open(otherPage);
    const [keptName] = cookieNames();
    const login = await open();

    const reply = await post(codeForm(login));

    expect(reply.status).toBe(200);
    expect(reply.json()).toHaveProperty('access_token');
    expect(cookieNames()).toEqual([keptName]);
    expect(reply.headers.getSetCookie()).toHaveLength(1);
    expect((await post(codeForm(kept))).status).toBe(200);
    expect(cookieNames()).toEqual([]);
  });

  it('TK-3: refuses a browser without the cookie, whatever else it has', async () => {
    const login = await open();
    const stranger = new UserAgent();
    const { handle, state } = login;

    for (const proof of [
      {},
      { code_verifier: handle },
      { state },
      { code_verifier: handle, state },
    ]) {
      await expectRefused({ ...codeForm(login), ...proof }, stranger);
    }
    expect((await post(codeForm(login))).status).toBe(200);
  });

  it('TK-3: refuses the login of another browser', async () => {
    const victim = new UserAgent();
    const attackers = await open();
    const own = await openLogin(app, { redirectUri: page, agent: victim });

    await expectRefused({ ...codeForm(attackers), state: attackers.state }, victim);
    await expectRefused({ ...codeForm(attackers), code_verifier: attackers.handle }, victim);
    await expectRefused({ ...codeForm(own), state: attackers.state }, victim);

    expect((await post(codeForm(own), victim)).status).toBe(200);
  });

  it('TK-3: refuses an altered cookie', async () => {
    const login = await open();
    const [[name, value] = ['', '']] = Object.entries(agent.cookies(app.url));
    const [began = '', binding = '', handle = ''] = value.split('~');
    const other = binding.startsWith('A') ? `B${binding.slice(1)}` : `A${binding.slice(1)}`;
    const forged = [
      [began, other, handle],
      [began, binding.slice(1), handle],
      [began, '', handle],
      [began, login.handle, handle],
      [handle],
      [''],
    ].map((parts) => `${name}=${parts.join('~')}`);

    const renamed = name.startsWith('__Host-') ? name.slice('__Host-'.length) : `__Host-${name}`;
    for (const cookie of [...forged, `${renamed}=${value}`]) {
      for (const proof of [{}, { state: login.state }, { code_verifier: login.handle }]) {
        const reply = await request(`${app.url}/auth/v2/token`, {
          form: { ...codeForm(login), ...proof },
          headers: { cookie },
        });
        expectRefusal(reply, 400, 'invalid_grant');
      }
    }
    expect(provider.requestsTo('token')).toEqual([]);
    expect((await post(codeForm(login))).status).toBe(200);
  });

  it('TK-3: picks one of several open logins by state', async () => {
    const logins = [await open(), await open(), await open()];

    for (const login of logins) {
      const reply = await post({ ...codeForm(login), state: login.state });

      expect(reply.status).toBe(200);
    }
    expect(cookieNames()).toEqual([]);
  });

  it('TK-3: picks one of several open logins by handle', async () => {
    const logins = [await open(), await open(), await open()];

    for (const login of logins) expect((await post(handleForm(login))).status).toBe(200);
    expect(cookieNames()).toEqual([]);
  });

  it('TK-3: takes the newest for that redirect_uri when nothing picks one', async () => {
    const elsewhere = await open(otherPage);
    await open();
    const newest = await open();
    await open(otherPage);

    const reply = await post(codeForm(newest));

    // With the verifier of any other login the provider would have refused the code.
    expect(reply.status).toBe(200);
    expect(cookieNames()).toHaveLength(3);
    expectRefusal(await post(codeForm(elsewhere)), 400, 'invalid_grant');
  });

  it('TK-3: refuses a login of one page for another', async () => {
    const login = await open();

    await expectRefused({ ...codeForm(login), redirect_uri: otherPage });
    await expectRefused({ ...handleForm(login), redirect_uri: otherPage });
    await expectRefused({ ...codeForm(login), redirect_uri: otherPage, state: login.state });
  });

  it('TK-3: refuses a state or verifier that does not fit, although the cookie does', async () => {
    const login = await open();
    const { verifier } = await clientPkce();

    await expectRefused({ ...codeForm(login), state: 'x' });
    await expectRefused({ ...codeForm(login), state: login.handle });
    await expectRefused({ ...codeForm(login), code_verifier: 'x' });
    await expectRefused({ ...codeForm(login), code_verifier: verifier, state: login.state });
  });

  it('TK-3: wants the verifier beside the cookie where the page sent a challenge', async () => {
    const { verifier, query } = await clientPkce();
    const login = await openLogin(app, { redirectUri: page, agent, query });
    const { state, handle } = login;
    const stranger = new UserAgent();

    await expectRefused(codeForm(login));
    await expectRefused({ ...codeForm(login), state });
    await expectRefused({ ...codeForm(login), code_verifier: handle });
    await expectRefused({ ...codeForm(login), code_verifier: handle, state });
    await expectRefused({ ...codeForm(login), code_verifier: `${verifier}x`, state });
    await expectRefused({ ...codeForm(login), code_verifier: verifier, state }, stranger);

    const reply = await post({ ...codeForm(login), code_verifier: verifier, state });
    expect(reply.status).toBe(200);
  });

  it('TK-3: wants the cookie for a listed page that could be a loopback redirect too', async () => {
    const login = await open(otherPage);

    await expectRefused(handleForm(login), new UserAgent());
    expect((await post(handleForm(login))).status).toBe(200);
  });

  it('TK-3: refuses logins of our own callback, which then still finish there', async () => {
    const { verifier } = await clientPkce(); // a login for our callback takes no challenge that it could belong to
    const plain = await open(`${app.url}/callback`);

    for (const browser of [agent, new UserAgent()]) {
      await expectRefused(handleForm(plain), browser);
      await expectRefused({ ...codeForm(plain), state: plain.state }, browser);
      await expectRefused(codeForm(plain), browser);
      const own = { code_verifier: verifier, state: plain.state };
      await expectRefused({ ...codeForm(plain), ...own }, browser);
    }

    const { code, state } = plain;
    const parameters = new URLSearchParams({ code, state, iss: provider.issuer });
    const reply = await agent.get(`${app.url}/callback?${parameters.toString()}`);
    expect(reply.status).toBe(200);
  });
});
