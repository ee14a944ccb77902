import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type AppOptions, type TestApp } from '../support/app.js';
import type { Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { LOOPBACK_REDIRECT, handleForm, openLogin, postToken } from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { startProvider } from '../support/provider.js';
import { expectRefusal } from '../support/refusal.js';
import { UserAgent } from '../support/user-agent.js';

const wrongIssuers: [name: string, iss: (right: string) => string][] = [
  ['of another provider', () => 'https://evil.example'],
  ['with a slash more', (right) => `${right}/`],
  ['with a path more', (right) => `${right}/realms/demo`],
  ['cut', (right) => right.slice(0, -1)],
  ['in upper case', (right) => right.toUpperCase()],
  ['with https', (right) => right.replace('http:', 'https:')],
  ['under another name of the host', (right) => right.replace('127.0.0.1', 'localhost')],
  ['with a space before it', (right) => ` ${right}`],
  ['with two issuers', (right) => `${right} https://evil.example`],
  ['that is no text of an issuer', () => '__proto__'],
  ['that is too long', () => 'https://evil.example/'.padEnd(3000, 'x')],
];

describe.each(flowAdapters)('iss at the callback on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  /** Begins and ends a login at an application; the log of requests holds the end only. */
  async function finish(at: TestApp, iss: string | undefined, more = ''): Promise<Reply> {
    const agent = new UserAgent();
    const open = await openOwnLogin(at, agent);
    provider.clearRequests();
    return agent.get(wayBack(open, provider, { iss }) + more);
  }

  async function withApp(
    options: NonNullable<AppOptions['options']>,
    use: (own: TestApp) => Promise<void>,
  ): Promise<void> {
    const own = await startApp({ adapter, provider, options });
    await use(own);
    await own.close();
  }

  const unadvertised = (): void => {
    provider.behaviour.metadata = ({
      authorization_response_iss_parameter_supported: _flag,
      ...document
    }) => document;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  beforeEach(() => provider.resetBehaviour());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it.each(wrongIssuers)('CB-3: refuses an iss %s', async (_name, iss) => {
    const reply = await finish(app, iss(provider.issuer));

    expectRefusal(reply, 400, 'invalid_request');
    expect(provider.requests).toEqual([]);
  });

  it('CB-3: refuses an answer without iss, which the provider advertises', async () => {
    for (const iss of [undefined, '']) {
      const reply = await finish(app, iss);

      expectRefusal(reply, 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    }
  });

  it('CB-3: refuses a doubled iss, in either order and in brackets', async () => {
    const right = encodeURIComponent(provider.issuer);
    const doubled: [iss: string, more: string][] = [
      [provider.issuer, '&iss=https%3A%2F%2Fevil.example'],
      ['https://evil.example', `&iss=${right}`],
      [provider.issuer, `&iss=${right}`],
      [provider.issuer, '&iss[]=https%3A%2F%2Fevil.example'],
    ];

    for (const [iss, more] of doubled) {
      expectRefusal(await finish(app, iss, more), 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    }
  });

  it('CB-3: refuses an error answer of another issuer as such', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const changes = { code: undefined, error: 'access_denied', iss: 'https://evil.example' };

    expectRefusal(await agent.get(wayBack(open, provider, changes)), 400, 'invalid_request');
  });

  it('CB-3: wants no iss of a provider that does not advertise it, but holds one that comes against it', async () => {
    unadvertised();
    await withApp({}, async (own) => {
      const without = await finish(own, undefined);
      const right = await finish(own, provider.issuer);
      const wrong = await finish(own, 'https://evil.example');

      expect([without.status, right.status]).toEqual([200, 200]);
      expectRefusal(wrong, 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    });
  });

  it('CB-3: does without iss by option where a provider advertises and omits it, and refuses a wrong one', async () => {
    await withApp({ requireIssuerInCallback: false }, async (own) => {
      const without = await finish(own, undefined);
      const wrong = await finish(own, 'https://evil.example');

      expect(without.status).toBe(200);
      expectRefusal(wrong, 400, 'invalid_request');
      expect(provider.requests).toEqual([]);
    });
  });

  it('CB-3: finishes a login of the command-line client, which sends no iss, with metadata like those of Keycloak', async () => {
    const open = await openLogin(app);

    const reply = await postToken(app, handleForm(open));

    expect(reply.status).toBe(200);
    expect(provider.requestsTo('token').at(-1)?.body).not.toHaveProperty('iss');
  });

  it('CB-3: does so with oidc-provider too, which advertises and sends iss', async () => {
    const real = await startProvider();
    const own = await startApp({ adapter, provider: real });
    const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString();

    const agent = new UserAgent();
    const back = new URL(await agent.loginAt(real, `${own.url}/auth/v2/login?${query}`, 'alice'));
    const [code, state] = [back.searchParams.get('code'), back.searchParams.get('state')];
    const reply = await postToken(own, {
      code: code ?? '',
      redirect_uri: LOOPBACK_REDIRECT,
      code_verifier: state?.split('|').at(-1) ?? '',
    });

    expect(back.searchParams.get('iss')).toBe(real.issuer);
    expect(reply.status).toBe(200);
    await own.close();
    await real.close();
  });
});
