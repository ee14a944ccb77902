import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { OidcAuthModule, OidcConfigError, type OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, openLogin, type OpenLogin } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { setCookies } from '../support/set-cookie.js';
import { UserAgent } from '../support/user-agent.js';

const PAGE_PATH = '/signed-in';
const INTERNAL = 'http://app.internal';
const PUBLIC = 'https://app.example.org';

describe.each(adapters)('the login cookie on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let page: string;

  const login = (redirectUri: string, at = app.url): Promise<Reply> =>
    request(`${at}/auth/v2/login?${new URLSearchParams({ redirect_uri: redirectUri }).toString()}`);
  const redeemOnPage = (agent: UserAgent, { code, state }: OpenLogin): Promise<Reply> =>
    agent.post(`${app.url}/auth/v2/token`, { code, redirect_uri: page, state });

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      register: (options) => {
        page = `${options.publicUrl}${PAGE_PATH}`;
        return OidcAuthModule.forRoot({ ...options, allowedRedirectUris: [page] });
      },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** An application behind a proxy that ends TLS, and a browser that sees it there. */
  const startAtPublicUrl = async (
    publicUrl: string,
    options: Partial<OidcAuthOptions> = {},
  ): Promise<{ own: TestApp; agent: UserAgent }> => {
    const own = await startApp({ adapter, provider, options: { publicUrl, ...options } });
    onTestFinished(() => own.close());
    return { own, agent: new UserAgent(undefined, { [publicUrl]: own.url }) };
  };

  it('AR-4: is one for each login that ends on our own origin, host-bound and for ten minutes', async () => {
    const securePage = `${PUBLIC}${PAGE_PATH}`;
    const { own } = await startAtPublicUrl(PUBLIC, { allowedRedirectUris: [securePage] });

    for (const redirectUri of [`${PUBLIC}/auth/v2/callback`, securePage]) {
      const reply = await login(redirectUri, own.url);

      const id = reply.location?.searchParams.get('state')?.split('|')[0] ?? '';
      expect(setCookies(reply)).toEqual([
        {
          name: `__Host-oidc-login.${id}`,
          value: expect.stringMatching(/^[\w.~-]+$/),
          attributes: {
            path: '/',
            'max-age': '600',
            httponly: '',
            samesite: 'Lax',
            secure: '',
          },
        },
      ]);
    }
  });

  it('AR-4: stays below what browsers keep', async () => {
    const [header = ''] = (await login(page)).headers.getSetCookie();

    expect(header.length).toBeLessThan(2048); // five of them still fit into one header
  });

  it('AR-4: is not set for a loopback client, and not by a refusal', async () => {
    expect(setCookies(await login(LOOPBACK_REDIRECT))).toEqual([]);
    expectRefusal(await login('https://evil.example/'), 400, 'invalid_request');
  });

  it('AR-4: is kept for the last five of six logins of a browser at our callback, which all finish', async () => {
    const agent = new UserAgent();
    const logins: OpenLogin[] = [];
    for (let count = 0; count < 6; count += 1) logins.push(await openOwnLogin(app, agent));

    const replies: Reply[] = [];
    for (const open of logins) replies.push(await agent.get(wayBack(open, provider)));

    const [first, ...others] = replies;
    if (first !== undefined) expectRefusal(first, 400, 'invalid_request');
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(agent.cookies(app.url)).toEqual({});
  });

  it('AR-4: is kept for the last five of six logins of a browser at a page, which all finish', async () => {
    const agent = new UserAgent();
    const logins: OpenLogin[] = [];
    for (let count = 0; count < 6; count += 1) {
      logins.push(await openLogin(app, { agent, redirectUri: page }));
    }

    const replies: Reply[] = [];
    for (const open of logins) replies.push(await redeemOnPage(agent, open));

    const [first, ...others] = replies;
    if (first !== undefined) expectRefusal(first, 400, 'invalid_grant');
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(agent.cookies(app.url)).toEqual({});
  });

  it('AR-4: finishes a login of a page only in the browser that began it', async () => {
    const agent = new UserAgent();
    const open = await openLogin(app, { agent, redirectUri: page });
    provider.clearRequests();

    const foreign = await redeemOnPage(new UserAgent(), open);

    expectRefusal(foreign, 400, 'invalid_grant');
    expect(provider.requests).toEqual([]);
    expect((await redeemOnPage(agent, open)).status).toBe(200);
  });

  it('AR-4: does not count under a name that browsers do not guard as they do the prefix', async () => {
    const { own, agent } = await startAtPublicUrl(PUBLIC);
    const open = await openOwnLogin({ url: PUBLIC }, agent);
    provider.clearRequests();
    const cookies = Object.entries(agent.cookies(PUBLIC));
    const [name, value] = cookies.flat();
    const names = [
      name?.replace('__Host-', ''),
      name?.replace('__Host-', '__Secure-'),
      name?.replace('__Host-', '__host-'),
      `\u00a0${name}`, // trimmed as white space by JavaScript, not by browsers
      `\u0085${name}`,
      `x${name}`,
      `"${name}`,
    ];

    for (const tossed of names) {
      const headers = { cookie: `${tossed}=${value}` };
      const reply = await request(wayBack(open, provider).replace(PUBLIC, own.url), { headers });
      expectRefusal(reply, 400, 'invalid_request');
    }
    expect(provider.requests).toEqual([]);
    expect((await agent.get(wayBack(open, provider))).status).toBe(200);
  });

  it('AR-4: has neither prefix nor Secure on loopback http, where Safari drops such cookies, and works', async () => {
    const agent = new UserAgent();

    const open = await openOwnLogin(app, agent);
    const names = Object.keys(agent.cookies(app.url));
    const reply = await agent.get(wayBack(open, provider));

    const id = open.state.split('|')[0] ?? '';
    expect(names).toEqual([`oidc-login.${id}`]);
    expect(reply.status).toBe(200);
    expect(setCookies(reply)).toEqual([
      {
        name: `oidc-login.${id}`,
        value: '',
        attributes: { path: '/', 'max-age': '0', httponly: '', samesite: 'Lax' },
      },
    ]);
  });

  it('AR-4: works over http outside loopback with allowInsecureHttp', async () => {
    const { agent } = await startAtPublicUrl(INTERNAL, { allowInsecureHttp: true });

    const open = await openOwnLogin({ url: INTERNAL }, agent);
    const reply = await agent.get(wayBack(open, provider));

    expect(open.state).toContain(`|${INTERNAL}/auth/v2/callback|`);
    expect(reply.status).toBe(200);
  });

  it('AR-4: of two cookies of its name the first counts, which browsers send for the longer path', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const [[name, value] = []] = Object.entries(agent.cookies(app.url));
    provider.clearRequests();

    for (const forged of ['m1abc~forged', '']) {
      const headers = { cookie: `${name}=${forged}; ${name}=${value}` };
      const reply = await request(wayBack(open, provider), { headers });
      expectRefusal(reply, 400, 'invalid_request');
    }
    expect(provider.requests).toEqual([]);

    const headers = { cookie: `${name}=${value}; ${name}=m1abc~forged; ${name}=` };
    expect((await request(wayBack(open, provider), { headers })).status).toBe(200);
  });

  it('AR-4: stops start-up for an http publicUrl outside loopback', async () => {
    const starting = startApp({ adapter, provider, options: { publicUrl: INTERNAL } });

    await expect(starting).rejects.toThrow(OidcConfigError);
    await expect(starting).rejects.toThrow(/publicUrl.*allowInsecureHttp/);
  });
});
