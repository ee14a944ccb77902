import { EventEmitter, once } from 'node:events';

import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { OAuthError, OidcConfigError, type OidcAuthOptions } from '../../lib/index.js';
import { startApp, type TestApp } from '../support/app.js';
import { answerWith, closeSocket, failWith } from '../support/faults.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import type { Answer } from '../support/provider-answer.js';
import { startProvider } from '../support/provider.js';
import { entryOf, startTwoProviders } from '../support/two-providers.js';

const API = 'https://api.example.org/';

const broker: OidcAuthOptions['broker'] = { store: 'memory://', audience: 'my-api' };

describe.each([
  ['passthrough mode', {}],
  ['broker mode', { broker }],
])('a token of the application itself in %s', (_, mode) => {
  it('is one of a real provider, for the target that is named', async () => {
    const provider = await startProvider({ clientCredentials: true, resources: [API] });
    const app = await startApp({ provider, options: mode });

    const token = await app.service.clientCredentials({ resource: API, scope: 'myscope' });

    expect(decodeJwt(token)).toMatchObject({
      aud: API,
      scope: 'myscope',
      client_id: provider.clientId,
    });
    await app.close();
    await provider.close();
  });
});

describe('tokens of the application itself', () => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let given: number;
  let lifetime: unknown;

  const body = (): Answer => ({
    status: 200,
    body: {
      access_token: `token-${String((given += 1))}`,
      token_type: 'Bearer',
      ...(lifetime === 'nothing' ? {} : { expires_in: lifetime }),
    },
  });

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ provider, clock, options: { maxUpstreamCalls: 2 } });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    clock.advance(100_000); // nothing that a test left is good any more
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  function grants(expiresIn: unknown = 300): void {
    given = 0;
    lifetime = expiresIn;
    provider.behaviour.token = body;
  }

  const refusalOf = (request: object): Promise<unknown> =>
    app.service.clientCredentials(request).catch((error: unknown) => error);

  const asked = (): number => provider.requestsTo('token').length;

  it('are asked for with what is named, and the authentication of logins', async () => {
    grants();

    await app.service.clientCredentials({
      scope: ['b', 'a'],
      audience: 'orders',
      resource: [API, 'urn:x'],
    });

    const [sent] = provider.requestsTo('token');
    expect(sent?.headers.authorization).toMatch(/^Basic /);
    expect(new Set(new URLSearchParams(sent?.rawBody))).toEqual(
      new Set([
        ['grant_type', 'client_credentials'],
        ['scope', 'a b'],
        ['audience', 'orders'],
        ['resource', API],
        ['resource', 'urn:x'],
      ]),
    );
  });

  it.each([
    ['a minute less than it lives', 300, 239, 241],
    ['half of a short life', 60, 29, 31],
    ['a minute where nobody says how long', 'nothing', 59, 61],
    ['a day at most', 1e300, 86_399, 86_401],
  ])('are kept for %s', async (_, expiresIn, before, after) => {
    grants(expiresIn);

    const first = await app.service.clientCredentials();
    clock.advance(before);
    const second = await app.service.clientCredentials();
    clock.advance(after - before);
    const third = await app.service.clientCredentials();

    expect([first, second, third]).toEqual(['token-1', 'token-1', 'token-2']);
  });

  it('are not good for longer because the wall clock was set back', async () => {
    grants(300);
    const before = clock.now();
    await app.service.clientCredentials();
    clock.advance(400);
    clock.set(before);

    expect(await app.service.clientCredentials()).toBe('token-2');
  });

  it('are kept by what they are for', async () => {
    grants();
    const { service } = app;

    const tokens = [
      await service.clientCredentials({ scope: 'a b' }),
      await service.clientCredentials({ scope: ['b', 'a'] }),
      await service.clientCredentials({ scope: 'a' }),
      await service.clientCredentials({ audience: 'a' }),
      await service.clientCredentials({ resource: 'urn:a' }),
      await service.clientCredentials({ resource: ['urn:a', 'urn:a'] }),
      await service.clientCredentials({ provider: 'default', scope: 'b a' }),
    ];

    expect(tokens.map((token) => token.slice(6)).join()).toBe('1,1,2,3,4,4,1');
  });

  it('DS-2: are a hundred at most', async () => {
    grants();
    const { service } = app;
    for (let index = 0; index < 101; index += 1) {
      await service.clientCredentials({ scope: `s${index}` });
      await service.clientCredentials({ scope: 's0' }); // in use
    }

    expect(asked()).toBe(101);
    await service.clientCredentials({ scope: 's100' });
    expect(asked()).toBe(101);
    await service.clientCredentials({ scope: 's1' });
    expect(asked()).toBe(102);
  });

  it('DS-4: are asked for once, however many wait', async () => {
    grants();

    const tokens = await Promise.all(
      Array.from({ length: 20 }, () => app.service.clientCredentials()),
    );

    expect(new Set(tokens)).toEqual(new Set(['token-1']));
    expect(asked()).toBe(1);
  });

  it('DS-4: count in maxUpstreamCalls', async () => {
    grants();
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    provider.behaviour.token = async () => {
      await opened;
      return body();
    };
    const ask = (scope: string) => app.service.clientCredentials({ scope });

    await app.service.login({ redirectUri: 'http://localhost:53100/callback' }); // the metadata are there
    const results = Promise.allSettled(['1', '2', '3'].map(ask));
    const third = await ask('3').catch((error: unknown) => error);
    gate.emit('open');

    expect(third).toMatchObject({ error: 'temporarily_unavailable' });
    expect((await results).map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
    ]);
  });

  it.each([
    ['closes the connection', closeSocket('before'), 503, 'temporarily_unavailable'],
    ['answers 500', failWith(500), 503, 'temporarily_unavailable'],
    [
      'refuses our credentials',
      failWith(401, { body: { error: 'invalid_client' } }),
      502,
      'server_error',
    ],
    [
      'does not let us use the grant',
      failWith(400, { body: { error: 'unauthorized_client' } }),
      503,
      'temporarily_unavailable',
    ],
    ['refuses a scope', failWith(400, { body: { error: 'invalid_scope' } }), 502, 'server_error'],
    [
      'binds the token to a key',
      answerWith({ status: 200, body: { access_token: 'x', token_type: 'DPoP' } }),
      502,
      'server_error',
    ],
    [
      'sends no token',
      answerWith({ status: 200, body: { token_type: 'Bearer' } }),
      502,
      'server_error',
    ],
  ])('are not there when the provider %s', async (_, fault, status, code) => {
    grants();
    provider.behaviour.faults.token = fault;

    const refusal = await refusalOf({});

    expect(refusal).toBeInstanceOf(OAuthError);
    expect(refusal).toMatchObject({ error: code, status });
  });

  it('are asked for again after a failure, and not at once', async () => {
    grants();
    provider.behaviour.faults.token = failWith(500);

    await refusalOf({ scope: 'again' });
    delete provider.behaviour.faults.token;
    expect(await refusalOf({ scope: 'again' })).toBeInstanceOf(OAuthError);
    expect(asked()).toBe(1);

    clock.advance(2);
    expect(await app.service.clientCredentials({ scope: 'again' })).toBe('token-1');
  });

  it('LG-1: a refusal is in the log, without what was sent', async () => {
    grants();
    provider.behaviour.faults.token = failWith(400, { body: { error: 'invalid_scope' } });
    await app.service.clientCredentials({ scope: 'logged' }).catch(() => undefined);

    const lines = app.logs().filter((line) => line.includes('OidcService.clientCredentials'));

    expect(lines.join('\n')).toContain('invalid_scope');
  });

  it.each([
    [{ provider: 'nobody' }, 'no identity provider "nobody". Known: default'],
    [{ provider: '' }, '"provider" must be'],
    [{ scope: 'a,b' }, '"scope" must be scopes separated by spaces'],
    [{ audience: '' }, '"audience" must be'],
    [{ resource: '/orders' }, '"resource" must be an absolute URI'],
    [{ scopes: 'a' }, 'knows no "scopes". It knows provider, scope, audience, resource'],
  ])('%j is a mistake of the host', async (request: object, message) => {
    const mistake = await refusalOf(request);

    expect(mistake).toBeInstanceOf(OidcConfigError);
    expect(String(mistake)).toContain(message);
    expect(asked()).toBe(0);
  });
});

it('a public client has no tokens of its own', async () => {
  const app = await startApp({ options: { clientSecret: undefined } });

  const mistake = await app.service.clientCredentials().catch((error: unknown) => error);

  expect(String(mistake)).toContain('needs "clientSecret" or "clientKeys"');
  await app.close();
});

it('each of several providers gives its own', async () => {
  const both = await startTwoProviders();
  const app = await startApp({
    several: { providers: { default: entryOf(both.main), staff: entryOf(both.staff) } },
  });
  both.staff.behaviour.token = () => ({
    status: 200,
    body: { access_token: 'of-staff', token_type: 'Bearer', expires_in: 60 },
  });

  expect(await app.service.clientCredentials({ provider: 'staff' })).toBe('of-staff');
  expect(both.main.requestsTo('token')).toEqual([]);

  await app.close();
  await Promise.all([both.main.close(), both.staff.close()]);
});
