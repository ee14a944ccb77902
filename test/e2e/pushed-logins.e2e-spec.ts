import { EventEmitter, once } from 'node:events';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { answerWith, closeSocket, failWith, html, redirectTo } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, postToken } from '../support/open-login.js';
import { startProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';
import { tally } from '../support/verifier.js';

const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString();

describe.each(flowAdapters)('a provider that demands pushed logins on %s', (adapter) => {
  it('PR-1: gets them, and the browser carries a reference alone', async () => {
    const provider = await startProvider({ requirePush: true });
    const app = await startApp({ adapter, provider });
    const url = `${app.url}/auth/v2/login?${query}`;

    const { location } = await request(url);
    expect([...(location?.searchParams.keys() ?? [])].toSorted()).toEqual([
      'client_id',
      'request_uri',
    ]);
    const back = new URL(await new UserAgent().loginAt(provider, url, 'alice'));
    const state = back.searchParams.get('state') ?? '';
    const reply = await postToken(app, {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: LOOPBACK_REDIRECT,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    });

    expect(reply.status, reply.text()).toBe(200);
    expect(provider.requestsTo('/request')[0]?.body).toMatchObject({
      redirect_uri: LOOPBACK_REDIRECT,
      code_challenge_method: 'S256',
    });
    await app.close();
    await provider.close();
  });
});

describe.each(flowAdapters)('pushed logins on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      options: {
        pushedAuthorizationRequests: 'always',
        endpoints: { pushedAuthorization: `${provider.issuer}/push` },
        maxUpstreamCalls: 8,
      },
    });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const login = (more = '', options = {}): Promise<Reply> =>
    request(`${app.url}/auth/v2/login?${query}${more}`, options);
  const pushes = () => provider.requestsTo('push');

  it.each([
    ['closes the connection', closeSocket('before'), 503],
    ['answers 500', failWith(500), 503],
    ['refuses our credentials', failWith(401, { body: { error: 'invalid_client' } }), 502],
    ['refuses the request', failWith(400, { body: { error: 'invalid_request' } }), 502],
    ['refuses a scope', failWith(400, { body: { error: 'invalid_scope' } }), 502],
    ['redirects', redirectTo('https://evil.example/'), 502],
    ['sends a page', html(), 502],
    ['sends no reference', answerWith({ status: 201, body: { expires_in: 60 } }), 502],
    ['sends 200', answerWith({ status: 200, body: { request_uri: 'urn:x', expires_in: 9 } }), 502],
  ])(
    'PR-1: a provider that %s ends the login, and gets no plain request',
    async (_, fault, status) => {
      provider.behaviour.faults.push = fault;

      const reply = await login();

      expect([reply.status, reply.location]).toEqual([status, undefined]);
      expect(reply.headers.getSetCookie()).toEqual([]);
    },
  );

  it.each([
    ['HEAD', { method: 'HEAD' }],
    ['a prefetch', { headers: { 'Sec-Purpose': 'prefetch' } }],
    ['a prerendering', { headers: { 'Sec-Purpose': 'prefetch;prerender' } }],
    ['an older prefetch', { headers: { Purpose: 'prefetch' } }],
  ])('PR-1: %s pushes nothing', async (_, options) => {
    expect((await login('', options)).status).toBe(503);
    expect(pushes()).toEqual([]);
  });

  it("PR-1: a caller's request and request_uri are never handed on", async () => {
    const { location } = await login('&request_uri=urn:evil&request=evil');

    expect(location?.searchParams.get('request_uri')).toBe('urn:example:pushed');
    expect(location?.searchParams.has('request')).toBe(false);
    expect(pushes()[0]?.body).not.toHaveProperty('request');
    expect(pushes()[0]?.body).not.toHaveProperty('request_uri');
  });

  it('PR-1: a flood of logins leaves calls for refreshes', async () => {
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    const arrived = new EventEmitter();
    let underWay = 0;
    const full = once(arrived, 'full');
    provider.behaviour.faults.push = async ({ response }) => {
      underWay += 1;
      if (underWay === 2) arrived.emit('full');
      await opened;
      response.writeHead(500).end();
    };

    const flood = Array.from({ length: 20 }, () => login());
    await full;
    const refreshed = await postToken(app, {
      grant_type: 'refresh_token',
      refresh_token: provider.grantRefreshToken(),
    });
    gate.emit('open');

    expect(refreshed.status).toBe(200);
    const replies = await Promise.all(flood);
    expect(tally(replies.map(({ status }) => `${status}`))).toEqual({ 503: 20 });
    expect(pushes().length).toBeLessThan(20);
  });
});

describe('logins that are not pushed', () => {
  it.each([
    ['never', true],
    ['when required', false],
  ] as const)('%s: go plainly', async (pushedAuthorizationRequests, demanded) => {
    const provider = await startMisbehavingProvider();
    provider.behaviour.metadata = (document) => ({
      ...document,
      require_pushed_authorization_requests: demanded,
      pushed_authorization_request_endpoint: `${provider.issuer}/push`,
    });
    const app = await startApp({ provider, options: { pushedAuthorizationRequests } });

    const { location } = await request(`${app.url}/auth/v2/login?${query}`);

    expect(location?.searchParams.has('code_challenge')).toBe(true);
    expect(provider.requestsTo('push')).toEqual([]);
    await app.close();
    await provider.close();
  });
});
