import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { adapters, startApp, type AdapterName, type TestApp } from '../support/app.js';
import { brokerLogin, startBrokerApp } from '../support/broker-app.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { withoutLink } from '../support/page-links.js';
import { codeForm, handleForm, openLogin, postToken } from '../support/open-login.js';
import { openOwnLogin, ownCallback, wayBack } from '../support/own-callback.js';
import { alice } from '../support/users.js';
import { UserAgent } from '../support/user-agent.js';

const query = (parameters: Record<string, string>): string =>
  new URLSearchParams(parameters).toString();

interface Scene {
  readonly app: TestApp;
  readonly provider: MisbehavingProvider;
  readonly clock: FakeClock;
}

/** A refused request, and what its line must say. */
type Refusal = [
  what: string,
  act: (scene: Scene) => Promise<Reply>,
  level: 'WARN' | 'DEBUG',
  line: string | RegExp,
];

const login = ({ app }: Scene, parameters: Record<string, string>): Promise<Reply> =>
  request(`${app.url}/auth/v2/login?${query(parameters)}`);
const callback = ({ app }: Scene, parameters: Record<string, string>): Promise<Reply> =>
  request(`${ownCallback(app)}?${query(parameters)}`);
const get = ({ app }: Scene, path: string, bearer: string): Promise<Reply> =>
  request(`${app.url}/${path}`, { bearer });

const ofRoutes: Refusal[] = [
  [
    'no redirect_uri',
    (scene) => login(scene, {}),
    'WARN',
    'GET /auth/v2/login refused (400 invalid_request): redirect_uri is missing',
  ],
  [
    'a redirect_uri that is not listed',
    (scene) => login(scene, { redirect_uri: 'https://page.example/after?code=secret-code' }),
    'WARN',
    /GET \/auth\/v2\/login refused \(400 invalid_request\): redirect_uri is not allowed: expected "http:.*\/auth\/v2\/callback", came "https:\/\/page\.example\/after\?\.\.\."; see "publicUrl", "allowedRedirectUris"$/,
  ],
  [
    'a loopback redirect_uri of another path',
    (scene) => login(scene, { redirect_uri: 'http://localhost:9000/other' }),
    'WARN',
    /came "http:\/\/localhost:9000\/other"; see "loopbackRedirects", "allowedRedirectUris"$/,
  ],
  [
    'an unknown prompt',
    (scene) => login(scene, { redirect_uri: ownCallback(scene.app), prompt: 'silent' }),
    'WARN',
    /prompt is unknown: expected "none", "login", .*, came "silent"$/,
  ],
  [
    'a scope that may not be asked for',
    (scene) => login(scene, { redirect_uri: ownCallback(scene.app), scope: 'email calendar' }),
    'WARN',
    /refused \(400 invalid_scope\): scopes that may not be asked for: expected .*"myscope".*, came "calendar"; see "scopes", "additionalScopes"$/,
  ],
  [
    'a parameter twice',
    ({ app }) => request(`${app.url}/auth/v2/login?scope=a&scope=b`),
    'WARN',
    /a repeated parameter: came "scope"$/,
  ],
  [
    'a nested parameter',
    ({ app }) => postToken(app, { 'code[]': 'x' }),
    'WARN',
    /POST \/auth\/v2\/token refused .*: a nested parameter: came "code"$/,
  ],
  [
    'a parameter that is too long',
    (scene) => login(scene, { redirect_uri: 'x'.repeat(3000) }),
    'WARN',
    /redirect_uri is malformed or too long$/,
  ],
  [
    'a callback without state',
    (scene) => callback(scene, { code: 'x' }),
    'WARN',
    'GET /auth/v2/callback refused (400 invalid_request): state is missing',
  ],
  [
    'a state that is none of ours',
    (scene) => callback(scene, { code: 'x', state: 'y' }),
    'WARN',
    /state of no login that is known here; see "encryptionKeys"; a login lives ten minutes/,
  ],
  [
    'a login that another browser began',
    async (scene) => {
      const back = wayBack(await openOwnLogin(scene.app), scene.provider);
      return new UserAgent().get(back, { follow: false });
    },
    'WARN',
    /the login cookie is missing; see "publicUrl"; a login ends in the browser that began it/,
  ],
  [
    'a login that is finished already',
    async ({ app, provider }) => {
      const own = await openOwnLogin(app);
      const back = wayBack(own, provider);
      const cookies = Object.entries(own.agent.cookies(back)).map((pair) => pair.join('='));
      const headers = { cookie: cookies.join('; ') };
      await request(back, { headers });
      return request(back, { headers });
    },
    'WARN',
    'GET /auth/v2/callback refused (400 invalid_request): the login is finished already',
  ],
  [
    'an error of the provider',
    async ({ app, provider }) => {
      const own = await openOwnLogin(app);
      const changes = { code: undefined, error: 'invalid_scope' };
      return own.agent.get(wayBack(own, provider, changes), { follow: false });
    },
    'WARN',
    /refused \(400 invalid_scope\): the provider ended the login: came "invalid_scope"; see "scopes"; it was asked for openid .*myscope/,
  ],
  [
    'no grant',
    ({ app }) => postToken(app, {}),
    'WARN',
    'POST /auth/v2/token refused (400 invalid_request): not exactly one grant: came an empty list',
  ],
  [
    'two grants',
    ({ app }) => postToken(app, { code: 'x', refresh_token: 'y' }),
    'WARN',
    /not exactly one grant: came "code", "refreshToken"$/,
  ],
  [
    'an unknown grant_type',
    ({ app }) => postToken(app, { grant_type: 'password' }),
    'WARN',
    /refused \(400 unsupported_grant_type\): grant_type is unknown: expected "authorization_code", .*, came "password"$/,
  ],
  [
    'a grant_type of another grant',
    ({ app }) => postToken(app, { grant_type: 'refresh_token', code: 'x' }),
    'WARN',
    /grant_type of another grant: expected "authorizationCode", came "refresh"$/,
  ],
  [
    'a grant that is off',
    ({ app }) => postToken(app, { subject_token: 'x' }),
    'WARN',
    /the grant is off; see "grants\.exchange"/,
  ],
  [
    'a code without redirect_uri',
    ({ app }) => postToken(app, { code: 'x' }),
    'WARN',
    'POST /auth/v2/token refused (400 invalid_request): redirect_uri is missing',
  ],
  [
    'a code without a proof',
    ({ app }) => postToken(app, { code: 'x', redirect_uri: 'http://localhost/callback' }),
    'WARN',
    /refused \(400 invalid_grant\): neither state, code_verifier nor a login cookie; send/,
  ],
  [
    'a handle that is none of ours',
    ({ app }) => postToken(app, { code: 'x', redirect_uri: 'y', code_verifier: 'z' }),
    'WARN',
    /code_verifier of no login that is known here; see "encryptionKeys"/,
  ],
  [
    'another redirect_uri than that of the login',
    async ({ app }) => {
      const form = handleForm(await openLogin(app));
      return postToken(app, { ...form, redirect_uri: 'http://localhost:1/callback' });
    },
    'WARN',
    /redirect_uri is not that of the login: expected "http:\/\/localhost:53100\/callback", came "http:\/\/localhost:1\/callback"$/,
  ],
  [
    'a code_verifier that nobody announced',
    async ({ app }) => {
      const open = await openLogin(app);
      const code_verifier = 'v'.repeat(43);
      return postToken(app, { ...codeForm(open), state: open.state, code_verifier });
    },
    'WARN',
    /a code_verifier for a code_challenge that was never sent$/,
  ],
  [
    'a login for our own callback at the token route',
    async ({ app }) => postToken(app, handleForm(await openOwnLogin(app))),
    'WARN',
    /that login ends at our own callback only$/,
  ],
  [
    'a code that the provider refuses',
    async ({ app }) => postToken(app, { ...handleForm(await openLogin(app)), code: 'another' }),
    'WARN',
    /POST \/auth\/v2\/token refused \(400 invalid_grant\): .*invalid_grant$/,
  ],
  [
    'a device that has not finished',
    async ({ app }) => {
      const device = (await request(`${app.url}/auth/v2/device`, { form: {} })).json();
      return postToken(app, { device_code: String(device['device_code']) });
    },
    'DEBUG',
    /POST \/auth\/v2\/token refused \(400 authorization_pending\)/,
  ],
  [
    'a body of another type',
    ({ app }) =>
      request(`${app.url}/auth/v2/token`, {
        body: '{}',
        headers: { 'content-type': 'application/json' },
      }),
    'WARN',
    /POST \/auth\/v2\/token refused \(400 invalid_request\): not a form in UTF-8, by its Content-Type: expected "application\/x-www-form-urlencoded", came "application\/json"$/,
  ],
  [
    'a body that is too large',
    ({ app }) =>
      request(`${app.url}/auth/v2/revoke`, {
        form: { token: 'x'.repeat(70_000) },
      }),
    'WARN',
    /POST \/auth\/v2\/revoke refused \(413 invalid_request\): the body is too large; 65536 bytes at most$/,
  ],
  [
    'a logout target that is not listed',
    ({ app }) =>
      request(`${app.url}/auth/v2/logout?${query({ post_logout_redirect_uri: '/bye?x=1' })}`),
    'WARN',
    /GET \/auth\/v2\/logout refused .*post_logout_redirect_uri is not allowed: expected "\/", came "\/bye\?\.\.\."; see "allowedPostLogoutRedirectUris"$/,
  ],
  [
    'userinfo without a token',
    ({ app }) => request(`${app.url}/auth/v2/userinfo`),
    'DEBUG',
    'GET /auth/v2/userinfo refused (401 invalid_token): A bearer token is required',
  ],
  [
    'a route that only broker mode has',
    ({ app }) => request(`${app.url}/auth/v2/introspect`, { form: { token: 'x' } }),
    'WARN',
    /refused \(404 invalid_request\): broker mode is off; see "broker"$/,
  ],
  [
    'a provider that fails',
    async ({ app, provider }) => {
      provider.behaviour.faults.token = failWith(503);
      return postToken(app, { refresh_token: 'any-refresh-token' });
    },
    'WARN',
    /POST \/auth\/v2\/token refused \(503 temporarily_unavailable\): The identity provider cannot be reached at the moment: HTTP 503$/,
  ],
];

const ofTheGuard: Refusal[] = [
  [
    'no token',
    ({ app }) => request(`${app.url}/required`),
    'DEBUG',
    'GuardedRoutes.required refused (401 invalid_token): A bearer token is required',
  ],
  [
    'an opaque token',
    (scene) => get(scene, 'required', 'opaque-token-of-a-provider'),
    'WARN',
    /GuardedRoutes\.required refused \(401 invalid_token\): not a compact JWS but an opaque token; the guard verifies JWTs/,
  ],
  [
    'a token of another issuer',
    (scene) =>
      get(scene, 'required', scene.provider.accessToken({ iss: 'https://other.example/' })),
    'WARN',
    /unknown issuer: expected "http:.*", came "https:\/\/other\.example\/"; see "discoveryUrl", "issuer", "accessTokenIssuers"$/,
  ],
  [
    'a token for another audience',
    (scene) =>
      get(scene, 'required', scene.provider.accessToken({ aud: ['account', 'other-api'] })),
    'WARN',
    'GuardedRoutes.required refused (401 invalid_token): aud: expected "my-aud", came "account", "other-api"; see "audience"',
  ],
  [
    'a token without audience',
    (scene) => get(scene, 'required', scene.provider.accessToken({ aud: undefined })),
    'WARN',
    /aud: expected "my-aud", came nothing; see "audience"$/,
  ],
  [
    'a token that is over',
    (scene) => get(scene, 'required', scene.provider.accessToken({ exp: 1_700_000_000 })),
    'WARN',
    /exp: came 1700000000; see "clockToleranceSec", "maxTokenAgeSec"; the clock here says \d+$/,
  ],
  [
    'a token of the future',
    (scene) => get(scene, 'required', scene.provider.accessToken({ nbf: 4_000_000_000 })),
    'WARN',
    /nbf: came 4000000000; .*the clock here says \d+$/,
  ],
  [
    'a key that is not published',
    (scene) => get(scene, 'required', scene.provider.accessToken({}, { kid: 'lost' })),
    'WARN',
    /no key of this issuer fits: came "lost"/,
  ],
  [
    'a token whose signature does not hold',
    (scene) => get(scene, 'required', `${scene.provider.accessToken().slice(0, -8)}AAAAAAAA`),
    'WARN',
    /GuardedRoutes\.required refused \(401 invalid_token\): .*(signature|base64url)/,
  ],
  [
    'a scope that is missing',
    (scene) => get(scene, 'scoped', scene.provider.accessToken({ scope: 'myscope' })),
    'DEBUG',
    'GuardedRoutes.scoped refused (403 insufficient_scope): scopes: missing "admin"; see @Auth({ scopes })',
  ],
  [
    'a role that is missing',
    (scene) => get(scene, 'superusers', scene.provider.accessToken()),
    'DEBUG',
    /GuardedRoutes\.superusers refused \(403 insufficient_scope\): roles: missing "superuser"; see @Auth\(\{ roles/,
  ],
  [
    'a claim that is missing',
    (scene) => get(scene, 'gold', scene.provider.accessToken()),
    'DEBUG',
    /GuardedRoutes\.gold refused .*: claim account\.tier is not there: expected "gold"; see @Auth/,
  ],
  [
    'a claim that holds something else',
    (scene) => get(scene, 'gold', scene.provider.accessToken({ account: { tier: 'tin' } })),
    'DEBUG',
    /GuardedRoutes\.gold refused .*: claim account\.tier holds other values: expected "gold"/,
  ],
  [
    'two Authorization headers',
    ({ app }) =>
      request(`${app.url}/required`, { headers: { authorization: ['Bearer a', 'Bearer b'] } }),
    'DEBUG',
    /GuardedRoutes\.required refused \(400 invalid_request\): The request has more than one Authorization header$/,
  ],
];

describe.each(adapters)('the log of refused requests on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let linesBefore = 0;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startApp({ adapter, provider, clock, controllers: [GuardedRoutes] });
    await request(`${app.url}/required`, { bearer: provider.accessToken() });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    clock.advance(61); // one line a minute
    linesBefore = app.logs().length;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const lines = (): string[] =>
    app
      .logs()
      .slice(linesBefore)
      .filter((line) => line.includes('[OidcAuth]') && line.includes(' refused ('));

  it.each([...ofRoutes, ...ofTheGuard])(
    'LG-3: has one line for %s, with the reason and what to change',
    async (_what, act, level, line) => {
      const reply = await act({ app, provider, clock });

      expect(reply.status).toBeGreaterThanOrEqual(400);
      const [told, ...more] = lines().filter((one) => one.includes(`(${reply.status} `));
      expect(more).toEqual([]);
      expect(told).toContain(` ${level} [OidcAuth] `);
      const text = withoutLink(told)
        .replace(/^.*?\[OidcAuth\] /, '')
        .replace(/ \(and \d+ more since the last line\)$/, ''); // of other tests
      if (typeof line === 'string') expect(text).toBe(line);
      else expect(text).toMatch(line);
    },
  );

  it('LG-1: has no claim that describes a person', async () => {
    const bearer = provider.accessToken({ aud: 'other', email: 'alice@example.org' });
    for (const path of ['required', 'optional', 'scoped', 'auth/v2/userinfo']) {
      await request(`${app.url}/${path}`, { bearer });
    }
    await request(`${app.url}/scoped`, { bearer: provider.accessToken() });

    const output = app.logs().slice(linesBefore).join('\n');
    expect(output).toContain('GuardedRoutes.scoped');
    expect(output).not.toMatch(new RegExp(`${alice.sub}|alice@|${alice.preferred_username}`));
  });

  it('LG-3: has a line where a token is not taken and the request goes on without claims', async () => {
    const reply = await request(`${app.url}/optional`, {
      bearer: provider.accessToken({ aud: 'x' }),
    });

    expect(reply.status).toBe(200);
    expect(app.logs().slice(linesBefore).join('\n')).toContain(
      'GuardedRoutes.optional let through as anonymous (401 invalid_token): aud: expected "my-aud", came "x"; see "audience"',
    );
  });

  it('LG-3: has none for anonymous callers of an optional handler', async () => {
    await request(`${app.url}/optional`);

    expect(app.logs().slice(linesBefore)).toEqual([]);
  });

  it('LG-3: has a line where code of the host asks for a token itself', async () => {
    const token = provider.accessToken({ aud: 'x' });

    await expect(app.service.verify(token)).rejects.toThrow();
    await expect(app.service.authenticate({ authorization: `Bearer ${token}` })).rejects.toThrow();

    expect(lines()).toEqual([
      expect.stringContaining('OidcService.verify refused (401 invalid_token): aud: expected'),
      expect.stringContaining(
        'OidcService.authenticate refused (401 invalid_token): aud: expected',
      ),
    ]);
  });

  it('LG-3: garbage of a scanner hides no real cause, and is counted', async () => {
    for (let at = 0; at < 50; at += 1) {
      await request(`${app.url}/required`, { bearer: `garbage-${at}` });
      await request(`${app.url}/required`, {
        bearer: provider.accessToken({ iss: `https://evil-${at}.example` }),
      });
      await request(
        `${app.url}/auth/v2/login?${query({ redirect_uri: `https://evil-${at}.example/` })}`,
      );
    }
    await request(`${app.url}/required`, { bearer: provider.accessToken({ aud: 'x' }) });
    await request(`${app.url}/scoped`, { bearer: provider.accessToken({ aud: 'x' }) });
    await request(`${app.url}/auth/v2/login`);

    expect(lines()).toHaveLength(6);
    expect(lines().filter((line) => line.includes('aud: expected'))).toHaveLength(2);
    expect(lines().at(-1)).toContain('redirect_uri is missing');

    clock.advance(61);
    linesBefore = app.logs().length;
    await request(`${app.url}/required`, { bearer: 'garbage' });
    expect(lines().map(withoutLink)).toEqual([
      expect.stringMatching(/opaque.* \(and 49 more since the last line\)$/),
    ]);
  });
});

describe.each(adapters)('the log of refused requests in broker mode on %s', (adapter) => {
  let provider: MisbehavingProvider;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
  });

  afterAll(() => provider.close());

  it.each<[what: string, act: (app: TestApp) => Promise<unknown>, line: RegExp]>([
    [
      'a token of the provider',
      (app) => request(`${app.url}/required`, { bearer: provider.accessToken() }),
      /GuardedRoutes\.required refused \(401 invalid_token\): unknown issuer: expected "http:\/\/localhost:\d+", "https:\/\/peer\.example", came "http:.*"; see "broker\.issuer", "broker\.trustedIssuers"$/,
    ],
    [
      'a scope that the session lacks',
      async (app) => {
        const { refreshToken } = await brokerLogin(app, { offline_access: 'true' });
        return postToken(app, { refresh_token: refreshToken, scope: 'openid calendar' });
      },
      /POST \/auth\/v2\/token refused \(400 invalid_scope\): scopes that may not be asked for: expected .*, came "calendar"; a refresh gives/,
    ],
    [
      'a refresh token that is none of ours',
      (app) => postToken(app, { refresh_token: 'none-of-ours' }),
      /POST \/auth\/v2\/token refused \(400 invalid_grant\): not a refresh token of ours$/,
    ],
    [
      'an exchange for another target',
      (app) => postToken(app, { subject_token: provider.accessToken(), audience: 'other-api' }),
      /refused \(400 invalid_target\): audience or resource of the exchange: expected "myapp-api", .*, came "other-api"; see "broker\.audience"$/,
    ],
    [
      'an exchange of a token for another audience',
      (app) => postToken(app, { subject_token: provider.accessToken({ aud: 'other' }) }),
      /refused \(400 invalid_request\): subject_token is no valid access token .*: aud: expected "my-aud", came "other"; see "audience"$/,
    ],
    [
      'introspection that is off',
      (app) => request(`${app.url}/auth/v2/introspect`, { form: { token: 'x' } }),
      /POST \/auth\/v2\/introspect refused \(404 invalid_request\): introspection is off; see "broker\.introspectionScope"$/,
    ],
    [
      'a logout token that does not hold',
      (app) => request(`${app.url}/auth/v2/backchannel-logout`, { form: { logout_token: 'x' } }),
      /POST \/auth\/v2\/backchannel-logout refused \(400 invalid_request\): .*not a compact JWS/,
    ],
    [
      'a user whose claims do not allow a login',
      async (app) => postToken(app, handleForm(await openLogin(app))),
      /POST \/auth\/v2\/token refused \(403 insufficient_scope\): claim tenant is not there: expected "acme"; see the option "claims"$/,
    ],
  ])('LG-3: has one line for %s', async (what, act, line) => {
    const app = await startBrokerApp({
      adapter,
      provider,
      options: what.startsWith('a user') ? { claims: { tenant: 'acme' } } : {},
      broker: { trustedIssuers: ['https://peer.example'] },
    });
    onTestFinished(() => app.close());

    await act(app);

    const told = app.logs().filter((one) => one.includes(' refused ('));
    expect(told.map(withoutLink)).toEqual([expect.stringMatching(line)]);
  });
});

/** Nest's own logger that writes objects. */
class JsonLogger extends ConsoleLogger {
  readonly written: unknown[] = [];

  constructor() {
    super({ json: true, logLevels: ['warn', 'debug'] });
  }

  protected override printAsJson(
    message: unknown,
    options: Parameters<ConsoleLogger['printAsJson']>[1],
  ): void {
    this.written.push(JSON.parse(JSON.stringify(this.getJsonLogObject(message, options))));
  }
}

describe('loggers that write objects', () => {
  it.each<[adapter: AdapterName]>([['express'], ['fastify']])(
    'LG-3: get one clean line for a refused request on %s',
    async (adapter) => {
      const provider = await startMisbehavingProvider();
      const logger = new JsonLogger();
      const configure = (host: INestApplication): void => host.useLogger(logger);
      const app = await startApp({ adapter, provider, controllers: [GuardedRoutes], configure });
      onTestFinished(async () => {
        await app.close();
        await provider.close();
      });

      await request(`${app.url}/scoped`, { bearer: provider.accessToken({ scope: 'myscope' }) });

      expect(logger.written).toContainEqual(
        expect.objectContaining({
          level: 'debug',
          context: 'OidcAuth',
          message:
            'GuardedRoutes.scoped refused (403 insufficient_scope): scopes: missing "admin"; see @Auth({ scopes })' +
            ' (nestjs-oidc-auth/docs/troubleshooting.md#reason-scopes)',
        }),
      );
    },
  );
});
