import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  clientPkce,
  handleForm,
  LOOPBACK_REDIRECT,
  openLogin,
  postToken,
} from '../support/open-login.js';
import { openOwnLogin, wayBack } from '../support/own-callback.js';
import { setCookies } from '../support/set-cookie.js';
import { UserAgent } from '../support/user-agent.js';

const LOGINS = 2000;

/** A URL as it is, decoded, and with every part of a token or handle decoded too. */
function everythingIn(url: string): string {
  const decoded = decodeURIComponent(url);
  const parts = decoded.split(/[^\w-]+/).filter((part) => part.length > 10);
  const contents = parts.map((part) => Buffer.from(part, 'base64url').toString('latin1'));
  return [url, decoded, ...contents].join('\n');
}

describe.each(flowAdapters)('the state of a login on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({ adapter, provider });
  });

  afterEach(() => provider.clearRequests());

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('AR-3: is random, redirect URI and handle, so that what follows the last bar finishes the login', async () => {
    const open = await openLogin(app);
    const handle = open.state.split('|').at(-1) ?? '';

    const reply = await postToken(app, {
      code: open.code,
      redirect_uri: open.redirectUri,
      grant_type: 'authorization_code',
      code_verifier: handle,
    });

    expect(open.state.split('|')).toEqual([
      expect.stringMatching(/^[\w-]{22,}$/), // 128 bits and more
      LOOPBACK_REDIRECT,
      expect.stringMatching(/^[\w.-]+$/),
    ]);
    expect(reply.status).toBe(200);
  });

  it('AR-3: brings the verifier of a loopback login into no URL, and the nonce not back', async () => {
    const agent = new UserAgent();
    const query = new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString();
    const begun = await agent.get(`${app.url}/auth/v2/login?${query}`, { follow: false });
    const back = (await agent.get(begun.location ?? '', { follow: false })).location;
    const state = back?.searchParams.get('state') ?? '';
    const code = back?.searchParams.get('code') ?? '';
    const handle = state.slice(state.lastIndexOf('|') + 1);

    const form = handleForm({ agent, redirectUri: LOOPBACK_REDIRECT, code, state, handle });
    expect((await postToken(app, form)).status).toBe(200);

    const verifier = provider.requestsTo('token')[0]?.body['code_verifier'];
    const nonce = begun.location?.searchParams.get('nonce') ?? 'absent';
    expect(verifier).toMatch(/^[\w.~-]{43,}$/);
    expect(everythingIn(begun.location?.href ?? '')).not.toContain(verifier);
    expect(everythingIn(back?.href ?? '')).not.toContain(verifier);
    expect(everythingIn(back?.href ?? '')).not.toContain(nonce);
  });

  it('AR-3: brings the verifier of a browser login neither into a URL nor into the cookie', async () => {
    const agent = new UserAgent();
    const open = await openOwnLogin(app, agent);
    const back = wayBack(open, provider);
    const cookies = Object.values(agent.cookies(app.url)).join('.');
    const sent = provider.requestsTo('authorization')[0]?.query ?? {};

    expect((await agent.get(back)).status).toBe(200);

    const verifier = provider.requestsTo('token')[0]?.body['code_verifier'];
    const seen = [back, cookies, ...Object.values(sent)].map(everythingIn).join('\n');
    expect(verifier).toMatch(/^[\w.~-]{43,}$/);
    expect(seen).not.toContain(verifier);
    expect(everythingIn(`${back}\n${cookies}`)).not.toContain(sent['nonce']);
  });

  it('AR-3: keeps what binds a login to its browser out of every URL', async () => {
    const agent = new UserAgent();
    const query = new URLSearchParams({ redirect_uri: `${app.url}/auth/v2/callback` });
    const begun = await agent.get(`${app.url}/auth/v2/login?${query.toString()}`, {
      follow: false,
    });

    const [cookie] = setCookies(begun);

    const binding = cookie?.value.split('~')[1] ?? '';
    expect(Buffer.from(binding, 'base64url').length).toBeGreaterThanOrEqual(16);
    expect(everythingIn(begun.location?.href ?? '')).not.toContain(binding);
  });

  it('AR-3: does not show the challenge of a client either', async () => {
    const { query } = await clientPkce();

    const { state } = await openLogin(app, { query });

    expect(everythingIn(state)).not.toContain(query['code_challenge']);
  });
});

describe('the random values of logins', () => {
  it(`AR-3: repeat none in ${LOGINS} logins, and hold 128 bits and more each`, async () => {
    const provider = await startMisbehavingProvider();
    const app = await startApp({ provider });
    const seen = {
      random: new Set<string>(),
      handle: new Set<string>(),
      nonce: new Set<string>(),
      challenge: new Set<string>(),
      binding: new Set<string>(),
    };

    for (let begun = 0; begun < LOGINS; begun += 1) {
      const { url, cookies } = await app.service.login({
        redirectUri: `${app.url}/auth/v2/callback`,
      });
      const parameters = new URL(url).searchParams;
      const [random = '', , handle = ''] = parameters.get('state')?.split('|') ?? [];
      seen.random.add(random);
      seen.handle.add(handle);
      seen.nonce.add(parameters.get('nonce') ?? '');
      seen.challenge.add(parameters.get('code_challenge') ?? '');
      seen.binding.add(cookies[0]?.value.split('~')[1] ?? '');
    }

    for (const values of Object.values(seen)) expect(values.size).toBe(LOGINS);
    for (const values of [seen.random, seen.nonce, seen.binding]) {
      const lengths = [...values].map((value) => Buffer.from(value, 'base64url').length);
      expect(Math.min(...lengths)).toBeGreaterThanOrEqual(16);
    }
    await app.close();
    await provider.close();
  }, 60_000);
});
