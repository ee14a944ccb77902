import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { OR_DPOP } from '../support/offers-proofs.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import type { OpenLogin } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { startPathProxy, type PathProxy } from '../support/path-proxy.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

const HOST = 'https://www.example.org';
const HOME = `${HOST}/console`;

/** Targets of a logout, as they are sent to the provider, and where the browser is sent without one. */
const targets: [target: string, sent: string, location: string][] = [
  ['/', `${HOME}/`, '/console/'],
  [HOME, HOME, HOME],
  [`${HOME}/`, `${HOME}/`, `${HOME}/`],
  ['/bye', `${HOME}/bye`, '/console/bye'],
  ['/bye?from=logout', `${HOME}/bye?from=logout`, '/console/bye?from=logout'],
  [`${HOST}/`, `${HOST}/`, `${HOST}/`],
];

/** Places of the host that are not this application's. */
const foreign = [
  HOST,
  `${HOST}/`,
  `${HOST}/shop`,
  `${HOST}/shop/`,
  `${HOST}/bye`,
  `${HOST}/consoles`,
  `${HOST}/console2/`,
  `${HOME}//`,
  `${HOME}/.`,
  `${HOME}/..`,
  `${HOME}/../shop`,
  `${HOME}/?x`,
  `${HOME}#x`,
  '/console',
  '/console/',
  '/console/bye',
  '/shop/',
  '/..',
  '/../shop/',
  '//www.example.org/console/',
];

describe.each(adapters)('several applications under one host on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let proxy: PathProxy;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    proxy = await startPathProxy();
  });

  afterAll(async () => {
    await proxy.close();
    await provider.close();
  });

  const start = async (options: Partial<OidcAuthOptions>): Promise<TestApp> => {
    const app = await startApp({ adapter, provider, controllers: [GuardedRoutes], options });
    onTestFinished(() => app.close());
    return app;
  };

  /** An application behind the proxy, at its public address. */
  const mount = async (path: string): Promise<{ url: string }> => {
    const app = await start({ publicUrl: proxy.url + path });
    proxy.mount(path, app.url);
    return { url: proxy.url + path };
  };

  it('each finishes its own logins, and no login at one ends those at another', async () => {
    const agent = new UserAgent();
    const [console, shop] = [await mount('/console'), await mount('/shop')];
    const atConsole: OpenLogin[] = [];
    for (let count = 0; count < 5; count += 1) atConsole.push(await openOwnLogin(console, agent));
    const atShop: OpenLogin[] = [];
    for (let count = 0; count < 5; count += 1) atShop.push(await openOwnLogin(shop, agent));

    const replies: Reply[] = [];
    for (const open of [...atConsole, ...atShop]) {
      replies.push(await agent.get(wayBack(open, provider)));
    }

    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(replies.map(({ url }) => url.pathname)).toEqual([
      ...atConsole.map(() => '/console/auth/v2/callback'),
      ...atShop.map(() => '/shop/auth/v2/callback'),
    ]);
    expect(agent.cookies(proxy.url)).toEqual({});
  });

  describe.each([HOME, `${HOME}/`])('LO-1: with the publicUrl %s a logout', (publicUrl) => {
    const allowedPostLogoutRedirectUris = ['/bye', '/bye?from=logout', `${HOST}/`];

    it('leads to paths below it, to itself in either spelling, and by default to it', async () => {
      const app = await start({ publicUrl, allowedPostLogoutRedirectUris });
      const blind = await startApp({
        adapter,
        options: { publicUrl, allowedPostLogoutRedirectUris },
      });
      onTestFinished(() => blind.close());

      for (const [target, sent, location] of targets) {
        const at = await logout(app, target);
        expect(at.location?.searchParams.get('post_logout_redirect_uri')).toBe(sent);
        expect((await logout(blind, target)).headers.get('location')).toBe(location);
      }
      const none = await logout(app);
      expect(none.location?.searchParams.has('post_logout_redirect_uri')).toBe(false);
      expect((await logout(blind)).headers.get('location')).toBe('/console/');
    });

    it('refuses every other place of the host', async () => {
      const app = await start({ publicUrl, allowedPostLogoutRedirectUris: ['/bye'] });

      for (const target of foreign) {
        expectRefusal(await logout(app, target), 400, 'invalid_request');
      }
    });
  });

  it('its protected-resource document is where the challenge says, and where RFC 9728 §3.1 puts it', async () => {
    const app = await start({ publicUrl: HOME });
    const well = '/.well-known/oauth-protected-resource';

    const challenge = (await request(`${app.url}/required`)).headers.get('www-authenticate');

    expect(challenge).toBe(`Bearer resource_metadata="${HOME}${well}"${OR_DPOP}`);
    for (const path of [well, `${well}/console`]) {
      const document = await request(app.url + path);
      expect(document.status).toBe(200);
      expect(document.json()['resource']).toBe(HOME);
    }
    expect((await request(`${app.url}${well}/shop`)).status).toBe(404);
  });
});

function logout(from: TestApp, target?: string): Promise<Reply> {
  const query = target === undefined ? {} : { post_logout_redirect_uri: target };
  return request(`${from.url}/auth/v2/logout?${new URLSearchParams(query).toString()}`);
}
