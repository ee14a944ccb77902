import { Body, Controller, Post } from '@nestjs/common';
import { IsString } from 'class-validator';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { adapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { strictValidationPipe } from '../support/validation-pipe.js';

const FORM = 'application/x-www-form-urlencoded';

class HostBody {
  @IsString()
  name = '';
}

@Controller('host')
class HostController {
  @Post()
  take(@Body() body: HostBody): object {
    return body;
  }
}

const hosts = adapters.flatMap((adapter) => [
  { adapter, host: 'parsers of its own', bodyParser: true, strictPipe: false },
  { adapter, host: 'no parsers', bodyParser: false, strictPipe: false },
  { adapter, host: 'a strict ValidationPipe', bodyParser: true, strictPipe: true },
]);

const other = 'redirect_uri=http://localhost:53100/callback&code_verifier=v';

/** Bodies that are forms, and still no requests. */
const polluted = [
  `code=a&code=b&${other}`,
  `code=a&code=a&${other}`,
  `code[a]=1&${other}`,
  `code%5Ba%5D=1&${other}`,
  `code[]=1&${other}`,
  `code[]=1&code[]=2&${other}`,
  `code[0]=1&${other}`,
  `code=1&code[]=2&${other}`,
  `code=1&code[x]=2&${other}`,
  `code=1&[code]=2&${other}`,
  `code[__proto__][polluted]=1&${other}`,
  `code[constructor][prototype][polluted]=1&${other}`,
  `refresh_token=a&refresh-token=a`,
  `refresh-token=a&refresh_token=b`,
  `refresh-token=a&refresh-token=b`,
  `device_code=a&device-code=a`,
  `device-code=a&device-code=a`,
  `code=a&redirect_uri=http://localhost/callback&redirect_uri=http://evil.example/&code_verifier=v`,
  `code=a&${other}&code_verifier=w`,
  `code=a&${other}&state=s&state=s`,
  `grant_type=refresh_token&grant_type=authorization_code&code=a&${other}`,
  `refresh_token=a&scope=openid&scope=admin`,
  `refresh_token=a&scope[$ne]=`,
];

const overLong: [field: string, longest: number, rest: string][] = [
  ['code', 8192, other],
  ['redirect_uri', 2048, 'code=a&code_verifier=v'],
  ['code_verifier', 8192, 'code=a&redirect_uri=http://localhost:53100/callback'],
  ['state', 12_288, `code=a&${other}`],
  ['grant_type', 200, `code=a&${other}`],
  ['refresh_token', 16_384, ''],
  ['refresh-token', 16_384, ''],
  ['device_code', 8192, ''],
  ['scope', 2048, 'refresh_token=a'],
];

/** Bodies that are no forms, each with a code in them that nobody may find. */
const notForms: [type: string, body: string][] = [
  ['application/json', '{"code":"a","code_verifier":"v"}'],
  ['application/json', '["code"]'],
  ['application/json', '{"code":'],
  ['application/JSON; charset=utf-8', '{"refresh_token":"a"}'],
  ['text/plain', 'refresh_token=a'],
  ['text/xml', '<code>a</code>'],
  ['text/html', 'refresh_token=a'],
  ['application/octet-stream', 'refresh_token=a'],
  ['application/x-www-form-urlencoded-not', 'refresh_token=a'],
  ['application/x-www-form-urlencoded, application/json', 'refresh_token=a'],
  [
    'multipart/form-data; boundary=b',
    '--b\r\ncontent-disposition: form-data; name=code\r\n\r\na\r\n--b--',
  ],
  ['', 'refresh_token=a'],
  ['nonsense', 'refresh_token=a'],
];

describe.each(hosts)(
  'the form of the token route on $adapter with $host',
  ({ adapter, bodyParser, strictPipe }) => {
    let provider: MisbehavingProvider;
    let app: TestApp;

    beforeAll(async () => {
      provider = await startMisbehavingProvider();
      app = await startApp({
        adapter,
        provider,
        bodyParser,
        controllers: [HostController],
        configure: (nest) => {
          if (strictPipe) nest.useGlobalPipes(strictValidationPipe());
        },
      });
    });

    afterEach(() => provider.clearRequests());

    afterAll(async () => {
      await app.close();
      await provider.close();
    });

    const post = (body: string, type = FORM, query = ''): Promise<Reply> =>
      request(`${app.url}/auth/v2/token${query}`, { body, headers: { 'content-type': type } });

    it('TK-2: takes a well-formed one', async () => {
      const login = await openLogin(app, { query: { offline_access: 'true' } });

      const first = await post(new URLSearchParams(handleForm(login)).toString());
      const token = String(first.json()['refresh_token']);
      const second = await post(`refresh-token=${token}`, `${FORM}; charset=UTF-8`);

      expect([first.status, second.status]).toEqual([200, 200]);
    });

    it('TK-2: ignores fields that it does not know', async () => {
      const login = await openLogin(app);
      const form = { ...handleForm(login), client_id: 'other', unknown: 'x', 'a-b': '1' };

      const reply = await post(new URLSearchParams(form).toString());

      expect(reply.status).toBe(200);
      const [sent] = provider.requestsTo('token');
      expect(Object.keys(sent?.body ?? {}).toSorted()).toEqual([
        'code',
        'code_verifier',
        'grant_type',
        'redirect_uri',
      ]);
    });

    it.each(polluted)('TK-2: refuses %s', async (body) => {
      expectRefusal(await post(body), 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    });

    it.each(overLong)(
      'TK-2: refuses %s of more than %i characters',
      async (field, longest, rest) => {
        const reply = await post(`${rest}&${field}=${'x'.repeat(longest + 1)}`);

        expectRefusal(reply, 400, 'invalid_request');
        expect(provider.requests).toEqual([]);
      },
    );

    it('TK-2: passes a refresh token of the full length on', async () => {
      const token = 'x'.repeat(16_384);

      expectRefusal(await post(`refresh_token=${token}`), 400, 'invalid_grant');
      expect(provider.requestsTo('token')[0]?.body['refresh_token']).toBe(token);
    });

    it.each(notForms)('TK-2: refuses a body of type "%s": %s', async (type, body) => {
      expectRefusal(await post(body, type), 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    });

    it('TK-2: refuses a body of another type that comes in chunks', async () => {
      const reply = await request(`${app.url}/auth/v2/token`, {
        body: '{"refresh_token":"a"}',
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      });

      expectRefusal(reply, 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    });

    it('TK-2: takes no parameters from the query', async () => {
      const login = await openLogin(app);
      provider.clearRequests();
      const query = `?${new URLSearchParams(handleForm(login)).toString()}`;

      const queryOnly = await post('', FORM, query);
      const split = await post(`code=${login.code}`, FORM, query);
      const bodyCounts = await post(
        new URLSearchParams(handleForm(login)).toString(),
        FORM,
        '?code=other&refresh_token=another&grant_type=password',
      );

      expectRefusal(queryOnly, 400, 'invalid_request');
      expectRefusal(split, 400, 'invalid_request');
      expect(bodyCounts.status).toBe(200);
      expect(provider.requestsTo('token')).toHaveLength(1);
    });

    it('TK-2: does not decide what becomes of the routes of the host', async () => {
      const unlisted = await request(`${app.url}/host`, { form: { name: 'x', more: 'y' } });

      // The pipe and the absence of parsers show, so we know that they are there.
      const withoutParsers = adapter === 'fastify' ? 415 : 201;
      const expected = bodyParser ? 201 : withoutParsers;
      expect(unlisted.status).toBe(strictPipe ? 400 : expected);
    });
  },
);
