import { inspect } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { OidcAuthModule, OidcService } from '../../lib/index.js';
import { RESOLVED_OPTIONS } from '../../lib/options/options.token.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { registerSecret, secretsIn } from '../support/canary-secrets.js';
import { logEveryException } from '../support/chatty-filter.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request } from '../support/http-request.js';
import { postToken } from '../support/open-login.js';
import { ownCallback } from '../support/own-callback.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';

const ENCRYPTION_KEY = 'encryption-key-canary-of-32-characters-or-more';

const text = (parameters: Record<string, string>): string =>
  new URLSearchParams(parameters).toString();

describe.each(adapters)('the log on %s', (adapter) => {
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    registerSecret(ENCRYPTION_KEY, 'encryption key');
    provider = await startProvider();
    app = await startApp({
      adapter,
      provider,
      controllers: [GuardedRoutes],
      options: { encryptionKeys: [ENCRYPTION_KEY] },
    });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  /** Every flow there is, with a real provider. */
  const everyFlow = async (): Promise<string[]> => {
    const agent = new UserAgent();
    const callback = encodeURIComponent(ownCallback(app));
    const start = `${app.url}/auth/v2/login?offline_access=true&prompt=consent&redirect_uri=`;
    const back = await agent.loginAt(provider, `${start}${callback}`, 'alice');
    const own = (await agent.get(back)).json();
    const loopback = 'http://localhost:53100/callback';
    const caught = new URL(
      await new UserAgent().loginAt(provider, `${start}${encodeURIComponent(loopback)}`, 'bob'),
    );
    const state = caught.searchParams.get('state') ?? '';
    const cli = await postToken(app, {
      code: caught.searchParams.get('code') ?? '',
      redirect_uri: loopback,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    });
    const refresh_token = String(cli.json()['refresh_token']);
    const refreshed = (await postToken(app, { refresh_token })).json();
    const device = (await request(`${app.url}/auth/v2/device`, { form: {} })).json();
    await provider.approveDevice(String(device['user_code']));
    const polled = await postToken(app, { device_code: String(device['device_code']) });
    const bearer = String(refreshed['access_token']);
    for (const path of ['required', 'auth/v2/userinfo', 'admins', 'auth/v2/logout']) {
      await request(`${app.url}/${path}`, { bearer });
    }
    await request(`${app.url}/auth/v2/revoke`, {
      form: { token: String(refreshed['refresh_token']) },
    });
    return [own, cli.json(), refreshed, polled.json()].map((body) => String(body['access_token']));
  };

  it('LG-1: holds no secret after every flow, at any level', async () => {
    const tokens = await everyFlow();

    expect(tokens.every((token) => token.length > 100)).toBe(true);
    const output = app.logs();
    expect(output.length).toBeGreaterThan(0);
    expect(output.flatMap(secretsIn)).toEqual([]);
    for (const token of tokens) expect(output.join('\n')).not.toContain(token.slice(-40));
  });

  it('LG-1: holds nothing that came in any field of any request', async () => {
    let count = 0;
    const canary = (kind: string): string => {
      count += 1;
      const value = `canary-${adapter}-${count}-in-${kind}`;
      registerSecret(value, kind);
      return value;
    };
    const url = `${app.url}/auth/v2`;

    await request(
      `${url}/login?${text({ redirect_uri: `https://${canary('user')}@evil.example/?code=${canary('code')}#${canary('fragment')}` })}`,
    );
    await request(
      `${url}/login?${text({ redirect_uri: 'http://localhost/callback', prompt: canary('prompt') })}`,
    );
    await request(
      `${url}/callback?${text({ code: canary('code'), state: canary('state'), iss: canary('iss') })}`,
      {
        headers: {
          cookie: `oidc-login.x=${canary('cookie')}`,
          referer: `https://a/${canary('referer')}`,
        },
      },
    );
    await request(
      `${url}/callback?${text({ error: canary('error'), error_description: canary('text'), state: canary('state') })}`,
    );
    for (const name of [
      'code',
      'refresh_token',
      'device_code',
      'subject_token',
      'grant_type',
      'state',
    ]) {
      const form = {
        [name]: canary(name),
        redirect_uri: `https://evil.example/?code=${canary('code')}`,
        code_verifier: canary('verifier'),
      };
      await request(`${url}/token`, {
        form,
        headers: { authorization: `Basic ${canary('basic')}` },
      });
    }
    await request(`${url}/device`, {
      form: { scope: 'unknown', client_secret: canary('secret') },
    });
    await request(`${url}/revoke`, {
      form: { token: canary('token'), token_type_hint: canary('hint') },
    });
    await request(
      `${url}/logout?${text({ post_logout_redirect_uri: `/?x=${canary('target')}`, id_token_hint: canary('hint') })}`,
    );
    for (const path of ['auth/v2/userinfo', 'required', 'optional']) {
      await request(`${app.url}/${path}?access_token=${canary('query')}`, {
        bearer: canary('bearer'),
      });
      await request(`${app.url}/${path}`, {
        headers: { authorization: `Basic ${canary('basic')}` },
      });
    }

    expect(count).toBeGreaterThan(35);
    expect(app.logs().flatMap(secretsIn)).toEqual([]);
  });

  it('LG-1: holds no secret when a host logs every exception in full', async () => {
    const chatty = await startApp({
      adapter,
      provider,
      configure: logEveryException,
    });
    onTestFinished(() => chatty.close());
    const login = await openLoginAtRealProvider(chatty, provider);
    await postToken(chatty, { ...login, code: `${login.code}x` });
    await postToken(chatty, login);
    await postToken(chatty, { refresh_token: 'canary-of-a-refresh-token' });
    await request(`${chatty.url}/auth/v2/userinfo`, { bearer: await provider.sign({ sub: 's' }) });

    expect(chatty.logs().some((line) => line.includes('OAuthError'))).toBe(true);
    expect(chatty.logs().flatMap(secretsIn)).toEqual([]);
  });
});

async function openLoginAtRealProvider(
  app: TestApp,
  provider: TestProvider,
): Promise<{ code: string; redirect_uri: string; code_verifier: string }> {
  const redirect_uri = 'http://localhost:53100/callback';
  const url = `${app.url}/auth/v2/login?redirect_uri=${encodeURIComponent(redirect_uri)}`;
  const back = new URL(await new UserAgent().loginAt(provider, url, 'alice'));
  const state = back.searchParams.get('state') ?? '';
  return {
    redirect_uri,
    code: back.searchParams.get('code') ?? '',
    code_verifier: state.slice(state.lastIndexOf('|') + 1),
  };
}

describe('objects that a host may print', () => {
  let app: TestApp;

  beforeAll(async () => {
    const provider = await startProvider();
    app = await startApp({ provider, options: { encryptionKeys: [ENCRYPTION_KEY] } });
    await openLoginAtRealProvider(app, provider); // metadata, and with it the client's credentials, are there
    await provider.close();
  });

  afterAll(() => app.close());

  it('LG-1: show no secret of the service, the options or the module', () => {
    const printed = [
      app.service,
      app.app.get(OidcService, { strict: false }),
      app.app.get(RESOLVED_OPTIONS, { strict: false }),
      app.app.get(OidcAuthModule, { strict: false }),
    ].flatMap((value) => [
      inspect(value, { depth: Infinity }),
      inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    ]);

    expect(printed.join('\n')).toContain('[hidden]');
    expect(printed.flatMap(secretsIn)).toEqual([]);
  });

  it('LG-1: turn into JSON without a secret', () => {
    expect(JSON.stringify(app.app.get(RESOLVED_OPTIONS, { strict: false }))).toContain('[hidden]');
    const printed = [app.service, app.app.get(RESOLVED_OPTIONS, { strict: false })].map((value) =>
      JSON.stringify(value),
    );

    expect(printed.flatMap(secretsIn)).toEqual([]);
  });
});
