import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { OidcAuthModule } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { startBrowserApp, whoIs } from '../support/browser-sessions.js';
import { codesOf } from '../support/diagnosed.js';
import { firstForm } from '../support/html-form.js';
import { request, Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT } from '../support/open-login.js';
import { startProvider } from '../support/provider.js';
import { entryOf } from '../support/two-providers.js';
import { UserAgent } from '../support/user-agent.js';
import { alice } from '../support/users.js';

const PUBLIC = 'https://app.example.org';
const CALLBACK = '/auth/v2/callback';

/** What a browser sends with a form of the provider's page. */
const navigation = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

/** A login whose provider has answered, with what the browser brings to the end of it. */
interface AnsweredLogin {
  readonly path: string;
  readonly form: Record<string, string>;
  readonly cookie: string;
}

const pairOf = (setCookie = ''): string => setCookie.split(';', 1)[0] ?? '';

/** Begins a login, and reads the form that the provider's page would send. */
async function answered(
  app: TestApp,
  query: Record<string, string> = { return_to: '/claims' },
  cookie = '',
): Promise<AnsweredLogin> {
  const parameters = new URLSearchParams(query).toString();
  const begun = await request(`${app.url}/auth/v2/login?${parameters}`, { headers: { cookie } });
  expect(begun.status, begun.text()).toBe(302);
  const page = await request(begun.location ?? '');
  const form = firstForm(page.text(), page.url);
  const [set] = begun.headers.getSetCookie();
  return {
    path: form?.action.pathname ?? '',
    form: { ...form?.fields },
    cookie: pairOf(set),
  };
}

const post = (app: TestApp, { path, form, cookie }: AnsweredLogin, headers = {}): Promise<Reply> =>
  request(`${app.url}${path}`, { form, headers: { cookie, ...headers } });

const get = (app: TestApp, { path, form, cookie }: AnsweredLogin, headers = {}): Promise<Reply> =>
  request(`${app.url}${path}?${new URLSearchParams(form).toString()}`, {
    headers: { cookie, ...headers },
  });

const sessionOf = (reply: Reply): string =>
  pairOf(reply.headers.getSetCookie().find((one) => one.startsWith('__Host-oidc-session=')));

async function who(app: TestApp, cookie: string): Promise<string> {
  const reply = await request(`${app.url}/claims`, {
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
  });
  return reply.status === 200 ? String(reply.json()['sub']) : String(reply.status);
}

describe.each(adapters)('logins by form_post on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startBrowserApp({
      adapter,
      provider,
      options: { publicUrl: PUBLIC, responseMode: 'form_post' },
    });
  });

  afterEach(() => provider.resetBehaviour());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('FP-1: ask for a form, and bind it to the browser by a cookie that comes with it', async () => {
    const reply = await request(`${app.url}/auth/v2/login?return_to=/claims`);

    expect(reply.location?.searchParams.get('response_mode')).toBe('form_post');
    expect(reply.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-oidc-login\.[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=None; Secure$/,
      ),
    ]);
  });

  it('FP-1: end by POST, with a session as strict as ever', async () => {
    const reply = await post(app, await answered(app), navigation);

    expect([reply.status, reply.location?.href]).toEqual([303, `${PUBLIC}/claims`]);
    expect(await who(app, sessionOf(reply))).toBe(alice.sub);
    const set = reply.headers.getSetCookie();
    expect(set).toHaveLength(2);
    expect(set.find((one) => one.startsWith('__Host-oidc-login.'))).toMatch(
      /=; Path=\/; Max-Age=0; HttpOnly; SameSite=None; Secure$/,
    );
    expect(set.find((one) => one.startsWith('__Host-oidc-session='))).toMatch(
      /; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(reply.headers.get('cache-control')).toBe('no-store');
  });

  it('FP-1: end with tokens too, where they are to', async () => {
    const login = await answered(app, { redirect_uri: `${PUBLIC}${CALLBACK}` });
    const reply = await post(app, login);

    expect(reply.status, reply.text()).toBe(200);
    expect(reply.json()).toHaveProperty('access_token');
  });

  it('FP-1: take no GET, which spends nothing', async () => {
    const login = await answered(app);
    const calls = provider.requestsTo('token').length;

    const plain = await get(app, login);
    const page = await get(app, login, navigation);

    expect([plain.status, plain.headers.get('allow')]).toEqual([405, 'POST']);
    expect(plain.json()).toMatchObject({ error: 'invalid_request', statusCode: 405 });
    expect([page.status, page.headers.get('allow')]).toEqual([405, 'POST']);
    expect(page.text()).toContain('<h1>The login could not be finished</h1>');
    expect(provider.requestsTo('token')).toHaveLength(calls);
    expect((await post(app, login)).status).toBe(303);
  });

  it('FP-1, CB-2: need the cookie of this browser', async () => {
    const [login, other] = [await answered(app), await answered(app)];

    const without = await post(app, { ...login, cookie: '' });
    const foreign = await post(app, { ...login, cookie: other.cookie });

    expect([without.status, foreign.status]).toEqual([400, 400]);
    expect((await post(app, login)).status).toBe(303);
    expect((await post(app, login)).status).toBe(400); // once
  });

  it('FP-1: end the session that the browser had, although the form does not bring its cookie', async () => {
    const before = sessionOf(await post(app, await answered(app)));
    expect(await who(app, before)).toBe(alice.sub);

    const next = await post(app, await answered(app, { return_to: '/claims' }, before));

    expect(await who(app, sessionOf(next))).toBe(alice.sub);
    expect(await who(app, before)).toBe('401');
  });

  it('FP-1: end no session of a browser that brought none', async () => {
    const before = sessionOf(await post(app, await answered(app)));

    await post(app, await answered(app));

    expect(await who(app, before)).toBe(alice.sub);
  });

  it('AR-3: keep no session cookie in their address', async () => {
    const before = sessionOf(await post(app, await answered(app)));
    const [, secret = ''] = before.split('=');

    const { form } = await answered(app, { return_to: '/claims' }, before);
    const huge = await answered(
      app,
      { return_to: '/claims' },
      `__Host-oidc-session=${'x'.repeat(4000)}`,
    );

    expect(form['state']).not.toContain(secret);
    expect(huge.form['state']?.length).toBeLessThan(3000);
  });

  it.each([
    ['a page, for people', navigation, 'text/html; charset=utf-8'],
    ['JSON, for programs', {}, 'application/json; charset=utf-8'],
  ])('FP-1, CB-4: give %s when the provider sends an error', async (_, headers, type) => {
    provider.behaviour.authorization = (answer) => {
      answer.delete('code');
      answer.set('error', 'access_denied');
      return answer;
    };
    const login = await answered(app);

    const reply = await post(app, login, headers);

    expect([reply.status, reply.headers.get('content-type')]).toEqual([400, type]);
    expect(reply.text()).toMatch(/access_denied/);
    expect(reply.text()).toMatch(/The login was cancelled|The request was denied/);
    const form = { state: login.form['state'] ?? '', iss: provider.issuer, code: 'late' };
    expect((await post(app, { ...login, form })).status).toBe(400); // it is over
  });

  it.each([
    ['a repeated field', 'code=a&code=b&state=x', {}, 400],
    ['a nested field', 'code[a]=1&state=x', {}, 400],
    ['an over-long field', `state=x&code=${'c'.repeat(9000)}`, {}, 400],
    ['no form', '{"code":"a"}', { 'content-type': 'application/json' }, 400],
    ['too much', `state=${'s'.repeat(70_000)}`, {}, 413],
    ['no state', 'code=a', {}, 400],
    ['a state of nobody', 'code=a&state=x', {}, 400],
  ])('FP-1, TK-2: refuse %s', async (_, body, headers, status) => {
    const reply = await request(`${app.url}${CALLBACK}`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    });

    expect([reply.status, reply.json()['error']]).toEqual([status, 'invalid_request']);
  });

  it('FP-1, TK-2: read the form alone, and no address', async () => {
    const login = await answered(app);
    const query = new URLSearchParams(login.form).toString();

    const reply = await post(app, { ...login, form: {}, path: `${login.path}?${query}` });

    expect(reply.status).toBe(400);
    expect(reply.json()['error_description']).toBe('state is missing');
  });

  it('FP-1: leave logins that end elsewhere as they are', async () => {
    const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString();

    const { location } = await request(`${app.url}/auth/v2/login?${query}`);

    expect(location?.searchParams.has('response_mode')).toBe(false);
  });
});

describe.each(adapters)('a provider by form_post beside one by query on %s', (adapter) => {
  it('FP-1: each has its own way, and takes no other', async () => {
    const provider = await startMisbehavingProvider();
    const staff = await startMisbehavingProvider();
    const app = await startApp({
      adapter,
      several: {
        providers: {
          default: entryOf(provider),
          staff: entryOf(staff, { responseMode: 'form_post' }),
        },
      },
      options: { publicUrl: PUBLIC },
    });
    const byForm = await answered(app, {
      provider: 'staff',
      redirect_uri: `${PUBLIC}${CALLBACK}/staff`,
    });
    const begun = await request(
      `${app.url}/auth/v2/login?redirect_uri=${encodeURIComponent(PUBLIC + CALLBACK)}`,
    );
    const back = await request(begun.location ?? '');
    const byQuery: AnsweredLogin = {
      path: CALLBACK,
      form: Object.fromEntries(back.location?.searchParams ?? []),
      cookie: pairOf(begun.headers.getSetCookie()[0]),
    };

    const wrong = [await post(app, byQuery), await get(app, byForm)];
    const right = [await get(app, byQuery), await post(app, byForm)];

    expect(wrong.map(({ status, headers }) => [status, headers.get('allow')])).toEqual([
      [405, 'GET'],
      [405, 'POST'],
    ]);
    expect(right.map(({ status }) => status)).toEqual([200, 200]);
    await app.close();
    await Promise.all([provider.close(), staff.close()]);
  });

  it('FP-1: options of a factory count too', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({
      adapter,
      provider,
      options: { publicUrl: PUBLIC, responseMode: 'form_post' },
      register: (options) => OidcAuthModule.forRootAsync({ useFactory: () => options }),
    });

    const login = await answered(app, { redirect_uri: `${PUBLIC}${CALLBACK}` });

    expect((await post(app, login)).status).toBe(200);
    await app.close();
    await provider.close();
  });
});

describe('form_post', () => {
  it('FP-1: logs in with the real oidc-provider', async () => {
    const provider = await startProvider({
      redirectUris: [`${PUBLIC}${CALLBACK}`],
      refreshTokens: 'always',
    });
    const app = await startBrowserApp({
      provider,
      options: { publicUrl: PUBLIC, responseMode: 'form_post' },
    });
    const agent = new UserAgent(undefined, { [PUBLIC]: app.url });

    const page = await agent.walk(
      provider.issuer,
      `${PUBLIC}/auth/v2/login?return_to=/claims`,
      ({ fields }) => ('login' in fields ? { ...fields, login: 'alice' } : fields),
    );
    const form = page instanceof Reply ? firstForm(page.text(), page.url) : undefined;
    const end = await agent.post(form?.action ?? '', form?.fields ?? {}, navigation);

    expect([end.status, end.url.pathname]).toEqual([200, '/claims']);
    expect(end.json()['sub']).toBe(alice.sub);
    await app.close();
    await provider.close();
  });

  it('FP-1: has cookies on loopback http that Chrome and Firefox bring with it', async () => {
    const provider = await startMisbehavingProvider();
    const app = await startBrowserApp({ provider, options: { responseMode: 'form_post' } });

    const login = await answered(app);
    const begun = await request(`${app.url}/auth/v2/login?return_to=/`);
    const end = await post(app, login);

    expect(begun.headers.getSetCookie()[0]).toMatch(
      /^oidc-login\.[^;]+; Path=\/; Max-Age=600; HttpOnly; SameSite=None; Secure$/,
    );
    const [removal = '', session = ''] = end.headers.getSetCookie();
    expect(removal).toMatch(/^oidc-login\..*SameSite=None; Secure$/);
    expect(session).toMatch(/^oidc-session=.*SameSite=Lax$/);
    expect(await whoIs(app, pairOf(session).split('=')[1] ?? '')).toBe(alice.sub);
    await app.close();
    await provider.close();
  });

  it('FP-1: stops start-up where browsers would not bring the cookie', async () => {
    const starting = startApp({
      options: {
        publicUrl: 'http://app.example.org',
        allowInsecureHttp: true,
        responseMode: 'form_post',
      },
    });

    await expect(starting).rejects.toThrow(/Option "responseMode" is "form_post"/);
  });

  it.each([
    [['query', 'fragment'], 'error'],
    [undefined, 'warning'],
  ])('the diagnosis holds it against the response modes %j', async (listed, severity) => {
    const provider = await startMisbehavingProvider();
    provider.behaviour.metadata = (document) => ({
      ...document,
      response_modes_supported: listed,
    });
    const app = await startApp({ provider, options: { responseMode: 'form_post' } });

    const { findings } = await app.service.diagnose();

    expect(findings.find(({ code }) => code === 'request-unlisted')).toMatchObject({ severity });
    await app.close();
    await provider.close();
  });

  it('the diagnosis has nothing against a provider that lists it', async () => {
    const provider = await startProvider();
    const app = await startApp({ provider, options: { responseMode: 'form_post' } });

    expect(codesOf(await app.service.diagnose())).toEqual([]);
    await app.close();
    await provider.close();
  });
});
