import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { answerWith, failWith, hang, html, redirectTo } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { SteppedClock } from '../support/stepped-clock.js';

const start = (app: { url: string }, form: Record<string, string> = {}): Promise<Reply> =>
  request(`${app.url}/auth/v2/device`, { form });

const hostile = [
  'javascript:alert(1)',
  'data:text/html,x',
  'http://idp.example/device',
  'http://127.0.0.1.nip.io/device',
  'http://127.0.0.1@evil.example/device',
  'https://idp.example@evil.example/device',
  'ftp://idp.example/device',
  'file:///etc/passwd',
  '//evil.example/device',
  '/device',
  'not a URL',
  '',
];

const required = ['device_code', 'user_code', 'verification_uri', 'expires_in'];

const badMembers: [name: string, value: unknown][] = [
  ...required.flatMap((name): [string, unknown][] => [
    [name, undefined],
    [name, null],
    [name, ''],
    [name, {}],
  ]),
  ['device_code', 5],
  ['user_code', 5],
  ['verification_uri', 5],
  ['verification_uri_complete', 5],
  ['expires_in', -1],
  ['expires_in', 'soon'],
  ...hostile.map((uri): [string, unknown] => ['verification_uri', uri]),
  ...hostile
    .filter((uri) => uri !== '')
    .map((uri): [string, unknown] => ['verification_uri_complete', uri]),
];

describe.each(adapters)('the device route on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    const clock = new SteppedClock();
    provider = await startMisbehavingProvider({ clock, whileWaiting: () => clock.advance(0.5) });
    app = await startApp({
      clock,
      adapter,
      provider,
      options: { timeoutMs: 500, additionalScopes: ['more'] },
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

  it('DV-4: answers what the provider said, in members of RFC 8628', async () => {
    provider.behaviour.device = (body) => ({ ...body, message: 'of Entra ID' });

    const reply = await start(app);

    expect(reply.status).toBe(200);
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.json()).toEqual({
      device_code: expect.any(String),
      user_code: expect.any(String),
      verification_uri: `${provider.issuer}/device`,
      verification_uri_complete: expect.stringContaining('user_code='),
      expires_in: 600,
      interval: 5,
    });
  });

  it('DV-4: takes a request without any body', async () => {
    const reply = await request(`${app.url}/auth/v2/device`, { method: 'POST' });

    expect(reply.status).toBe(200);
  });

  it('DV-4: does without verification_uri_complete, and takes an https address', async () => {
    provider.behaviour.device = ({ verification_uri_complete: _gone, ...body }) => ({
      ...body,
      verification_uri: 'https://idp.example/device',
    });

    const reply = await start(app);

    expect(reply.json()).toMatchObject({ verification_uri: 'https://idp.example/device' });
    expect(reply.json()).not.toHaveProperty('verification_uri_complete');
  });

  it.each([
    [undefined, 5],
    [null, 5],
    [0, 5],
    [-5, 5],
    ['soon', 5],
    [7, 7],
    ['10', 10],
    [2.5, 3],
    [0.1, 1],
  ])('DV-4: makes a whole number of the interval %j: %i', async (interval, expected) => {
    provider.behaviour.device = (body) => ({ ...body, interval });

    const reply = await start(app);

    expect(reply.json()['interval']).toBe(expected);
  });

  it.each(badMembers)('DV-4: refuses an answer with %s: %j', async (name, value) => {
    provider.behaviour.device = (body) => ({ ...body, [name]: value });

    expectRefusal(await start(app), 502, 'server_error');
  });

  it.each([
    ['a page', 502, 'server_error', html()],
    ['a redirect', 502, 'server_error', redirectTo('http://127.0.0.1:9/')],
    [
      'the refusal of our credentials',
      502,
      'server_error',
      answerWith({ status: 401, body: { error: 'invalid_client' } }),
    ],
    [
      'the refusal of a scope',
      400,
      'invalid_scope',
      answerWith({ status: 400, body: { error: 'invalid_scope' } }),
    ],
    ['500', 503, 'temporarily_unavailable', failWith(500)],
    ['429', 503, 'temporarily_unavailable', failWith(429)],
    ['no answer', 503, 'temporarily_unavailable', hang()],
  ])('DV-4: makes of %s: %i %s', async (_, status, error, fault) => {
    provider.behaviour.faults.device = fault;

    expectRefusal(await start(app), status, error);
  });

  it.each(['admin', 'openid admin', 'openidx', 'myscope,profile', 'OPENID', 'more\tmyscope'])(
    'DV-4: refuses the scope "%s"',
    async (scope) => {
      expectRefusal(await start(app, { scope }), 400, 'invalid_scope');
      expect(provider.requestsTo('device')).toEqual([]);
    },
  );

  it.each([
    [{}, 'openid myscope profile email offline_access'],
    [{ scope: '' }, 'openid myscope profile email offline_access'],
    [{ scope: 'myscope' }, 'openid myscope offline_access'],
    [{ scope: 'openid more' }, 'openid more offline_access'],
    [{ scope: ' myscope  myscope ' }, 'openid myscope offline_access'],
  ])('DV-4: asks for %j as "%s", time and again', async (form: { scope?: string }, sent) => {
    for (let round = 0; round < 3; round += 1) await start(app, form);

    const scopes = provider.requestsTo('device').map(({ body }) => body['scope']);
    expect(scopes).toEqual([sent, sent, sent]);
  });
});

describe.each(adapters)('device logins that are not to be had on %s', (adapter) => {
  it('DV-4: are 503 without an endpoint', async () => {
    const provider = await startMisbehavingProvider({
      behaviour: { metadata: ({ device_authorization_endpoint: _gone, ...rest }) => rest },
    });
    const app = await startApp({ adapter, provider });

    expectRefusal(await start(app), 503, 'temporarily_unavailable');
    await app.close();
    await provider.close();
  });

  it('DV-4: are 503 while the provider is down, and heal', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ adapter, provider });
    await start(app);

    await provider.stop();
    const during = await start(app);
    await provider.start();

    expectRefusal(during, 503, 'temporarily_unavailable');
    expect((await start(app)).status).toBe(200);
    await app.close();
    await provider.close();
  });

  it('DV-4: never ask for offline_access when that is switched off', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ adapter, provider, options: { offlineAccess: false } });

    await start(app);
    await start(app, { scope: 'offline_access myscope' });

    const scopes = provider.requestsTo('device').map(({ body }) => body['scope']);
    expect(scopes).toEqual(['openid myscope profile email', 'openid myscope']);
    await app.close();
    await provider.close();
  });
});
