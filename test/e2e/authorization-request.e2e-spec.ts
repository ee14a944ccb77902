import { createHash } from 'node:crypto';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  handleForm,
  LOOPBACK_REDIRECT,
  clientPkce,
  openLogin,
  postToken,
} from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

const disguised = [
  'https://evil.example/callback',
  'http://localhost@evil.example/callback',
  'http://localhost:53100\\@evil.example/callback',
  'http://127.0.0.1.nip.io/callback',
  'http://2130706433/callback',
  'http://localhost%2eevil.example/callback',
  'http://localhost:53100/x/../callback',
  'http://localhost:53100/call\tback',
  'http://l\u043ecalhost:53100/callback',
  'HTTP://LOCALHOST:53100/callback',
  'http://localhost:53100/callback?next=1',
  'http://localhost:53100/callback\r\nSet-Cookie: a=b',
  'https://app.example.org:443/signed-in',
  'javascript:alert(1)',
  '/auth/v2/callback',
];

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

describe.each(flowAdapters)('the authorization request on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  const login = (query: Record<string, string>): Promise<Reply> =>
    request(`${app.url}/auth/v2/login?${new URLSearchParams(query).toString()}`);

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const options = { allowedRedirectUris: ['https://app.example.org/signed-in'] };
    app = await startApp({ adapter, provider, options });
  });

  afterEach(() => {
    provider.clearRequests();
    provider.resetBehaviour();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('AR-1: sends the browser to the provider with exactly the parameters of a login', async () => {
    const reply = await login({ redirect_uri: LOOPBACK_REDIRECT });

    const url = reply.location;
    expect(reply.status).toBe(302);
    expect(`${url?.origin}${url?.pathname}`).toBe(`${provider.issuer}/authorize`);
    expect(Object.fromEntries(url?.searchParams ?? [])).toEqual({
      response_type: 'code',
      client_id: 'my-client',
      redirect_uri: LOOPBACK_REDIRECT,
      scope: 'openid myscope profile email',
      state: expect.any(String),
      nonce: expect.any(String),
      code_challenge: expect.any(String),
      code_challenge_method: 'S256',
    });
  });

  it.each(disguised)('AR-1: refuses the redirect URI %j and redirects nowhere', async (uri) => {
    await login({ redirect_uri: LOOPBACK_REDIRECT });
    provider.clearRequests();

    const reply = await login({ redirect_uri: uri });

    expectRefusal(reply, 400, 'invalid_request');
    const disguises = uri !== 'https://evil.example/callback';
    expect(reply.text().includes('evil')).toBe(!disguises);
    expect(provider.requests).toEqual([]);
  });

  it('AR-1: refuses a login without a redirect URI', async () => {
    expectRefusal(await login({}), 400, 'invalid_request');
    expectRefusal(await login({ redirect_uri: '' }), 400, 'invalid_request');
  });

  it('AR-2: sends a fresh S256 challenge with each login, and its verifier with the code', async () => {
    const challenges: (string | undefined)[] = [];
    const logins = [await openLogin(app), await openLogin(app)];
    for (const { query } of provider.requestsTo('authorization')) {
      challenges.push(query['code_challenge']);
    }

    for (const open of logins) {
      expect((await postToken(app, handleForm(open))).status).toBe(200);
    }

    const verifiers = provider.requestsTo('token').map(({ body }) => body['code_verifier'] ?? '');
    expect(new Set(challenges).size).toBe(2);
    expect(verifiers.map(sha256)).toEqual(challenges);
    for (const verifier of verifiers) expect(verifier).toMatch(/^[A-Za-z0-9._~-]{43,128}$/);
  });

  it('AR-2: keeps the challenge of a client to itself and sends its own', async () => {
    const { query } = await clientPkce();

    const reply = await login({ redirect_uri: LOOPBACK_REDIRECT, ...query });

    const parameters = reply.location?.searchParams;
    expect(parameters?.getAll('code_challenge')).toHaveLength(1);
    expect(parameters?.get('code_challenge')).not.toBe(query['code_challenge']);
  });

  it.each([
    ['no method at all', undefined],
    ['plain only', ['plain']],
    ['nothing', []],
  ])(
    'AR-2: uses S256 when the metadata lists %s, with and without a secret',
    async (_, methods) => {
      provider.behaviour.metadata = (document) => ({
        ...document,
        code_challenge_methods_supported: methods,
      });
      for (const clientSecret of [provider.clientSecret, undefined]) {
        const encryptionKeys = ['an-encryption-key-for-this-one-test'];
        const own = await startApp({
          adapter,
          provider,
          options: { clientSecret, encryptionKeys },
        });

        const reply = await postToken(own, handleForm(await openLogin(own)));

        const [sent] = provider.requestsTo('authorization').slice(-1);
        expect(sent?.query['code_challenge_method']).toBe('S256');
        expect(reply.status).toBe(200);
        await own.close();
      }
    },
  );

  it('AR-6: keeps the query that the authorization endpoint has of its own', async () => {
    provider.behaviour.metadata = (document) => ({
      ...document,
      authorization_endpoint: `${provider.issuer}/authorize?p=B2C_1_login&hint=a%20b`,
    });
    const own = await startApp({ adapter, provider });

    const open = await openLogin(own);

    const [sent] = provider.requestsTo('authorization');
    expect(sent?.query).toMatchObject({
      p: 'B2C_1_login',
      hint: 'a b',
      response_type: 'code',
      redirect_uri: LOOPBACK_REDIRECT,
    });
    expect((await postToken(own, handleForm(open))).status).toBe(200);
    await own.close();
  });
});

describe.each(flowAdapters)('the authorization request to oidc-provider on %s', (adapter) => {
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startProvider();
    app = await startApp({ adapter, provider });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('AR-2: lets a provider that demands PKCE refuse a login whose challenge was taken away', async () => {
    const agent = new UserAgent();
    const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString();
    const begun = await agent.get(`${app.url}/auth/v2/login?${query}`, { follow: false });
    const stripped = new URL(begun.location ?? '');
    stripped.searchParams.delete('code_challenge');
    stripped.searchParams.delete('code_challenge_method');

    const refused = new URL(await agent.loginAt(provider, stripped, 'alice'));
    const whole = new URL(await agent.loginAt(provider, begun.location ?? '', 'alice'));

    expect(refused.searchParams.get('error')).toBe('invalid_request');
    expect(refused.searchParams.has('code')).toBe(false);
    expect(whole.searchParams.has('code')).toBe(true);
  });

  it('AR-6: adds the parameters to a given authorization endpoint with a query of its own', async () => {
    const authorization = `${provider.issuer}/auth?ui=dark`;
    const own = await startApp({ adapter, provider, options: { endpoints: { authorization } } });
    const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString();

    const back = await new UserAgent().loginAt(
      provider,
      `${own.url}/auth/v2/login?${query}`,
      'bob',
    );

    expect(new URL(back).searchParams.has('code')).toBe(true);
    await own.close();
  });
});
