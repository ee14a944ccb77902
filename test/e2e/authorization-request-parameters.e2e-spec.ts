import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { OidcAuthOptions } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, clientPkce } from '../support/open-login.js';
import { ownCallback } from '../support/own-callback.js';
import { expectRefusal } from '../support/refusal.js';
import { setCookies } from '../support/set-cookie.js';

const CLIENT_REDIRECT = 'https://partner.example.com/oidc/done';

const unknownPrompts = [
  'NONE',
  'LOGIN',
  'none login',
  'login none',
  'login  consent',
  'login,consent',
  'login\r\nconsent',
  'constructor',
  '__proto__',
  'x'.repeat(200),
];

const repeated = [
  'prompt=login&prompt=consent',
  'prompt=login&prompt=login',
  'prompt[]=login',
  'prompt[a]=login',
  'scope=openid&scope=admin',
  'scope[]=openid',
  'offline_access=true&offline_access=false',
  `redirect_uri=${encodeURIComponent(LOOPBACK_REDIRECT)}`,
  'redirect_uri=https%3A%2F%2Fevil.example%2Fcallback',
  'redirect-uri=https%3A%2F%2Fevil.example%2Fcallback',
  'redirect_uri[0]=https%3A%2F%2Fevil.example',
  'code_challenge=a&code_challenge=b',
];

const foreign = {
  request_uri: 'https://evil.example/request.jwt',
  request: 'e30.e30.',
  claims: '{"userinfo":{"email":null}}',
  response_mode: 'fragment',
  response_type: 'token',
  client_id: 'other-client',
  state: 'state-of-the-caller',
  nonce: 'nonce-of-the-caller',
  audience: 'other-aud',
  resource: 'https://other.example',
  acr_values: 'low',
  max_age: '0',
  login_hint: 'mallory',
  id_token_hint: 'e30.e30.',
  display: 'popup',
  registration: '{}',
  return_to: '/admin',
  dpop_jkt: 'thumbprint',
};

const badChallenges: [name: string, challenge: string | undefined, method: string | undefined][] = [
  ['without a method', 'c'.repeat(43), undefined],
  ['plain', 'c'.repeat(43), 'plain'],
  ['with a method in lower case', 'c'.repeat(43), 's256'],
  ['with an unknown method', 'c'.repeat(43), 'S512'],
  ['without a challenge', undefined, 'S256'],
  ['too short', 'c'.repeat(42), 'S256'],
  ['too long', 'c'.repeat(44), 'S256'],
  ['far too long', 'c'.repeat(128), 'S256'],
  ['with padding', `${'c'.repeat(42)}=`, 'S256'],
  ['in the alphabet of plain base64', `${'c'.repeat(42)}+`, 'S256'],
  ['with a line break at the end', `${'c'.repeat(43)}\n`, 'S256'],
];

/** What two authorization URLs have in common, if nothing spoiled the second. */
function steadyParameters(url: URL | undefined): [string, string][] {
  const changing = ['state', 'nonce', 'code_challenge'];
  return [...(url?.searchParams ?? [])].filter(([name]) => !changing.includes(name));
}

describe.each(adapters)('the parameters of the login route on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  const raw = (query: string): Promise<Reply> => request(`${app.url}/auth/v2/login?${query}`);
  const login = (query: Record<string, string>, redirectUri = LOOPBACK_REDIRECT): Promise<Reply> =>
    raw(new URLSearchParams({ redirect_uri: redirectUri, ...query }).toString());
  const sentScope = async (query: Record<string, string>): Promise<string | null | undefined> =>
    (await login(query)).location?.searchParams.get('scope');

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    const options = { additionalScopes: ['reports'], allowedRedirectUris: [CLIENT_REDIRECT] };
    app = await startApp({ adapter, provider, options });
    await login({}); // so that its metadata is known
    provider.clearRequests();
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('AR-5: asks for the scopes that the caller chose of those allowed, and always for openid', async () => {
    expect(await sentScope({})).toBe('openid myscope profile email');
    expect(await sentScope({ scope: 'email reports' })).toBe('openid email reports');
    expect(await sentScope({ scope: 'openid' })).toBe('openid');
    expect(await sentScope({ scope: '  email  email ' })).toBe('openid email');
    expect(await sentScope({ scope: 'offline_access' })).toBe('openid offline_access');
    expect(await sentScope({ scope: 'email', offline_access: 'true' })).toBe(
      'openid email offline_access',
    );
    expect(await sentScope({ offline_access: 'false' })).toBe('openid myscope profile email');
  });

  it.each(['admin', 'email admin', 'emai', 'EMAIL', 'email\tadmin', 'email,reports', '__proto__'])(
    'AR-5: refuses the scope %j',
    async (scope) => {
      const reply = await login({ scope });

      expectRefusal(reply, 400, 'invalid_scope');
      expect(provider.requests).toEqual([]);
    },
  );

  it('AR-5: forwards a known prompt, and sends none for "none"', async () => {
    const prompts = ['login', 'consent', 'select_account', 'login consent', 'none', ''];

    const replies = await Promise.all(prompts.map((prompt) => login({ prompt })));

    const sent = replies.map(({ location }) => location?.searchParams.get('prompt'));
    expect(sent).toEqual(['login', 'consent', 'select_account', 'login consent', null, null]);
  });

  it.each(unknownPrompts)('AR-5: refuses the prompt %j', async (prompt) => {
    expectRefusal(await login({ prompt }), 400, 'invalid_request');
  });

  it.each(['yes', 'TRUE', '2', 'null', 'true false'])(
    'AR-5: refuses %j for offline_access',
    async (offline_access) => {
      expectRefusal(await login({ offline_access }), 400, 'invalid_request');
    },
  );

  it.each(repeated)('AR-5: refuses the redirect URI together with %s', async (query) => {
    const first = `redirect_uri=${encodeURIComponent(LOOPBACK_REDIRECT)}`;

    expectRefusal(await raw(`${first}&${query}`), 400, 'invalid_request');
    expectRefusal(await raw(`${query}&${first}`), 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('AR-5: forwards nothing else of what the caller sent', async () => {
    const plain = await login({});
    const reply = await login(foreign);

    expect(reply.status).toBe(302);
    expect(steadyParameters(reply.location)).toEqual(steadyParameters(plain.location));
    for (const value of ['other-client', 'state-of-the-caller', 'nonce-of-the-caller', 'evil']) {
      expect(reply.location?.href).not.toContain(value);
    }
  });

  it('AR-5: sends offline_access never when the option forbids it', async () => {
    const options: Partial<OidcAuthOptions> = {
      offlineAccess: false,
      scopes: 'email offline_access',
    };
    const own = await startApp({ adapter, provider, options });
    const query = new URLSearchParams({
      redirect_uri: LOOPBACK_REDIRECT,
      offline_access: 'true',
      scope: 'email offline_access',
    });

    const replies = [
      await request(`${own.url}/auth/v2/login?${query.toString()}`),
      await request(`${own.url}/auth/v2/login?redirect_uri=${LOOPBACK_REDIRECT}`),
    ];

    const scopes = replies.map(({ location }) => location?.searchParams.get('scope'));
    expect(scopes).toEqual(['openid email', 'openid email']);
    await own.close();
  });

  it.each(badChallenges)(
    'AR-6: refuses a code challenge %s, for a web client and on loopback',
    async (_name, challenge, method) => {
      const query = {
        ...(challenge === undefined ? {} : { code_challenge: challenge }),
        ...(method === undefined ? {} : { code_challenge_method: method }),
      };

      for (const redirectUri of [CLIENT_REDIRECT, LOOPBACK_REDIRECT]) {
        expectRefusal(await login(query, redirectUri), 400, 'invalid_request');
      }
      expect(provider.requests).toEqual([]);
    },
  );

  it('AR-6: refuses a code challenge for our own callback, which nobody could hold a verifier against', async () => {
    const { query } = await clientPkce();
    const right = Object.entries(query);
    const challenges = [query, ...right.map((pair) => Object.fromEntries([pair]))];

    for (const challenge of challenges) {
      const reply = await login(challenge, ownCallback(app));
      expectRefusal(reply, 400, 'invalid_request');
      expect(setCookies(reply)).toEqual([]);
    }
    expect((await login({}, ownCallback(app))).status).toBe(302);
    expect((await login(query)).status).toBe(302);
  });

  it('AR-6: begins a login of a web client with its own challenge only, and without a cookie', async () => {
    const { query } = await clientPkce();

    const without = await login({}, CLIENT_REDIRECT);
    const reply = await login(query, CLIENT_REDIRECT);

    expectRefusal(without, 400, 'invalid_request');
    expect(without.json()['error_description']).toContain('needs code_challenge');
    expect(reply.status).toBe(302);
    expect(reply.location?.searchParams.get('redirect_uri')).toBe(CLIENT_REDIRECT);
    expect(setCookies(reply)).toEqual([]);
  });
});
