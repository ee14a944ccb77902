import {
  BadRequestException,
  HttpException,
  InternalServerErrorException,
  NotFoundException,
} from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { OAuthError } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { failWith, html, type Fault } from '../support/faults.js';
import { type Reply, request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { rawRequest } from '../support/raw-request.js';
import { expectRefusal } from '../support/refusal.js';
import { allowServerError } from '../support/server-errors.js';

const CANARY = 'canary-text-that-nobody-may-see';
const SQL = `duplicate key value violates "users_pkey" ${CANARY}`;

const canaryBody = { error: CANARY, error_description: CANARY, message: CANARY, detail: CANARY };

/** What may go wrong in the hook of a host, and what the caller is told. */
const hostFaults: [what: string, status: number, error: string, fault: unknown][] = [
  ['an error', 500, 'server_error', new Error(SQL)],
  ['a TypeError', 500, 'server_error', new TypeError(CANARY)],
  ['a string', 500, 'server_error', CANARY],
  ['an object', 500, 'server_error', { status: 401, message: CANARY, response: canaryBody }],
  ['null', 500, 'server_error', null],
  ['undefined', 500, 'server_error', undefined],
  ['500 of Nest', 500, 'server_error', new InternalServerErrorException(CANARY)],
  ['504 of Nest', 504, 'server_error', new HttpException(canaryBody, 504)],
  ['503 of Nest', 503, 'temporarily_unavailable', new HttpException(canaryBody, 503)],
  ['400 of Nest', 403, 'access_denied', new BadRequestException(CANARY)],
  ['404 of Nest', 403, 'access_denied', new NotFoundException(canaryBody)],
  [
    'an OAuthError with a cause',
    400,
    'access_denied',
    new OAuthError('access_denied', 'No', { cause: new Error(SQL) }),
  ],
];

const query = (parameters: Record<string, string>): string =>
  new URLSearchParams(parameters).toString();

/** What a caller is told: the status, and the error code of a refusal in the shape of the contract. */
function outcomeOf(reply: Reply): string {
  if (reply.status === 200) return '200';
  const error = String(reply.json()['error']);
  expectRefusal(reply, reply.status, error);
  return `${reply.status} ${error}`;
}

describe.each(adapters)('error bodies on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;
  let hook: () => void;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const options = { onLogin: () => hook() };
    app = await startApp({ adapter, provider, options });
  });

  beforeEach(() => {
    hook = () => undefined;
    provider.resetBehaviour();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each(hostFaults)('HS-6: %s in a hook becomes %i %s', async (_what, status, error, fault) => {
    allowServerError();
    hook = () => {
      throw fault;
    };

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expectRefusal(reply, status, error);
    expect(reply.text()).not.toMatch(/canary|users_pkey|stack|node_modules/);
  });

  const unavailable = '503 temporarily_unavailable';
  it.each<[string, Fault, string[]]>([
    [
      'an OAuth error',
      failWith(400, { body: canaryBody }),
      Array.from({ length: 6 }, () => '502 server_error'),
    ],
    [
      'a page',
      html(),
      [
        '502 server_error',
        '400 slow_down',
        '502 server_error',
        '502 server_error',
        '502 server_error',
        '200',
      ],
    ],
    [
      'a failure',
      failWith(500, { body: canaryBody }),
      [unavailable, '400 slow_down', unavailable, unavailable, unavailable, unavailable],
    ],
  ])('HS-6: repeats nothing of %s of the provider', async (_, fault, told) => {
    provider.behaviour.faults = { token: fault, device: fault, userinfo: fault, revocation: fault };
    const anonymous = provider.accessToken({ preferred_username: undefined });

    const replies = [
      await postToken(app, { refresh_token: 'any-refresh-token' }),
      await postToken(app, { device_code: `any-device-code ${String(performance.now())}` }),
      await postToken(app, handleForm(await openLogin(app))),
      await request(`${app.url}/auth/v2/device`, { form: {} }),
      await request(`${app.url}/auth/v2/userinfo`, { bearer: anonymous }),
      await request(`${app.url}/auth/v2/revoke`, { form: { token: 'any-refresh-token' } }),
    ];

    expect(replies.map(outcomeOf)).toEqual(told);
    for (const reply of replies) expect(reply.text()).not.toMatch(/canary|upstream/);
  });

  it('HS-6: repeats nothing of the request', async () => {
    const evil = `"><script>${CANARY}</script>`;
    const url = `${app.url}/auth/v2`;

    const replies = [
      await request(`${url}/login?${query({ redirect_uri: `https://evil.example/${evil}` })}`),
      await request(
        `${url}/login?${query({ redirect_uri: 'http://localhost/callback', prompt: evil })}`,
      ),
      await request(
        `${url}/login?${query({ redirect_uri: 'http://localhost/callback', scope: evil })}`,
      ),
      await request(
        `${url}/login?${query({ redirect_uri: 'http://localhost/callback', offline_access: evil })}`,
      ),
      await request(`${url}/callback?${query({ state: evil, code: evil, iss: evil })}`),
      await request(`${url}/callback?${query({ error: evil, error_description: evil })}`),
      await request(`${url}/logout?${query({ post_logout_redirect_uri: evil })}`),
      await request(`${url}/token`, { form: { grant_type: evil } }),
      await request(`${url}/token`, {
        form: { code: evil, redirect_uri: evil, code_verifier: evil },
      }),
      await request(`${url}/token`, { form: { [evil]: evil, 'a[b]': evil } }),
      await request(`${url}/device`, { form: { scope: evil } }),
      await request(`${url}/revoke`, { form: { token_type_hint: evil } }),
      await request(`${url}/userinfo`, { headers: { authorization: `Bearer ${evil}` } }),
    ];

    expect(replies.map(outcomeOf)).toEqual([
      '400 invalid_request',
      '400 invalid_request',
      '400 invalid_scope',
      '400 invalid_request',
      '400 invalid_request',
      '400 invalid_request',
      '400 invalid_request',
      '400 unsupported_grant_type',
      '400 invalid_grant',
      '400 invalid_request',
      '400 invalid_scope',
      '400 invalid_request',
      '401 invalid_token',
    ]);
    for (const reply of replies) expect(reply.text()).not.toMatch(/canary|<script/);
  });

  it.each(['token', 'device', 'revoke'])(
    'HS-6: %s refuses more than 64 KiB with 413',
    async (route) => {
      const declared = await rawRequest(app.url, [
        `POST /auth/v2/${route} HTTP/1.1`,
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 65537',
      ]);
      const huge = await rawRequest(app.url, [
        `POST /auth/v2/${route} HTTP/1.1`,
        'Content-Type: application/x-www-form-urlencoded',
        'Content-Length: 99999999999999999',
      ]);

      for (const { status, body } of [declared, huge]) {
        expect(status).toBe(413);
        expect(JSON.parse(body)).toMatchObject({ statusCode: 413, error: 'invalid_request' });
      }
    },
  );

  it('HS-6: takes 64 KiB', async () => {
    const padding = 'x'.repeat(65_536 - 'scope=email&padding='.length);
    const reply = await request(`${app.url}/auth/v2/device`, {
      form: { scope: 'email', padding },
    });

    expect(reply.status).toBe(200);
  });

  it('HS-6: answers a body that is larger than it said, or never ends', async () => {
    const chunk = `1000\r\n${'a'.repeat(0x1000)}\r\n`;
    const { status, body } = await rawRequest(
      app.url,
      [
        'POST /auth/v2/token HTTP/1.1',
        'Content-Type: application/x-www-form-urlencoded',
        'Transfer-Encoding: chunked',
      ],
      chunk.repeat(20),
    );

    expect(status).toBe(413);
    expect(body).toContain('"error":"invalid_request"');
  });
});
