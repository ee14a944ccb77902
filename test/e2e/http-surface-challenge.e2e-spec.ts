import { UnauthorizedException } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { OAuthError } from '../../lib/index.js';
import { adapters, startApp, type TestApp } from '../support/app.js';
import { unsigned } from '../support/compact-jws.js';
import { answerWith, failWith } from '../support/faults.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import { request, type Reply } from '../support/http-request.js';
import { OR_DPOP } from '../support/offers-proofs.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';

const VALUE = String.raw`"[\x20-\x21\x23-\x5b\x5d-\x7e]*"`;

/** The attributes of a challenge, which must be one of RFC 6750 §3 and nothing else. */
function attributesOf(reply: Reply): Record<string, string> {
  const whole = reply.headers.get('www-authenticate') ?? '';
  expect(whole.endsWith(OR_DPOP)).toBe(reply.status === 401);
  const challenge = whole.replace(OR_DPOP, '');
  expect(challenge).toMatch(new RegExp(`^Bearer( \\w+=${VALUE}(, \\w+=${VALUE})*)?$`));
  const pairs = challenge.matchAll(/(\w+)="([^"]*)"/g);
  return Object.fromEntries([...pairs].map(([, name = '', value = '']) => [name, value]));
}

/** What a 401 says beside the error (RFC 9728 §5.1). */
const resourceOf = ({ url }: TestApp): object => ({
  resource_metadata: `${url}/.well-known/oauth-protected-resource`,
});

let refuseLogin: Error | undefined;

/** What the host says to a login: nothing, or what a test wants. */
function askHost(): void {
  if (refuseLogin !== undefined) throw refuseLogin;
}

describe.each(adapters)('challenges on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let app: TestApp;

  beforeAll(async () => {
    provider = await startMisbehavingProvider();
    app = await startApp({
      adapter,
      provider,
      controllers: [GuardedRoutes],
      options: { onLogin: askHost },
    });
  });

  beforeEach(() => {
    refuseLogin = undefined;
    provider.resetBehaviour();
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  const text = 'The access token is invalid or has expired';

  it.each([
    ['no token', '/required', undefined, 401, {}],
    [
      'a malformed token',
      '/required',
      'a.b',
      401,
      { error: 'invalid_token', error_description: text },
    ],
    ['no token', '/auth/v2/userinfo', undefined, 401, {}],
    [
      'a malformed token',
      '/auth/v2/userinfo',
      'a.b',
      401,
      { error: 'invalid_token', error_description: text },
    ],
  ])('HS-2: %s on %s', async (_what, path, bearer, status, attributes) => {
    const reply = await request(app.url + path, bearer === undefined ? {} : { bearer });

    expect(reply.status).toBe(status);
    expect(attributesOf(reply)).toEqual({ ...attributes, ...resourceOf(app) });
  });

  it('HS-2: no document where none is published', async () => {
    const other = await startApp({
      adapter,
      provider,
      controllers: [GuardedRoutes],
      options: { routes: { metadata: false } },
    });

    const missing = await request(`${other.url}/required`);
    const malformed = await request(`${other.url}/required`, { bearer: 'a.b' });
    await other.close();

    expect(missing.headers.get('www-authenticate')).toBe(`Bearer${OR_DPOP}`);
    expect(attributesOf(malformed)).toEqual({ error: 'invalid_token', error_description: text });
  });

  it('HS-2: a document that answers, whatever the host of the request was', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
    const reply = await request(`${app.url}/required`, { headers });

    const { resource_metadata: address = '' } = attributesOf(reply);

    expect(new URL(address).origin).toBe(app.url);
    expect((await request(address)).json()['resource']).toBe(app.url);
  });

  it('HS-2: an expired token and one without a signature', async () => {
    const past = Math.floor(Date.now() / 1000) - 100;

    for (const bearer of [
      provider.accessToken({ exp: past }),
      provider.accessToken({ aud: 'other' }),
      provider.accessToken({}, {}, unsigned()),
    ]) {
      const reply = await request(`${app.url}/required`, { bearer });
      expect(reply.status).toBe(401);
      expect(attributesOf(reply)).toEqual({
        error: 'invalid_token',
        error_description: text,
        ...resourceOf(app),
      });
    }
  });

  it('HS-2: a missing scope, with all scopes that are needed', async () => {
    const reply = await request(`${app.url}/scoped`, { bearer: provider.accessToken() });

    expect(reply.status).toBe(403);
    expect(attributesOf(reply)).toEqual({
      error: 'insufficient_scope',
      error_description: reply.json()['error_description'],
      scope: 'myscope admin',
    });
  });

  it('HS-2: a claim that does not hold, without naming it', async () => {
    const reply = await request(`${app.url}/gold`, { bearer: provider.accessToken() });

    expect(reply.status).toBe(403);
    expect(attributesOf(reply)).toEqual({
      error: 'insufficient_scope',
      error_description: 'The claims of the access token do not allow this request',
    });
    expect(reply.text()).not.toContain('tier');
  });

  it('HS-2: a login that the host refuses in its own words, of safe characters only', async () => {
    refuseLogin = new OAuthError('access_denied', 'Not "you"\r\nSet-Cookie: a=b; caf\u00e9 \\', {
      status: 403,
    });

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expect(reply.status).toBe(403);
    expect(attributesOf(reply)).toMatchObject({ error: 'access_denied' });
    expect(reply.headers.getSetCookie()).toEqual([]);
  });

  it('HS-2: a login that the host refuses with an exception of Nest', async () => {
    refuseLogin = new UnauthorizedException('canary-of-the-host');

    const reply = await postToken(app, handleForm(await openLogin(app)));

    expect(reply.status).toBe(403);
    expect(attributesOf(reply)).toMatchObject({ error: 'access_denied' });
    expect(reply.text()).not.toContain('canary');
  });

  it('HS-2: does not come with 400, 502 and 503, nor with what the provider said in its own', async () => {
    const challenge = { 'www-authenticate': 'Basic realm="canary-of-the-provider"' };
    const bad = await postToken(app, {});
    provider.behaviour.faults.token = answerWith({
      status: 401,
      headers: challenge,
      body: { error: 'invalid_client' },
    });
    const rejected = await postToken(app, { refresh_token: 'any-refresh-token' });
    provider.behaviour.faults.token = failWith(503);
    const down = await postToken(app, { refresh_token: 'any-refresh-token' });

    expect([bad, rejected, down].map(({ status }) => status)).toEqual([400, 502, 503]);
    for (const { headers } of [bad, rejected, down]) {
      expect(headers.get('www-authenticate')).toBeNull();
    }
  });
});
