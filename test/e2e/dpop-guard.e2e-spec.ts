import { Controller, Get, type MessageEvent, Post, Req, Sse, UseGuards } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import * as oidc from 'openid-client';
import { type Observable, of } from 'rxjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { Auth, AuthGuard, IdToken, type IdTokenClaims, OidcService } from '../../lib/index.js';
import { type AppOptions, adapters, startApp, type TestApp } from '../support/app.js';
import { registerIfSecret } from '../support/canary-secrets.js';
import { ProvingClient, hashOf } from '../support/dpop.js';
import { FakeClock } from '../support/fake-clock.js';
import { type Reply, type RequestOptions, request } from '../support/http-request.js';
import {
  type MisbehavingProvider,
  startMisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { clientOf, obtainTokens } from '../support/openid-client-flow.js';
import { startPathProxy } from '../support/path-proxy.js';
import { type TestProvider, startProvider } from '../support/provider.js';
import { rawRequest } from '../support/raw-request.js';

const ALGS = 'algs="ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512 RS256 RS384 RS512"';

@Controller()
class Routes {
  constructor(private readonly service: OidcService) {}

  @Get('me')
  @Auth()
  me(@IdToken() { sub, cnf }: IdTokenClaims): object {
    return { sub, cnf };
  }

  @Post('me')
  @Auth()
  post(@IdToken('sub') sub: string): object {
    return { sub };
  }

  @Get('admins')
  @Auth({ roles: 'superuser' })
  admins(): object {
    return {};
  }

  @Get('maybe')
  @Auth({ optional: true })
  maybe(@IdToken() token?: IdTokenClaims): object {
    return { sub: token?.sub ?? null };
  }

  @Get('twice')
  @Auth()
  @UseGuards(AuthGuard)
  async twice(@Req() asked: { headers: Record<string, string> }): Promise<object> {
    const { sub } = await this.service.authenticate(asked);
    return { sub };
  }

  @Sse('stream')
  @Auth()
  stream(): Observable<MessageEvent> {
    return of({ data: 'first' });
  }
}

interface Outcome {
  readonly status: number;
  readonly error: unknown;
  readonly challenge: string | null;
}

const outcomeOf = (reply: Reply): string =>
  reply.status < 300 ? String(reply.status) : `${reply.status} ${String(reply.json()['error'])}`;

function refusalOf(reply: Reply): Outcome {
  const { error } = reply.json();
  return { status: reply.status, error, challenge: reply.headers.get('www-authenticate') };
}

describe.each(adapters)('tokens that are bound to a key, on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let client: ProvingClient;
  let other: ProvingClient;
  let app: TestApp;
  const apps: TestApp[] = [];

  const start = async (given: AppOptions = {}): Promise<TestApp> => {
    const one = await startApp({ adapter, provider, controllers: [Routes], ...given });
    apps.push(one);
    return one;
  };

  const boundTo = (cnf: unknown): string => provider.accessToken({ cnf });

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ algorithms: ['ES256'] });
    [client, other] = await Promise.all([ProvingClient.create(), ProvingClient.create()]);
    app = await start();
  });

  beforeEach(() => provider.resetBehaviour());

  afterAll(async () => {
    await Promise.all(apps.map((one) => one.close()));
    await provider.close();
  });

  /** A request with a token of the client's key, and a proof unless the options bring their own. */
  const prove = async (
    path: string,
    {
      at = app,
      token = boundTo({ jkt: client.jkt }),
      by = client,
      ...options
    }: RequestOptions & {
      readonly at?: TestApp;
      readonly token?: string;
      readonly by?: ProvingClient;
      readonly claims?: Record<string, unknown>;
    } = {},
  ): Promise<Reply> => {
    const url = at.url + path;
    const { method = 'GET', claims = {} } = options;
    const own = await by.headers({ method, url, token, claims });
    return request(url, { ...options, headers: { ...own, ...options.headers } });
  };

  it('DP-1: are taken with the scheme DPoP and a proof', async () => {
    const reply = await prove('/me');
    const posted = await prove('/me', { method: 'POST' });
    const stream = await prove('/stream');

    expect(reply.json()).toEqual({ sub: 'sub-0001-alice', cnf: { jkt: client.jkt } });
    expect([posted.status, stream.status]).toEqual([201, 200]);
    expect(stream.text()).toContain('first');
    expect(reply.headers.has('dpop-nonce')).toBe(false);
  });

  it.each(['dpop', 'DPOP', 'DPoP  '])('DP-1: the scheme counts in any case: %s', async (scheme) => {
    const token = boundTo({ jkt: client.jkt });

    const headers = { authorization: `${scheme} ${token}` };
    expect(outcomeOf(await prove('/me', { token, headers }))).toBe('200');
  });

  it('DP-1: are no bearer tokens, with a proof and without', async () => {
    const token = boundTo({ jkt: client.jkt });
    const proof = await client.proof({ method: 'GET', url: `${app.url}/me`, token });

    for (const headers of [{}, { dpop: proof }]) {
      const reply = await request(`${app.url}/me`, { bearer: token, headers });
      const { status, error, challenge } = refusalOf(reply);
      expect([status, error]).toEqual([401, 'invalid_token']);
      expect(challenge).toMatch(
        /^Bearer error="invalid_token", error_description="The access token is bound to a key/,
      );
      expect(challenge).toContain(`, DPoP ${ALGS}`);
    }
    expect(app.logs().join()).toContain('a token that is bound to a key came as a bearer token');
    expect(outcomeOf(await prove('/me', { token, headers: { dpop: proof } }))).toBe('200'); // it was not used up
  });

  it('DP-1: of no key are not taken with the scheme DPoP', async () => {
    const token = provider.accessToken();

    const reply = await prove('/me', { token });

    expect(refusalOf(reply)).toMatchObject({ status: 401, error: 'invalid_token' });
    expect(refusalOf(reply).challenge).toMatch(/^DPoP error="invalid_token", .*algs="ES256 .*"$/);
    expect(outcomeOf(await request(`${app.url}/me`, { bearer: token }))).toBe('200');
  });

  it('DP-1: with the proof of another key are refused', async () => {
    const reply = await prove('/me', { by: other });

    expect(refusalOf(reply)).toMatchObject({ status: 401, error: 'invalid_token' });
    expect(reply.json()['error_description']).toBe('The access token is bound to another key');
  });

  it.each<[string, (jkt: string) => unknown]>([
    ['a certificate', () => ({ 'x5t#S256': hashOf('certificate') })],
    ['a certificate beside the key', (jkt) => ({ jkt, 'x5t#S256': hashOf('certificate') })],
    ['a key that is there itself', (jkt) => ({ jkt, jwk: {} })],
    ['a key for something else', (jkt) => ({ jkt, 'kc-jkt-type': 'attest_jwt' })],
    ['a key for nothing', (jkt) => ({ jkt, 'kc-jkt-type': null })],
    ['a type without a key', () => ({ 'kc-jkt-type': 'DPoP' })],
    [
      'a certificate beside the key of Keycloak',
      (jkt) => ({ jkt, 'kc-jkt-type': 'DPoP', 'x5t#S256': hashOf('certificate') }),
    ],
    ['an unknown way', () => ({ kid: 'key' })],
    ['nothing', () => ({})],
    ['null', () => null],
    ['a text', (jkt) => jkt],
    ['a list', (jkt) => [{ jkt }]],
    ['a thumbprint that is none', () => ({ jkt: 'x' })],
    ['an empty thumbprint', () => ({ jkt: '' })],
    ['a list of thumbprints', (jkt) => ({ jkt: [jkt] })],
  ])('DP-1: bound to %s are refused, however they come', async (_, cnf) => {
    const token = boundTo(cnf(client.jkt));

    expect(outcomeOf(await prove('/me', { token }))).toBe('401 invalid_token');
    expect(outcomeOf(await request(`${app.url}/me`, { bearer: token }))).toBe('401 invalid_token');
  });

  it('DP-1: by Keycloak, which says so in a member of its own, are used with its key alone', async () => {
    const token = provider.accessToken({
      typ: 'DPoP',
      cnf: { jkt: client.jkt, 'kc-jkt-type': 'DPoP' },
    });

    expect(outcomeOf(await prove('/me', { token }))).toBe('200');
    expect(outcomeOf(await prove('/me', { token, by: other }))).toBe('401 invalid_token');
    expect(outcomeOf(await request(`${app.url}/me`, { bearer: token }))).toBe('401 invalid_token');
  });

  it.each<[string, Record<string, unknown>]>([
    ['another method', { htm: 'POST' }],
    ['another address', { htu: 'https://evil.example/me' }],
    ['another path', { htu: '/other' }],
    ['another token', { ath: hashOf('another') }],
    ['no token', { ath: undefined }],
    ['long ago', { iat: 1_700_000_000 }],
  ])('DP-2: with a proof for %s are refused', async (_, claims) => {
    const { htu } = claims;
    const absolute = typeof htu === 'string' && htu.startsWith('/') ? { htu: app.url + htu } : {};

    const reply = await prove('/me', { claims: { ...claims, ...absolute } });

    expect(refusalOf(reply)).toMatchObject({ status: 401, error: 'invalid_dpop_proof' });
    expect(refusalOf(reply).challenge).toMatch(/^DPoP error="invalid_dpop_proof", .*algs="ES256 /);
  });

  it.each<[string, (proof: string) => string | string[]]>([
    ['none', () => []],
    ['an empty one', () => ''],
    ['two', (proof) => [proof, proof]],
    ['two in one', (proof) => `${proof}, ${proof}`],
    ['half', (proof) => proof.slice(0, 100)],
  ])('DP-2: with %s instead of a proof are refused', async (_, change) => {
    const token = boundTo({ jkt: client.jkt });
    const proof = await client.proof({ method: 'GET', url: `${app.url}/me`, token });

    expect(outcomeOf(await prove('/me', { token, headers: { dpop: change(proof) } }))).toBe(
      '401 invalid_dpop_proof',
    );
    expect(outcomeOf(await prove('/me', { token, headers: { dpop: proof } }))).toBe('200');
  });

  it('DP-2: whatever Host the request names: "publicUrl" says what the address is', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };

    expect(outcomeOf(await prove('/me', { headers }))).toBe('200');
    expect(
      outcomeOf(await prove('/me', { headers, claims: { htu: 'http://evil.example/me' } })),
    ).toBe('401 invalid_dpop_proof');
  });

  it('DP-2: query and fragment are no part of the address, dot segments have none', async () => {
    const token = boundTo({ jkt: client.jkt });
    const send = async (target: string) => {
      const { authorization, dpop } = await client.headers({
        method: 'GET',
        url: `${app.url}/me`,
        token,
      });
      const lines = [`GET ${target} HTTP/1.1`, `Authorization: ${authorization}`, `DPoP: ${dpop}`];
      return (await rawRequest(app.url, lines)).status;
    };

    expect(outcomeOf(await prove('/me?a=b', { token }))).toBe('200');
    expect(await send('/me?a=b')).toBe(200);
    expect(await send(`${app.url}/me`)).toBe(200);
    expect([await send('/x/../me'), await send('/./me')]).not.toContain(200);
  });

  it('DP-2: the path that a proxy took away is part of the address', async () => {
    const proxy = await startPathProxy();
    const publicUrl = `${proxy.url}/console`;
    const behind = await start({ options: { publicUrl }, globalPrefix: 'api' });
    proxy.mount('/console', behind.url);
    const token = boundTo({ jkt: client.jkt });
    const url = `${publicUrl}/api/me`;

    const reply = await request(url, {
      headers: await client.headers({ method: 'GET', url, token }),
    });
    const inner = await prove('/api/me', { at: behind });
    await proxy.close();

    expect(outcomeOf(reply)).toBe('200');
    expect(outcomeOf(inner)).toBe('401 invalid_dpop_proof');
  });

  it('DP-3: with a proof that was used are refused, and a refused proof is not used', async () => {
    const token = boundTo({ jkt: client.jkt });
    const url = `${app.url}/me`;
    const headers = await client.headers({ method: 'GET', url, token });
    const bad = provider.accessToken({ cnf: { jkt: client.jkt }, aud: 'other' });

    const refused = await request(url, { headers: { ...headers, authorization: `DPoP ${bad}` } });
    const elsewhere = await request(`${app.url}/admins`, { headers });
    const first = await request(url, { headers });
    const second = await request(url, { headers });

    expect([refused, elsewhere, first, second].map(outcomeOf)).toEqual([
      '401 invalid_token',
      '401 invalid_dpop_proof',
      '200',
      '401 invalid_dpop_proof',
    ]);
  });

  it('DP-3: of two requests with one proof at the same time one is answered', async () => {
    const token = boundTo({ jkt: client.jkt });
    const headers = await client.headers({ method: 'GET', url: `${app.url}/me`, token });

    const replies = await Promise.all(
      Array.from({ length: 10 }, () => request(`${app.url}/me`, { headers })),
    );

    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('DP-3: a proof counts a minute by the clock here, and is of no use when that is set back', async () => {
    const clock = new FakeClock();
    const at = await start({ clock });
    const token = provider.accessToken({ cnf: { jkt: client.jkt } });
    const first = clock.now();
    const claims = { iat: Math.floor(first.getTime() / 1000) };
    const headers = await client.headers({ method: 'GET', url: `${at.url}/me`, token, claims });
    const early = await client.headers({ method: 'GET', url: `${at.url}/me`, token, claims });

    expect(outcomeOf(await request(`${at.url}/me`, { headers }))).toBe('200');
    clock.advance(62);
    expect(outcomeOf(await request(`${at.url}/me`, { headers: early }))).toBe(
      '401 invalid_dpop_proof',
    );
    const iat = clock.now().getTime() / 1000;
    expect(outcomeOf(await prove('/me', { at, token, claims: { iat } }))).toBe('200');
    clock.set(first);

    const revived = await request(`${at.url}/me`, { headers });
    expect(outcomeOf(revived)).toBe('503 temporarily_unavailable');
    expect(revived.headers.get('retry-after')).toBe('5');
  });

  it('GW-4: prove once in a request, however many guards there are', async () => {
    const twice = await start({ providers: [{ provide: APP_GUARD, useExisting: AuthGuard }] });

    expect(outcomeOf(await prove('/twice', { at: twice }))).toBe('200');
  });

  it('are held against the rule like every other token, after the proof', async () => {
    const lacking = await prove('/admins');

    expect(refusalOf(lacking)).toMatchObject({ status: 403, error: 'insufficient_scope' });
    expect(refusalOf(lacking).challenge).toMatch(/^DPoP error="insufficient_scope", .*algs=/);
    expect(outcomeOf(await prove('/admins', { claims: { htm: 'POST' } }))).toBe(
      '401 invalid_dpop_proof',
    );
  });

  it('are anonymous without their proof where the token is optional', async () => {
    const replies = [await prove('/maybe'), await prove('/maybe', { by: other })];

    expect(replies.map((reply) => reply.json()['sub'])).toEqual(['sub-0001-alice', null]);
  });

  it('name their user at our own userinfo route, and are sent to nobody', async () => {
    const token = provider.accessToken({ cnf: { jkt: client.jkt }, preferred_username: undefined });

    const reply = await prove('/auth/v2/userinfo', { token });
    const asBearer = await request(`${app.url}/auth/v2/userinfo`, { bearer: token });

    expect(reply.json()).toMatchObject({ username: 'sub-0001-alice' });
    expect(outcomeOf(asBearer)).toBe('401 invalid_token');
    expect(provider.requestsTo('userinfo')).toEqual([]);
  });

  it('are taken in code that brings method and address, and not by themselves', async () => {
    const token = boundTo({ jkt: client.jkt });
    const parts = { method: 'GET', url: `${app.url}/any/path` };
    const headers = await client.headers({ ...parts, token });
    const again = await client.headers({ ...parts, token });

    const claims = await app.service.authenticate({ headers, method: 'GET', url: '/any/path?x=y' });

    expect(claims.cnf).toEqual({ jkt: client.jkt });
    for (const refused of [
      () => app.service.authenticate({ headers, method: 'GET', url: '/any/path' }), // used
      () => app.service.authenticate({ headers: again, method: 'POST', url: '/any/path' }),
    ]) {
      await expect(refused()).rejects.toMatchObject({ error: 'invalid_dpop_proof', status: 401 });
    }
    for (const refused of [
      () => app.service.authenticate(again),
      () => app.service.authenticate({ headers: again }),
      () => app.service.authenticate({ headers: again, method: 'GET' }),
      () => app.service.verify(token),
      () => app.service.userinfo(token),
    ]) {
      await expect(refused()).rejects.toMatchObject({ error: 'invalid_token', status: 401 });
    }
  });

  it('without "publicUrl" are refused, because nobody knows the address', async () => {
    const off = { login: false, callback: false, logout: false } as const;
    const at = await start({ options: { publicUrl: undefined, routes: off } });

    const reply = await prove('/me', { at });

    expect(outcomeOf(reply)).toBe('401 invalid_dpop_proof');
    expect(refusalOf(reply).challenge).toMatch(/^Bearer error/);
    expect(at.logs().join()).toContain('"publicUrl"');
  });

  describe('with dpop: required', () => {
    let required: TestApp;

    beforeAll(async () => {
      required = await start({ options: { dpop: 'required' } });
    });

    it('DP-1: are the only ones that are taken', async () => {
      const bearer = provider.accessToken();

      const replies = [
        await request(`${required.url}/me`),
        await request(`${required.url}/me`, { bearer }),
        await request(`${required.url}/auth/v2/userinfo`, { bearer }),
      ];

      for (const reply of replies) {
        expect(refusalOf(reply)).toMatchObject({ status: 401, error: 'invalid_token' });
        expect(refusalOf(reply).challenge).toMatch(/^DPoP (?!.*Bearer)/);
      }
      expect(outcomeOf(await prove('/me', { at: required }))).toBe('200');
      await expect(required.service.verify(bearer)).rejects.toMatchObject({ status: 401 });
    });
  });

  it('with dpop: false are all refused, and no proof is asked for', async () => {
    const none = await start({ options: { dpop: false } });
    const token = boundTo({ jkt: client.jkt });

    const replies = [
      await prove('/me', { at: none, token }),
      await request(`${none.url}/me`, { bearer: token }),
    ];

    for (const reply of replies) {
      expect(refusalOf(reply)).toMatchObject({ status: 401, error: 'invalid_token' });
      expect(refusalOf(reply).challenge).toMatch(/^Bearer (?!.*DPoP algs)/);
    }
    expect((await request(`${none.url}/me`)).headers.get('www-authenticate')).toMatch(
      /^Bearer [^,]*$/,
    );
    expect(outcomeOf(await request(`${none.url}/me`, { bearer: provider.accessToken() }))).toBe(
      '200',
    );
  });

  describe('with nonces', () => {
    let at: TestApp;
    let clock: FakeClock;

    beforeAll(async () => {
      clock = new FakeClock();
      at = await start({ clock, options: { dpopNonce: true } });
    });

    const nowSec = () => clock.now().getTime() / 1000;
    const ask = (nonce?: unknown, path = '/me') =>
      prove(path, {
        at,
        token: boundTo({ jkt: client.jkt }),
        claims: { nonce, iat: nowSec() },
      });

    it('DP-3: need one of ours, and learn it by the refusal', async () => {
      const without = await ask();
      const nonce = without.headers.get('dpop-nonce') ?? '';

      expect(refusalOf(without)).toMatchObject({ status: 401, error: 'use_dpop_nonce' });
      expect(refusalOf(without).challenge).toMatch(/^DPoP error="use_dpop_nonce", /);
      expect(without.headers.get('cache-control')).toBe('no-store');
      expect(outcomeOf(await ask(nonce))).toBe('200');
      for (const wrong of [`${nonce}A`, 'x', 7, [nonce]]) {
        expect(outcomeOf(await ask(wrong))).toBe('401 use_dpop_nonce');
      }
    });

    it('DP-3: learn the next one before theirs ends, on an answer that nobody keeps', async () => {
      const nonce = (await ask()).headers.get('dpop-nonce');

      expect((await ask(nonce)).headers.has('dpop-nonce')).toBe(false);
      clock.advance(20);
      const ageing = await ask(nonce);
      const next = ageing.headers.get('dpop-nonce');
      expect([ageing.status, ageing.headers.get('cache-control')]).toEqual([200, 'no-store']);
      clock.advance(20);
      expect(outcomeOf(await ask(nonce))).toBe('401 use_dpop_nonce');
      expect(outcomeOf(await ask(next))).toBe('200');
      expect((await ask('x', '/auth/v2/userinfo')).headers.get('dpop-nonce')).toHaveLength(51);
    });
  });
});

describe.each(['JWTs', 'opaque tokens'])('real tokens that are bound to a key: %s', (kind) => {
  const opaque = kind === 'opaque tokens';
  let provider: TestProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startProvider({ opaqueAccessTokens: opaque });
    const options = { dpopNonce: true, ...(opaque ? { introspection: true } : {}) };
    app = await startApp({ provider, controllers: [Routes], options });
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('DP-1: of oidc-provider are used by openid-client, and by nobody without the key', async () => {
    const config = await clientOf(provider);
    const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
    const tokens = await obtainTokens(provider, config, { options: { DPoP } });
    const token = tokens.access_token;
    registerIfSecret(token, 'bound access token');
    const url = new URL(`${app.url}/me`);

    const call = (by: oidc.DPoPHandle) =>
      oidc.fetchProtectedResource(config, token, url, 'GET', null, undefined, { DPoP: by });
    const reply = await call(DPoP);
    const stranger = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());

    expect(tokens.token_type).toBe('dpop');
    expect(await reply.json()).toMatchObject({ cnf: { jkt: await DPoP.calculateThumbprint() } });
    await expect(call(stranger)).rejects.toMatchObject({ status: 401 });
    expect(outcomeOf(await request(url, { bearer: token }))).toBe('401 invalid_token');
  });
});
