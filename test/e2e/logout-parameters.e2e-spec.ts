import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerLogin, guarded, startBrokerApp } from '../support/broker-app.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { TEST_CLIENT_ID } from '../support/provider-options.js';

const TARGET = '{post_logout_redirect_uri}';
const ELSEWHERE = 'https://www.example.org/bye?from=app&x=$&';

type Query = Readonly<Record<string, string>>;

async function logoutUrl(app: TestApp, query: Query = {}, bearer?: string): Promise<URL> {
  const path = `/auth/v2/logout?${new URLSearchParams(query).toString()}`;
  const reply = await request(`${app.url}${path}`, bearer === undefined ? {} : { bearer });
  expect(reply.status, reply.text()).toBe(302);
  return reply.location ?? reply.url;
}

const queryOf = ({ searchParams }: URL): Query => Object.fromEntries(searchParams);

describe.each(flowAdapters)('fixed parameters of the end-session URL on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  beforeEach(() => {
    provider.resetBehaviour();
  });

  afterAll(() => provider.close());

  async function start(logoutParameters: OidcAuthOptions['logoutParameters']): Promise<TestApp> {
    const allowedPostLogoutRedirectUris = ['/bye', ELSEWHERE];
    const options = { allowedPostLogoutRedirectUris, logoutParameters };
    const app = await startApp({ adapter, provider, options });
    onTestFinished(() => app.close());
    return app;
  }

  it.each<
    [
      name: string,
      parameters: Record<string, string>,
      query: Query,
      expected: (url: string) => Query,
    ]
  >([
    ['none', {}, {}, () => ({})],
    ['a fixed one', { ui: 'x y&z' }, {}, () => ({ ui: 'x y&z' })],
    ['the default target', { logout_uri: TARGET }, {}, (url) => ({ logout_uri: `${url}/` })],
    [
      'a path',
      { logout_uri: TARGET },
      { post_logout_redirect_uri: '/bye' },
      (url) => ({ logout_uri: `${url}/bye`, post_logout_redirect_uri: `${url}/bye` }),
    ],
    [
      'a URL',
      { returnTo: TARGET, federated: '' },
      { post_logout_redirect_uri: ELSEWHERE },
      () => ({ returnTo: ELSEWHERE, federated: '', post_logout_redirect_uri: ELSEWHERE }),
    ],
    [
      'a target inside a value, twice',
      { next: `a=${TARGET}&b=${TARGET}` },
      { post_logout_redirect_uri: '/bye', state: 's' },
      (url) => ({
        next: `a=${url}/bye&b=${url}/bye`,
        post_logout_redirect_uri: `${url}/bye`,
        state: 's',
      }),
    ],
  ])('LO-4: %s', async (_name, parameters, query, expected) => {
    const app = await start(parameters);

    const url = await logoutUrl(app, query);

    expect(queryOf(url)).toEqual({ client_id: TEST_CLIENT_ID, ...expected(app.url) });
  });

  it("LO-4: stand beside the endpoint's own query", async () => {
    provider.behaviour.metadata = (document) => ({
      ...document,
      end_session_endpoint: `${provider.issuer}/logout?p=policy`,
    });
    const app = await start({ logout_uri: TARGET });

    expect(queryOf(await logoutUrl(app))).toMatchObject({ p: 'policy', logout_uri: `${app.url}/` });
  });

  it('LO-1: go nowhere without an end-session endpoint', async () => {
    provider.behaviour.metadata = ({ end_session_endpoint: _gone, ...document }) => document;
    const app = await start({ logout_uri: TARGET });

    expect((await logoutUrl(app)).href).toBe(`${app.url}/`);
  });
});

describe.each(flowAdapters)('the ID token in the end-session URL on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startBrokerApp({ adapter, provider });
  });

  beforeEach(() => {
    provider.resetBehaviour();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** The URL of a logout whose session has an ID token that is so much longer than usual. */
  async function logoutWith(padding: number, query: Query = {}): Promise<URL> {
    provider.behaviour.idToken = {
      claims: (claims) => ({ ...claims, groups: ['x'.repeat(padding)] }),
    };
    const { accessToken } = await brokerLogin(app);
    const url = await logoutUrl(app, query, accessToken);
    expect(await guarded(app, accessToken)).toBe('401 invalid_token'); // the session ended all the same
    return url;
  }

  it('LO-4: is sent as long as the URL has 3,000 characters at most', async () => {
    const usual = (await logoutWith(0)).href.length;
    let longest = 0;
    for (let padding = Math.floor(((2990 - usual) * 3) / 4); longest === 0; padding += 1) {
      const { href, searchParams } = await logoutWith(padding);
      if (searchParams.has('id_token_hint')) expect(href.length).toBeLessThanOrEqual(3000);
      else longest = padding;
    }

    const { searchParams } = await logoutWith(longest - 1);
    expect(searchParams.get('id_token_hint')?.length).toBeGreaterThan(2500);
  });

  it.each([3000, 20_000, 60_000])(
    'LO-4: is left out when it is %d characters longer, and the rest is sent',
    async (padding) => {
      const url = await logoutWith(padding, { post_logout_redirect_uri: '/', state: 's' });

      expect(queryOf(url)).toEqual({
        client_id: TEST_CLIENT_ID,
        post_logout_redirect_uri: `${app.url}/`,
        state: 's',
      });
    },
  );

  it('LO-4: is left out where what the caller sends makes the URL too long', async () => {
    const padding = 1000;
    const state = 's'.repeat(1000);

    expect((await logoutWith(padding)).searchParams.has('id_token_hint')).toBe(true);
    const url = await logoutWith(padding, { state });

    expect(queryOf(url)).toEqual({ client_id: TEST_CLIENT_ID, state });
  });
});
