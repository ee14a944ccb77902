import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';

const FORM = 'application/x-www-form-urlencoded';
const routes = ['token', 'device', 'revoke'];

const hosts = adapters.flatMap((adapter) => [
  { adapter, host: 'parsers of its own', bodyParser: true },
  { adapter, host: 'no parsers', bodyParser: false },
]);

/** Forms that a host's parser would refuse, or read otherwise than we do. */
const odd: [what: string, body: string | Buffer, headers: Record<string, string>][] = [
  ['a field nested 40 deep', `code${'[a]'.repeat(40)}=1`, {}],
  ['a thousand other fields', `${'a=&'.repeat(1001)}refresh_token=a`, {}],
  ['a second code behind a thousand fields', `code=a&${'a=&'.repeat(1001)}code=b`, {}],
  ['another character set', 'refresh_token=a', { 'content-type': `${FORM}; charset=utf-7` }],
  ['an unknown encoding', 'refresh_token=a', { 'content-encoding': 'foo' }],
  ['an encoding that it has not', 'refresh_token=a', { 'content-encoding': 'gzip' }],
  [
    'five megabytes in five kilobytes',
    gzipSync(`refresh_token=${'a'.repeat(5_000_000)}`),
    { 'content-encoding': 'gzip' },
  ],
];

describe.each(hosts)('odd forms on $adapter with $host', ({ adapter, bodyParser }) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider, bodyParser });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const post = (
    route: string,
    body: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<Reply> =>
    request(`${app.url}/auth/v2/${route}`, {
      method: 'POST',
      body,
      headers: { 'content-type': FORM, ...headers },
    });

  it.each(odd)('TK-2: refuses %s with a body of ours', async (_, body, headers) => {
    const reply = await post('token', body, headers);

    expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it.each([
    ['__proto__', 'invalid_grant'], // unknown fields are left alone
    ['__proto__[polluted]', 'invalid_request'], // the bracket of a nested field is not
    ['constructor[prototype][polluted]', 'invalid_request'],
  ])('TK-2: is not disturbed by a field %s, and answers %s', async (name, error) => {
    const reply = await post('token', `${name}=1&refresh_token=a`);

    expectRefusal(reply, 400, error);
  });

  it.each(['application/json', 'text/xml'])(
    'TK-2: refuses an empty body of type %s with a body of ours',
    async (type) => {
      expectRefusal(await post('token', '', { 'content-type': type }), 400, 'invalid_request');
    },
  );

  it('TK-2: refuses a body without a length that grows too long', async () => {
    const body = `refresh_token=${'x'.repeat(2_000_000)}`;

    const reply = await post('token', body, { 'transfer-encoding': 'chunked' });

    expect(reply.status).toBe(413);
    expect(provider.requests).toEqual([]);
  });

  it('TK-2: survives a client that leaves in the middle of its form', async () => {
    const { port } = new URL(app.url);
    const head = `POST /auth/v2/token HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\n`;

    const socket = connect(Number(port), '127.0.0.1');
    socket.write(`${head}Content-Length: 100\r\n\r\nrefresh_token=a`);
    await once(socket, 'connect');
    socket.destroy();
    await once(socket, 'close');
    const next = await post('token', 'refresh_token=b');

    expectRefusal(next, 400, 'invalid_grant');
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it.each(routes)('TK-2: refuses JSON and repeated fields on the %s route', async (route) => {
    const json = await post(route, '{"token":"a"}', { 'content-type': 'application/json' });
    const repeated = await post(route, 'token=a&token=b&scope=a&scope=b&code=a&code=b');
    const nested = await post(route, 'token[a]=a&scope[a]=b&code[a]=c');

    for (const reply of [json, repeated, nested]) expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it.each([
    ['device', 'scope', 2048],
    ['revoke', 'token', 16_384],
    ['revoke', 'token_type_hint', 100],
  ])(
    'TK-2: refuses on the %s route %s of more than %i characters',
    async (route, name, longest) => {
      const body = `${name === 'token' ? '' : 'token=a&'}${name}=${'x'.repeat(longest + 1)}`;

      expectRefusal(await post(route, body), 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    },
  );

  it.each(routes)('TK-2: takes nothing from the query of the %s route', async (route) => {
    const reply = await request(
      `${app.url}/auth/v2/${route}?token=a&refresh_token=a&scope=unlisted`,
      { form: {} },
    );

    if (route === 'device') expect(reply.status).toBe(200);
    else expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requestsTo('token')).toEqual([]);
    expect(provider.requestsTo('revocation')).toEqual([]);
  });
});
