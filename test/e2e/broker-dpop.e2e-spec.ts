import { decodeJwt } from 'jose';
import * as oidc from 'openid-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type TestApp, adapters } from '../support/app.js';
import {
  type BrokerAppOptions,
  type BrokerTokens,
  brokerTokens,
  guarded,
  startBrokerApp,
} from '../support/broker-app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { startDevice } from '../support/device-login.js';
import { ProvingClient } from '../support/dpop.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { type Reply, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import {
  type OpenLogin,
  clientPkce,
  handleForm,
  openLogin,
  postToken,
} from '../support/open-login.js';
import { EXCHANGE_GRANT, mintedToken } from '../support/token-exchange.js';
import { alice } from '../support/users.js';

const outcomeOf = (reply: Reply): string =>
  reply.status < 300 ? String(reply.status) : `${reply.status} ${String(reply.json()['error'])}`;

const documentsOf = async ({ url }: TestApp) => ({
  ...(await request(`${url}/.well-known/openid-configuration`)).json(),
  resource: (await request(`${url}/.well-known/oauth-protected-resource`)).json(),
});

const proofFor = (by: ProvingClient, at: TestApp, claims: Record<string, unknown> = {}) =>
  by.proof({ method: 'POST', url: `${at.url}/auth/v2/token`, claims });

describe.each(adapters)('what the token route issues for a key, on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let client: ProvingClient;
  let thief: ProvingClient;
  let app: TestApp;
  const apps: TestApp[] = [];

  const start = async (given: BrokerAppOptions = {}): Promise<TestApp> => {
    const one = await startBrokerApp({ adapter, provider, ...given });
    apps.push(one);
    return one;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ algorithms: ['ES256'] });
    [client, thief] = await Promise.all([ProvingClient.create(), ProvingClient.create()]);
    app = await start({ broker: { introspectionScope: 'myscope', refreshGraceSec: 0 } });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    GuardedRoutes.reached.length = 0;
  });

  afterAll(async () => {
    await Promise.all(apps.map((one) => one.close()));
    await provider.close();
  });

  /** A token request with a proof. */
  const post = async (
    form: Readonly<Record<string, string>>,
    { by = client, at = app }: { by?: ProvingClient; at?: TestApp } = {},
  ): Promise<Reply> =>
    request(`${at.url}/auth/v2/token`, { form, headers: { dpop: await proofFor(by, at) } });

  const logIn = async (at = app, query: Record<string, string> = {}): Promise<BrokerTokens> =>
    brokerTokens(await post(handleForm(await openLogin(at, { query })), { at }));

  const refresh = (refresh_token: string, by?: ProvingClient, at?: TestApp): Promise<Reply> =>
    post({ refresh_token }, { ...(by && { by }), ...(at && { at }) });

  /** What the guard says of a token with a proof. */
  const called = async (token: string, by = client, at = app): Promise<string> => {
    const url = `${at.url}/required`;
    const headers = await by.headers({ method: 'GET', url, token });
    return outcomeOf(await request(url, { headers }));
  };

  const exchangeWith = (subject_token: string, by?: ProvingClient) => {
    const form = { grant_type: EXCHANGE_GRANT, subject_token };
    return by === undefined ? postToken(app, form) : post(form, { by });
  };

  const refreshCalls = (): number =>
    provider.requestsTo('token').filter(({ body }) => body['grant_type'] === 'refresh_token')
      .length;

  it('DP-4: a code with a proof gives tokens that are bound to its key', async () => {
    const { accessToken, claims, body } = await logIn();

    expect(body['token_type']).toBe('DPoP');
    expect(claims['cnf']).toEqual({ jkt: client.jkt });
    expect(await called(accessToken)).toBe('200');
    expect(await called(accessToken, thief)).toBe('401 invalid_token');
    expect(await guarded(app, accessToken)).toBe('401 invalid_token');
  });

  it('DP-4: without a proof they are bearer tokens, as before', async () => {
    const { accessToken, claims, body } = brokerTokens(
      await postToken(app, handleForm(await openLogin(app))),
    );

    expect(body['token_type']).toBe('Bearer');
    expect(claims).not.toHaveProperty('cnf');
    expect(await guarded(app, accessToken)).toBe('200');
    expect(String(body['refresh_token'])).toMatch(/^[0-9a-f]{32}\.[\w-]{91}$/);
  });

  it('DP-4: a refresh with the key gives bound tokens again, without it nothing, and ends nothing', async () => {
    const first = await logIn();
    const before = refreshCalls();

    const refused = [
      await postToken(app, { refresh_token: first.refreshToken }),
      await refresh(first.refreshToken, thief),
    ];
    const second = brokerTokens(await refresh(first.refreshToken));

    for (const reply of refused) expect(outcomeOf(reply)).toBe('400 invalid_dpop_proof');
    expect(refused[0]?.json()).toMatchObject({ statusCode: 400 });
    expect(refreshCalls()).toBe(before + 1);
    expect([second.body['token_type'], second.claims['cnf']]).toEqual([
      'DPoP',
      { jkt: client.jkt },
    ]);
    expect(await called(second.accessToken)).toBe('200');
    expect(app.logs().join()).toContain('the refresh token is bound to another key');
  });

  it('RF-2: an old refresh token ends its session only in the hands of whoever has the key', async () => {
    const first = await logIn();
    const second = brokerTokens(await refresh(first.refreshToken));

    const replayed = [
      await postToken(app, { refresh_token: first.refreshToken }),
      await refresh(first.refreshToken, thief),
    ];
    const third = brokerTokens(await refresh(second.refreshToken));

    for (const reply of replayed) expect(outcomeOf(reply)).toBe('400 invalid_dpop_proof');
    expect(outcomeOf(await refresh(first.refreshToken))).toBe('400 invalid_grant');
    expect(outcomeOf(await refresh(third.refreshToken))).toBe('400 invalid_grant');
    expect(await called(third.accessToken)).toBe('401 invalid_token');
  });

  it('DP-4: a binding can be neither taken off a refresh token nor put on it', async () => {
    const { refreshToken } = await logIn();
    const [session = '', secret = ''] = refreshToken.split('.');
    const bytes = Buffer.from(secret, 'base64url');
    const withKey = (key: Buffer) =>
      `${session}.${Buffer.concat([bytes.subarray(0, 36), key, bytes.subarray(-32)]).toString('base64url')}`;

    for (const forged of [withKey(Buffer.alloc(0)), withKey(Buffer.from(thief.jkt, 'base64url'))]) {
      for (const reply of [
        await refresh(forged, thief),
        await refresh(forged),
        await postToken(app, { refresh_token: forged }),
      ]) {
        expect(outcomeOf(reply)).toBe('400 invalid_grant');
      }
    }
    expect(outcomeOf(await refresh(refreshToken))).toBe('200');
  });

  it('DP-4: an unbound refresh token is bound by the first proof that comes with it', async () => {
    const { refreshToken } = brokerTokens(await postToken(app, handleForm(await openLogin(app))));

    const bound = brokerTokens(await refresh(refreshToken));

    expect(bound.claims['cnf']).toEqual({ jkt: client.jkt });
    expect(outcomeOf(await postToken(app, { refresh_token: bound.refreshToken }))).toBe(
      '400 invalid_dpop_proof',
    );
    expect(outcomeOf(await refresh(bound.refreshToken, thief))).toBe('400 invalid_dpop_proof');
  });

  it('RF-3: racers with the key get one successor, and those without it none', async () => {
    const graced = await start({ broker: { refreshGraceSec: 30 } });
    const { refreshToken } = await logIn(graced);

    const replies = await Promise.all(
      Array.from({ length: 6 }, (_, at) => refresh(refreshToken, at % 2 ? thief : client, graced)),
    );
    const good = replies.filter(({ status }) => status === 200).map(brokerTokens);
    const late = brokerTokens(await refresh(refreshToken, client, graced));

    expect(replies.map(outcomeOf).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => '200'),
      ...Array.from({ length: 3 }, () => '400 invalid_dpop_proof'),
    ]);
    expect(new Set([...good, late].map((one) => one.refreshToken)).size).toBe(1);
    expect(late.claims['cnf']).toEqual({ jkt: client.jkt });
  });

  it.each<[string, (proof: () => Promise<string>) => Promise<string[]>]>([
    ['for another address', async () => [await client.proof({ method: 'POST', url: app.url })]],
    [
      'for another method',
      async () => [await client.proof({ method: 'GET', url: `${app.url}/auth/v2/token` })],
    ],
    ['that is none', async () => ['proof']],
    ['of two', async (proof) => [await proof(), await proof()]],
    ['from long ago', async () => [await proofFor(client, app, { iat: 1_700_000_000 })]],
  ])('DP-2: a proof %s is refused before anything is spent', async (_, make) => {
    const form = handleForm(await openLogin(app));
    const dpop = await make(() => proofFor(client, app));
    const before = provider.requestsTo('token').length;

    const refused = await request(`${app.url}/auth/v2/token`, { form, headers: { dpop } });

    expect(outcomeOf(refused)).toBe('400 invalid_dpop_proof');
    expect(provider.requestsTo('token')).toHaveLength(before);
    expect((await post(form)).json()['token_type']).toBe('DPoP');
  });

  it('DP-3: a proof is good for one token request, unless nothing came of that', async () => {
    const dpop = await proofFor(client, app);
    const headers = { dpop };
    const [one, other] = [handleForm(await openLogin(app)), handleForm(await openLogin(app))];
    const send = (form: Record<string, string>) =>
      request(`${app.url}/auth/v2/token`, { form, headers });

    expect(outcomeOf(await send({ ...one, code_verifier: 'wrong' }))).toBe('400 invalid_grant');
    expect(outcomeOf(await send(one))).toBe('200');
    expect(outcomeOf(await send(other))).toBe('400 invalid_dpop_proof');
    expect(outcomeOf(await post(other))).toBe('200');
  });

  it('DP-4: a device login is bound by the proof of the poll that ends it', async () => {
    const { deviceCode, userCode } = await startDevice(app);
    provider.approveDevice(userCode);

    const { body, claims, refreshToken } = brokerTokens(await post({ device_code: deviceCode }));

    expect([body['token_type'], claims['cnf']]).toEqual(['DPoP', { jkt: client.jkt }]);
    expect(outcomeOf(await refresh(refreshToken, thief))).toBe('400 invalid_dpop_proof');
  });

  describe('dpop_jkt', () => {
    it('DP-4: a login that names a key is finished with that key alone, and not used up by another', async () => {
      const login: OpenLogin = await openLogin(app, { query: { dpop_jkt: client.jkt } });
      const before = provider.requestsTo('token').length;

      const refused = [
        await postToken(app, handleForm(login)),
        await post(handleForm(login), { by: thief }),
      ];

      for (const reply of refused) expect(outcomeOf(reply)).toBe('400 invalid_dpop_proof');
      expect(provider.requestsTo('token')).toHaveLength(before);
      expect(brokerTokens(await post(handleForm(login))).claims['cnf']).toEqual({
        jkt: client.jkt,
      });
    });

    it('DP-4: beside the PKCE of the client itself', async () => {
      const { verifier, query } = await clientPkce();
      const login = await openLogin(app, { query: { ...query, dpop_jkt: client.jkt } });
      const form = { ...handleForm(login), code_verifier: verifier, state: login.state };

      expect(outcomeOf(await post(form, { by: thief }))).toBe('400 invalid_dpop_proof');
      expect(outcomeOf(await post(form))).toBe('200');
    });

    it.each(['', 'x', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(42)}=`, `${'a'.repeat(42)}+`])(
      'DP-4: is a thumbprint, and not "%s"',
      async (dpop_jkt) => {
        const query = new URLSearchParams({
          redirect_uri: 'http://localhost:53100/callback',
          dpop_jkt,
        });
        const reply = await request(`${app.url}/auth/v2/login?${query.toString()}`);

        const isAbsent = dpop_jkt === '';
        expect(reply.status).toBe(isAbsent ? 302 : 400);
        if (!isAbsent) expect(reply.json()['error']).toBe('invalid_request');
        expect(reply.location?.searchParams.has('dpop_jkt') ?? false).toBe(false);
      },
    );

    it('DP-4: is refused where nobody could prove it: at our own callback', async () => {
      const query = new URLSearchParams({
        redirect_uri: `${app.url}/auth/v2/callback`,
        dpop_jkt: client.jkt,
      });

      expect((await request(`${app.url}/auth/v2/login?${query.toString()}`)).status).toBe(400);
    });
  });

  describe('token exchange', () => {
    it('DP-4: never loosens a binding', async () => {
      const bound = provider.accessToken({ cnf: { jkt: client.jkt } });

      expect(outcomeOf(await exchangeWith(bound))).toBe('400 invalid_dpop_proof');
      expect(outcomeOf(await exchangeWith(bound, thief))).toBe('400 invalid_dpop_proof');
      const good = await exchangeWith(bound, client);
      expect(good.json()['token_type']).toBe('DPoP');
      expect(decodeJwt(mintedToken(good))['cnf']).toEqual({ jkt: client.jkt });
    });

    it('DP-1: sends a bound token to nobody: what it does not say is not said', async () => {
      const silent = { preferred_username: undefined, email: undefined, realm_access: undefined };
      provider.clearRequests();

      const bound = provider.accessToken({ ...silent, cnf: { jkt: client.jkt } });
      const claims = decodeJwt(mintedToken(await exchangeWith(bound, client)));

      expect(claims).toMatchObject({ sub: alice.sub, cnf: { jkt: client.jkt } });
      expect(claims).not.toHaveProperty('email');
      expect(provider.requestsTo('userinfo')).toEqual([]);
      const unbound = await exchangeWith(provider.accessToken(silent), client);
      expect(decodeJwt(mintedToken(unbound))['email']).toBe('alice@example.org');
      expect(provider.requestsTo('userinfo')).toHaveLength(1);
    });

    it('CL-2: refuses a bound token that lacks a demanded claim, which userinfo would have', async () => {
      const demanding = await start({ options: { claims: { email: ['alice@example.org'] } } });
      const exchange = (subject_token: string) =>
        post({ grant_type: EXCHANGE_GRANT, subject_token }, { at: demanding });
      const bound = { cnf: { jkt: client.jkt } };

      const lacking = await exchange(provider.accessToken({ ...bound, email: undefined }));
      expect(outcomeOf(lacking)).toBe('403 insufficient_scope');
      const having = provider.accessToken({ ...bound, email: 'alice@example.org' });
      expect(outcomeOf(await exchange(having))).toBe('200');
    });

    it('DP-4: may tighten one', async () => {
      const good = await exchangeWith(provider.accessToken(), client);

      expect(good.json()['token_type']).toBe('DPoP');
      expect(await called(mintedToken(good))).toBe('200');
      expect(await guarded(app, mintedToken(good))).toBe('401 invalid_token');
    });

    it('TX-1: takes no subject token that is bound in another way', async () => {
      const subject = provider.accessToken({ cnf: { 'x5t#S256': client.jkt } });

      expect(outcomeOf(await exchangeWith(subject, client))).toBe('400 invalid_request');
    });
  });

  it('RFC 9449 §6.2: introspection says the key, and takes callers whose tokens are bound', async () => {
    const { accessToken, refreshToken } = await logIn();
    const url = `${app.url}/auth/v2/introspect`;
    const headers = await client.headers({ method: 'POST', url, token: accessToken });

    const reply = await request(url, { form: { token: accessToken }, headers });
    const asBearer = await request(url, { form: { token: accessToken }, bearer: accessToken });

    expect(reply.json()).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: client.jkt },
    });
    expect(outcomeOf(asBearer)).toBe('401 invalid_token');
    const again = await client.headers({ method: 'POST', url, token: accessToken });
    const ofRefreshToken = await request(url, { form: { token: refreshToken }, headers: again });
    expect(ofRefreshToken.json()).toEqual({ active: false });
  });

  it('RFC 7009: revocation needs no proof; a logout, which tells who it was, does', async () => {
    const [one, other] = [await logIn(), await logIn()];
    const logout = `${app.url}/auth/v2/logout`;

    const asBearer = await request(logout, { bearer: one.accessToken });
    expect(outcomeOf(asBearer)).toBe('401 invalid_token');
    expect(asBearer.headers.has('location')).toBe(false);
    expect(await called(one.accessToken)).toBe('200');
    const token = one.accessToken;
    const headers = await client.headers({ method: 'GET', url: logout, token });
    const proved = await request(logout, { headers });
    expect(proved.location?.searchParams.has('id_token_hint')).toBe(true);
    expect(await called(one.accessToken)).toBe('401 invalid_token');

    await request(`${app.url}/auth/v2/revoke`, { form: { token: other.refreshToken } });
    expect(await called(other.accessToken)).toBe('401 invalid_token');
  });

  it('documents say what proofs may be signed with, and whether they are needed', async () => {
    const required = await start({ options: { dpop: 'required' } });
    const off = await start({ options: { dpop: false } });
    const dpop_signing_alg_values_supported = expect.arrayContaining(['ES256', 'EdDSA', 'PS256']);

    const [optional, needed, none] = await Promise.all([app, required, off].map(documentsOf));

    expect(optional).toMatchObject({
      dpop_signing_alg_values_supported,
      resource: { dpop_signing_alg_values_supported, bearer_methods_supported: ['header'] },
    });
    expect(optional?.resource).not.toHaveProperty('dpop_bound_access_tokens_required');
    expect(needed).toMatchObject({
      dpop_signing_alg_values_supported,
      resource: { dpop_signing_alg_values_supported, dpop_bound_access_tokens_required: true },
    });
    expect(JSON.stringify(none)).not.toContain('dpop');
  });

  it('with dpop: required nothing is issued without a proof', async () => {
    const required = await start({ options: { dpop: 'required' } });
    const form = handleForm(await openLogin(required));

    expect(outcomeOf(await postToken(required, form))).toBe('400 invalid_dpop_proof');
    const { accessToken } = brokerTokens(await post(form, { at: required }));
    expect(await called(accessToken, client, required)).toBe('200');
  });

  it('with dpop: false proofs are ignored', async () => {
    const off = await start({ options: { dpop: false } });

    const { body } = brokerTokens(await post(handleForm(await openLogin(off)), { at: off }));

    expect(body['token_type']).toBe('Bearer');
  });

  it('DP-3: with nonces the token route demands them, and hands them out', async () => {
    const nonces = await start({ options: { dpopNonce: true } });
    const form = handleForm(await openLogin(nonces));

    const without = await post(form, { at: nonces });
    const nonce = without.headers.get('dpop-nonce');
    const dpop = await proofFor(client, nonces, { nonce });
    const reply = await request(`${nonces.url}/auth/v2/token`, { form, headers: { dpop } });

    expect(outcomeOf(without)).toBe('400 use_dpop_nonce');
    expect(outcomeOf(reply)).toBe('200');
  });

  it('DP-3: our own routes hand out the next nonce before the one that came ends, as the guard does', async () => {
    const clock = new FakeClock();
    provider.behaviour.now = () => clock.now();
    const at = await start({
      clock,
      options: { dpopNonce: true },
      broker: { introspectionScope: 'myscope' },
    });
    const iat = () => Math.floor(clock.now().getTime() / 1000);
    const form = handleForm(await openLogin(at));
    const asked = await request(`${at.url}/auth/v2/token`, {
      form,
      headers: { dpop: await proofFor(client, at, { iat: iat() }) },
    });
    const nonce = asked.headers.get('dpop-nonce');
    const dpop = await proofFor(client, at, { nonce, iat: iat() });
    const issued = await request(`${at.url}/auth/v2/token`, { form, headers: { dpop } });
    const { accessToken: token } = brokerTokens(issued);
    const routes = ['userinfo', 'introspect', 'logout'] as const;
    const answers = async (names: readonly (typeof routes)[number][]) => {
      const replies: [number, string | null][] = [];
      for (const name of names) {
        const url = `${at.url}/auth/v2/${name}`;
        const posted = name === 'introspect' ? { form: { token } } : {};
        const method = name === 'introspect' ? 'POST' : 'GET';
        const claims = { nonce, iat: iat() };
        const headers = await client.headers({ method, url, token, claims });
        const reply = await request(url, { headers, ...posted });
        replies.push([reply.status, reply.headers.get('dpop-nonce')]);
      }
      return replies;
    };

    expect(await answers(['userinfo', 'introspect'])).toEqual([
      [200, null],
      [200, null],
    ]);
    clock.advance(20);
    const next = expect.stringMatching(/^[\w-]{51}$/);
    expect(await answers(routes)).toEqual([
      [200, next],
      [200, next],
      [302, next],
    ]);
  });

  it('FD-3: a token that a trusted instance bound needs its proof here', async () => {
    const trusting = await start({ broker: { trustedIssuers: [app.url] } });
    const { accessToken } = await logIn();

    expect(await called(accessToken, client, trusting)).toBe('200');
    expect(await called(accessToken, thief, trusting)).toBe('401 invalid_token');
    expect(await guarded(trusting, accessToken)).toBe('401 invalid_token');
  });

  it('openid-client gets, refreshes and uses bound tokens, with nonces', async () => {
    const at = await start({ options: { dpopNonce: true } });
    const discovery = new URL(`${at.url}/.well-known/openid-configuration`);
    const config = await oidc.discovery(discovery, 'any', undefined, oidc.None(), {
      execute: [oidc.allowInsecureRequests],
    });
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
    const { grant_type = '', ...form } = handleForm(
      await openLogin(at, { query: { dpop_jkt: await DPoP.calculateThumbprint() } }),
    );

    const first = await oidc.genericGrantRequest(config, grant_type, form, { DPoP });
    registerIfSecret(first.refresh_token, 'refresh token of ours');
    const second = await oidc.refreshTokenGrant(config, first.refresh_token ?? '', undefined, {
      DPoP,
    });
    registerIfSecret(second.refresh_token, 'refresh token of ours');
    const url = new URL(`${at.url}/required?a=b`);
    const token = second.access_token;
    const reply = await oidc.fetchProtectedResource(config, token, url, 'GET', null, undefined, {
      DPoP,
    });

    expect([first.token_type, second.token_type]).toEqual(['dpop', 'dpop']);
    expect(reply.status).toBe(200);
  });
});
