import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { startApp, type TestApp } from '../support/app.js';
import { pollDevice, startDevice } from '../support/device-login.js';
import { request } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, LOOPBACK_REDIRECT, openLogin, postToken } from '../support/open-login.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { UserAgent } from '../support/user-agent.js';

const API = 'https://api.example.org/orders';
const SECOND = 'urn:example:stock';

const login = (app: TestApp): string =>
  `${app.url}/auth/v2/login?${new URLSearchParams({ redirect_uri: LOOPBACK_REDIRECT }).toString()}`;

const audienceOf = (token: unknown): unknown => decodeJwt(String(token)).aud;

describe('RFC 8707: a provider that gives tokens for what is named alone', () => {
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startProvider({ resources: [API], refreshTokens: 'always' });
    app = await startApp({ provider, options: { resource: API, audience: API } });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('is told with logins, codes and refreshes', async () => {
    const back = new URL(await new UserAgent().loginAt(provider, login(app), 'alice'));
    const state = back.searchParams.get('state') ?? '';
    const first = await postToken(app, {
      grant_type: 'authorization_code',
      code: back.searchParams.get('code') ?? '',
      redirect_uri: LOOPBACK_REDIRECT,
      code_verifier: state.slice(state.lastIndexOf('|') + 1),
    });
    const refresh_token = String(first.json()['refresh_token']);
    const second = await postToken(app, { grant_type: 'refresh_token', refresh_token });

    expect(audienceOf(first.json()['access_token'])).toBe(API);
    expect(audienceOf(second.json()['access_token'])).toBe(API);
  });

  it('is told with device logins and their polls', async () => {
    const { deviceCode, userCode } = await startDevice(app);
    await provider.approveDevice(userCode);

    const reply = await pollDevice(app, deviceCode);

    expect(audienceOf(reply.json()['access_token'])).toBe(API);
  });
});

describe('RFC 8707: several targets', () => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      provider,
      options: {
        resource: [API, SECOND, API],
        endpoints: { pushedAuthorization: `${provider.issuer}/push` },
      },
    });
  });

  afterEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const sentTo = (endpoint: 'token' | 'device' | 'push'): string[][] =>
    provider
      .requestsTo(endpoint)
      .map(({ rawBody }) => new URLSearchParams(rawBody).getAll('resource'));

  it('are one parameter each, in the address of a login', async () => {
    const { location } = await request(login(app));

    expect(location?.searchParams.getAll('resource')).toEqual([API, SECOND]);
  });

  it('are one field each, in every form', async () => {
    const tokens = await postToken(app, handleForm(await openLogin(app)));
    const refresh_token = String(tokens.json()['refresh_token']);
    await postToken(app, { grant_type: 'refresh_token', refresh_token });
    await startDevice(app);

    expect(sentTo('token')).toEqual([
      [API, SECOND],
      [API, SECOND],
    ]);
    expect(sentTo('device')).toEqual([[API, SECOND]]);
  });

  it('travel with a pushed login, and not in its address', async () => {
    const pushing = await startApp({
      provider,
      options: {
        resource: [API, SECOND],
        pushedAuthorizationRequests: 'always',
        endpoints: { pushedAuthorization: `${provider.issuer}/push` },
      },
    });

    const { location } = await request(login(pushing));

    expect(sentTo('push')).toEqual([[API, SECOND]]);
    expect(location?.searchParams.has('resource')).toBe(false);
    await pushing.close();
  });

  it('AR-5: are never taken from a caller', async () => {
    const { location } = await request(`${login(app)}&resource=https://evil.example/`);

    expect(location?.searchParams.getAll('resource')).toEqual([API, SECOND]);
  });
});
