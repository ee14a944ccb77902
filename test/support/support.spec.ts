import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';

import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
} from 'jose';
import {
  buildEndSessionUrl,
  fetchUserInfo,
  genericGrantRequest,
  initiateDeviceAuthorization,
  refreshTokenGrant,
  tokenRevocation,
} from 'openid-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { forgetSecrets, registerSecret, secretsIn } from './canary-secrets.js';
import { hmacSigner, unsigned } from './compact-jws.js';
import { CookieJar } from './cookie-jar.js';
import { FakeClock } from './fake-clock.js';
import {
  answerWith,
  closeSocket,
  delay,
  drip,
  emptyBody,
  endlessBody,
  failWith,
  firstTimes,
  hang,
  html,
  redirectTo,
  truncatedJson,
  wrongType,
} from './faults.js';
import { freePort } from './free-port.js';
import { request } from './http-request.js';
import { portOf } from './listening-port.js';
import { startMisbehavingProvider, type MisbehavingProvider } from './misbehaving-provider.js';
import { clientOf, obtainTokens } from './openid-client-flow.js';
import { capturedLogs, installOutputCapture, recordOutput } from './output-capture.js';
import { startProvider, type TestProvider } from './provider.js';
import { selfSignedCertificate } from './self-signed-certificate.js';
import { allowServerError, watchServerErrors } from './server-errors.js';
import { testKey, withKid } from './signing-keys.js';
import {
  accepted,
  fuzzedPayloads,
  keylessToken,
  refused,
  tokenPartyVectors,
  tokenVectors,
  validToken,
} from './token-vectors.js';
import { UserAgent, visit } from './user-agent.js';
import { alice, bob } from './users.js';
import { takeViolations } from './violations.js';

installOutputCapture();

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

describe('the real provider', () => {
  let provider: TestProvider;

  beforeAll(async () => {
    provider = await startProvider();
  });

  afterAll(() => provider.close());

  it('logs a user in without a human and gives all tokens', async () => {
    const client = await clientOf(provider);

    const tokens = await obtainTokens(provider, client);

    expect(tokens.claims()).toMatchObject({ sub: alice.sub, preferred_username: 'alice' });
    expect(tokens.refresh_token).toBeDefined();
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({
      alg: 'RS256',
      typ: 'at+jwt',
    });
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      iss: provider.issuer,
      aud: 'my-aud',
      sub: alice.sub,
      client_id: 'my-client',
      scope: 'openid profile email offline_access myscope',
      preferred_username: 'alice',
      email: 'alice@example.org',
      realm_access: { roles: ['staff', 'admins'] },
    });
  });

  it('answers userinfo to a JWT access token, and 401 to another', async () => {
    const client = await clientOf(provider);
    const tokens = await obtainTokens(provider, client, { user: 'bob' });

    const info = await fetchUserInfo(client, tokens.access_token, bob.sub);
    const refusal = await request(`${provider.issuer}/me`, { bearer: 'not-a-token' });

    expect(info).toMatchObject({ sub: bob.sub, email: 'bob@example.org' });
    expect(refusal.status).toBe(401);
  });

  it('rotates refresh tokens and ends the grant on reuse', async () => {
    const client = await clientOf(provider);
    const first = await obtainTokens(provider, client);

    const second = await refreshTokenGrant(client, String(first.refresh_token));

    expect(second.refresh_token).not.toBe(first.refresh_token);
    await expect(refreshTokenGrant(client, String(first.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
    await expect(refreshTokenGrant(client, String(second.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('gives no refresh token without offline_access', async () => {
    const client = await clientOf(provider);

    const tokens = await obtainTokens(provider, client, { scope: 'openid myscope' });

    expect(tokens.refresh_token).toBeUndefined();
    expect(tokens.scope).toBe('openid myscope');
  });

  it('lets a device be approved and denied', async () => {
    const client = await clientOf(provider);
    const first = await initiateDeviceAuthorization(client, { scope: 'openid offline_access' });
    const second = await initiateDeviceAuthorization(client, { scope: 'openid' });
    const poll = (device_code: string) =>
      genericGrantRequest(client, DEVICE_GRANT, { device_code });

    await expect(poll(first.device_code)).rejects.toMatchObject({ error: 'authorization_pending' });
    await provider.approveDevice(first.user_code, 'bob');
    await provider.denyDevice(second.user_code);

    const tokens = await poll(first.device_code);
    expect(tokens.claims()?.sub).toBe(bob.sub);
    expect(tokens.refresh_token).toBeDefined();
    await expect(poll(second.device_code)).rejects.toMatchObject({ error: 'access_denied' });
  });

  it('sends back the refusal of a user', async () => {
    const client = await clientOf(provider);
    const url = new URL(client.serverMetadata().authorization_endpoint ?? '');
    url.search = new URLSearchParams({
      client_id: provider.clientId,
      response_type: 'code',
      redirect_uri: 'http://[::1]:1234/callback',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString();

    const back = await new UserAgent().loginAt(provider, url, 'alice', { deny: true });

    expect(back).toContain('http://[::1]:1234/callback?error=access_denied');
  });

  it('refuses a login without PKCE', async () => {
    const url = `${provider.issuer}/auth?client_id=my-client&response_type=code&scope=openid&redirect_uri=http://localhost:1/callback`;

    const back = await new UserAgent().loginAt(provider, url, 'alice');

    expect(back).toContain('error=invalid_request');
  });

  it('logs out without asking a human and comes back', async () => {
    const client = await clientOf(provider);
    const tokens = await obtainTokens(provider, client);
    const url = buildEndSessionUrl(client, {
      post_logout_redirect_uri: 'http://localhost:1/',
      id_token_hint: String(tokens.id_token),
      state: 'of-the-caller',
    });

    const back = await new UserAgent().logoutAt(provider, url);

    expect(back).toBe('http://localhost:1/?state=of-the-caller');
  });

  it('revokes a refresh token', async () => {
    const client = await clientOf(provider);
    const tokens = await obtainTokens(provider, client);

    await tokenRevocation(client, String(tokens.refresh_token));

    await expect(refreshTokenGrant(client, String(tokens.refresh_token))).rejects.toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('keeps its sessions over a restart with other keys on the same port', async () => {
    const own = await startProvider();
    const client = await clientOf(own);
    const before = await obtainTokens(own, client);
    const { issuer } = own;

    await own.restart({ keys: [await testKey('RS256', 'after-the-restart')] });
    const after = await refreshTokenGrant(client, String(before.refresh_token));

    const keys = createLocalJWKSet(own.jwks);
    expect(own.issuer).toBe(issuer);
    await expect(jwtVerify(after.access_token, keys)).resolves.toBeDefined();
    await expect(jwtVerify(before.access_token, keys)).rejects.toThrow();
    await own.close();
  });

  it('signs with its own key', async () => {
    const token = await provider.sign({ sub: 'any' }, { typ: 'JWT' });

    const published = await request(`${provider.issuer}/jwks`);
    const { payload } = await jwtVerify(token, createLocalJWKSet(provider.jwks));

    expect(payload).toMatchObject({ iss: provider.issuer, sub: 'any' });
    expect(published.json()['keys']).toMatchObject([{ kid: provider.jwks.keys[0]?.kid }]);
  });

  it('takes options: no iss, post, never a refresh token, own claims and lifetimes', async () => {
    const own = await startProvider({
      issParameter: false,
      clientAuth: 'client_secret_post',
      clientSecret: 'another-secret-of-at-least-32-characters',
      refreshTokens: 'never',
      lifetimes: { AccessToken: 7 },
      extraClaims: (user) => ({ tenant: `of-${user.preferred_username}` }),
      audience: 'other-aud',
    });
    const discovered = await request(own.discoveryUrl);
    const agent = new UserAgent();
    const url = `${own.issuer}/auth?client_id=my-client&response_type=code&scope=openid&redirect_uri=http://localhost:1/callback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256`;

    const back = new URL(await agent.loginAt(own, url, 'alice'));
    const answer = await request(`${own.issuer}/token`, {
      form: {
        grant_type: 'authorization_code',
        code: back.searchParams.get('code') ?? '',
        redirect_uri: 'http://localhost:1/callback',
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk', // RFC 7636, appendix B
        client_id: own.clientId,
        client_secret: own.clientSecret,
      },
    });

    expect(discovered.json()).not.toHaveProperty('authorization_response_iss_parameter_supported');
    expect(back.searchParams.has('iss')).toBe(false);
    expect(answer.json()).toMatchObject({ expires_in: 7 });
    expect(answer.json()).not.toHaveProperty('refresh_token');
    const claims = decodeJwt(String(answer.json()['access_token']));
    expect(claims).toMatchObject({ aud: 'other-aud', tenant: 'of-alice' });
    await own.close();
  });

  it('logs every request with its form', async () => {
    provider.clearRequests();
    const client = await clientOf(provider);

    await obtainTokens(provider, client);

    expect(provider.requestsTo('/token')).toMatchObject([
      { method: 'POST', body: { grant_type: 'authorization_code' } },
    ]);
    expect(provider.requestsTo('/token')[0]?.body['code_verifier']).toHaveLength(43);
  });

  it('can go down and come back', async () => {
    await provider.stop();
    await expect(request(provider.discoveryUrl)).rejects.toMatchObject({ code: 'ECONNREFUSED' });

    await provider.start();

    expect((await request(provider.discoveryUrl)).status).toBe(200);
  });
});

describe('the misbehaving provider', () => {
  let provider: MisbehavingProvider;
  const tokenRequest = { grant_type: 'refresh_token', refresh_token: 'unknown-token' };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ path: '/realms/demo' });
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
  });

  afterAll(() => provider.close());

  const askForTokens = (timeoutMs = 2000) => {
    const { clientId: client_id, clientSecret: client_secret } = provider;
    const form = { ...tokenRequest, client_id, client_secret };
    return request(`${provider.issuer}/token`, { form, timeoutMs });
  };

  it('behaves well without orders', async () => {
    const client = await clientOf(provider);

    const tokens = await obtainTokens(provider, client);

    expect(tokens.claims()).toMatchObject({ sub: alice.sub });
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: 'my-aud', azp: 'my-client' });
    await expect(
      jwtVerify(tokens.access_token, createLocalJWKSet(provider.jwks)),
    ).resolves.toBeDefined();
    await expect(fetchUserInfo(client, tokens.access_token, alice.sub)).resolves.toMatchObject({
      email: 'alice@example.org',
    });
    expect(provider.requestsTo('token')).toHaveLength(1);
  });

  it('spends a code once and checks its verifier', async () => {
    const client = await clientOf(provider);
    await obtainTokens(provider, client);
    const spent = provider.requestsTo('token')[0]?.body ?? {};
    const { clientId: client_id, clientSecret: client_secret } = provider;

    const again = await request(`${provider.issuer}/token`, {
      form: { ...spent, client_id, client_secret },
    });

    expect(again.status).toBe(400);
    expect(again.json()['error']).toBe('invalid_grant');
  });

  it('rotates refresh tokens and revokes the family on reuse', async () => {
    const client = await clientOf(provider);
    const first = String((await obtainTokens(provider, client)).refresh_token);

    const second = String((await refreshTokenGrant(client, first)).refresh_token);
    const states = [provider.refreshTokenState(first), provider.refreshTokenState(second)];
    await expect(refreshTokenGrant(client, first)).rejects.toMatchObject({
      error: 'invalid_grant',
    });

    expect(states).toEqual(['used', 'live']);
    expect(provider.refreshTokenState(second)).toBe('revoked');
  });

  it('keeps refresh tokens when told so', async () => {
    provider.behaviour.rotateRefreshTokens = false;
    const client = await clientOf(provider);
    const { refresh_token } = await obtainTokens(provider, client);

    const refreshed = await refreshTokenGrant(client, String(refresh_token));

    expect(refreshed.refresh_token).toBeUndefined();
    await expect(refreshTokenGrant(client, String(refresh_token))).resolves.toBeDefined();
  });

  it('revokes and ends sessions', async () => {
    const client = await clientOf(provider);
    const one = String((await obtainTokens(provider, client)).refresh_token);
    const two = String((await obtainTokens(provider, client)).refresh_token);

    await tokenRevocation(client, one);
    const states = [provider.refreshTokenState(one), provider.refreshTokenState(two)];
    provider.endSessions();

    expect(states).toEqual(['revoked', 'live']);
    expect(provider.refreshTokenState(two)).toBe('revoked');
  });

  it('lets devices wait, be approved and be denied', async () => {
    const client = await clientOf(provider);
    const first = await initiateDeviceAuthorization(client, { scope: 'openid' });
    const second = await initiateDeviceAuthorization(client, { scope: 'openid' });
    const poll = (device_code: string) =>
      genericGrantRequest(client, DEVICE_GRANT, { device_code });

    await expect(poll(first.device_code)).rejects.toMatchObject({ error: 'authorization_pending' });
    provider.approveDevice(first.user_code, 'bob');
    provider.denyDevice(second.user_code);

    expect((await poll(first.device_code)).claims()?.sub).toBe(bob.sub);
    await expect(poll(second.device_code)).rejects.toMatchObject({ error: 'access_denied' });
  });

  it('refuses a wrong client secret, and takes odd ones in Basic as RFC 6749 encodes them', async () => {
    const own = await startMisbehavingProvider({ clientSecret: 'a:b%c+d é and some more' });
    const client = await clientOf(own);

    const tokens = await obtainTokens(own, client);
    const wrong = await request(`${own.issuer}/token`, {
      form: { ...tokenRequest, client_id: 'my-client', client_secret: 'wrong' },
    });

    expect(tokens.access_token).toBeDefined();
    expect(wrong.status).toBe(401);
    await own.close();
  });

  it('changes metadata, keys, redirects, tokens and userinfo on order', async () => {
    const client = await clientOf(provider);
    const { behaviour } = provider;
    behaviour.metadata = (document) => ({ ...document, issuer: 'https://evil.example' });
    behaviour.jwks = () => ({ keys: 'none' });
    behaviour.userinfo = (claims) => ({ ...claims, sub: 'somebody-else' });
    behaviour.accessToken.claims = ({ iss: _iss, ...claims }) => ({ ...claims, exp: 1 });
    behaviour.tokenResponse = ({ expires_in: _gone, ...body }) => ({ ...body, extra: true });

    const tokens = await obtainTokens(provider, client);

    expect((await request(provider.discoveryUrl)).json()['issuer']).toBe('https://evil.example');
    expect((await request(`${provider.issuer}/jwks`)).json()).toEqual({ keys: 'none' });
    expect(decodeJwt(tokens.access_token)).toMatchObject({ exp: 1 });
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty('iss');
    expect(tokens).toMatchObject({ extra: true });
    expect(tokens).not.toHaveProperty('expires_in');
    await expect(fetchUserInfo(client, tokens.access_token, alice.sub)).rejects.toThrow();
  });

  it('sends back a wrong iss or an error on order', async () => {
    const client = await clientOf(provider);
    provider.behaviour.authorization = (answer) => {
      answer.set('iss', 'https://evil.example');
      return answer;
    };
    await expect(obtainTokens(provider, client)).rejects.toThrow();

    provider.behaviour.authorization = () => new URLSearchParams({ error: 'login_required' });
    await expect(obtainTokens(provider, client)).rejects.toThrow();
  });

  it('signs ID tokens in every wrong way', async () => {
    const { publicKey } = provider.signingKey;
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const attacker = await testKey('RS256', 'attacker');

    const none = provider.idToken({ nonce: 'n' }, {}, unsigned('nOnE'));
    const hmac = provider.idToken({}, {}, hmacSigner(pem));
    const foreign = provider.idToken({}, {}, withKid(attacker, provider.signingKey.kid));

    expect(decodeProtectedHeader(none).alg).toBe('nOnE');
    expect(none.endsWith('.')).toBe(true);
    expect(decodeProtectedHeader(hmac).alg).toBe('HS256');
    expect(decodeProtectedHeader(foreign).kid).toBe(provider.signingKey.kid);
    await expect(compactVerify(foreign, publicKey)).rejects.toThrow();
    await expect(compactVerify(provider.idToken(), publicKey)).resolves.toBeDefined();
  });

  it('signs what it issues with what it is told', async () => {
    const client = await clientOf(provider);
    provider.behaviour.idToken.signer = unsigned();

    await expect(obtainTokens(provider, client)).rejects.toThrow();
  });

  it('issues opaque access tokens and introspects them', async () => {
    provider.behaviour.opaqueAccessTokens = true;
    const client = await clientOf(provider);
    const { access_token: token } = await obtainTokens(provider, client);
    const { clientId: client_id, clientSecret: client_secret } = provider;

    const answer = await request(`${provider.issuer}/introspect`, {
      form: { token, client_id, client_secret },
    });

    expect(token).not.toContain('.');
    expect(answer.json()).toMatchObject({ active: true, sub: alice.sub });
    await expect(fetchUserInfo(client, token, alice.sub)).resolves.toBeDefined();
  });

  it('rotates and withdraws keys', async () => {
    const own = await startMisbehavingProvider();
    const before = own.accessToken();
    const [oldKey] = own.keys;

    const next = await own.rotateKeys();
    const published = createLocalJWKSet(own.jwks);
    await expect(jwtVerify(before, published)).resolves.toBeDefined();
    await expect(jwtVerify(own.accessToken(), published)).resolves.toBeDefined();
    own.withdrawKey(oldKey?.kid ?? '');

    expect(next.kid).not.toBe(oldKey?.kid);
    await expect(jwtVerify(before, createLocalJWKSet(own.jwks))).rejects.toThrow();
    await own.close();
  });

  it('never shares a key with another provider that runs', async () => {
    const other = await startMisbehavingProvider();

    const kids = new Set([...provider.keys, ...other.keys].map(({ kid }) => kid));

    expect(kids.size).toBe(6);
    await other.close();
  });

  it('follows the clock of the test', () => {
    const clock = new FakeClock(new Date('2030-01-01T00:00:00Z'));
    provider.behaviour.now = () => clock.now();

    clock.advance(60);

    expect(decodeJwt(provider.accessToken()).iat).toBe(Date.parse('2030-01-01T00:01:00Z') / 1000);
  });

  it('can go down and come back on its port', async () => {
    const { issuer } = provider;

    await provider.stop();
    await expect(request(provider.discoveryUrl)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await provider.start();

    expect(provider.issuer).toBe(issuer);
    expect((await request(provider.discoveryUrl)).status).toBe(200);
  });

  it('answers a page, nothing, half a JSON, another type, a failure, a redirect', async () => {
    const { faults } = provider.behaviour;

    faults.discovery = html();
    const page = await request(provider.discoveryUrl);
    faults.discovery = emptyBody();
    const empty = await request(provider.discoveryUrl);
    faults.discovery = truncatedJson();
    const half = await request(provider.discoveryUrl);
    faults.discovery = wrongType();
    const text = await request(provider.discoveryUrl);
    faults.token = failWith(429, { retryAfterSec: 7 });
    const busy = await askForTokens();
    faults.token = redirectTo('http://127.0.0.1:9/elsewhere');
    const moved = await askForTokens();
    faults.token = answerWith({ status: 200, body: '{"access_token": 1}' });
    const odd = await askForTokens();

    expect(page.headers.get('content-type')).toBe('text/html');
    expect(empty.text()).toBe('');
    expect(() => half.json()).toThrow(SyntaxError);
    expect(text.headers.get('content-type')).toBe('text/plain');
    expect(text.json()['issuer']).toBe(provider.issuer);
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([429, '7']);
    expect([moved.status, moved.location?.href]).toEqual([307, 'http://127.0.0.1:9/elsewhere']);
    expect(odd.json()).toEqual({ access_token: 1 });
  });

  it('answers token requests as a test says, around what it would do', async () => {
    provider.behaviour.token = (form, usual) =>
      form['refresh_token'] === 'magic' ? { status: 200, body: 'raw' } : usual();

    const usual = await askForTokens();

    expect(usual.json()['error']).toBe('invalid_grant');
  });

  it('hangs, and lets go when it stops', async () => {
    provider.behaviour.faults.token = hang();
    const answer = askForTokens(5000);
    const outcome = expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' });

    await expect(askForTokens(50)).rejects.toMatchObject({ code: 'ABORT_ERR' });
    await provider.stop();
    await provider.start();

    await outcome;
  });

  it('answers late, and drips', async () => {
    const { faults } = provider.behaviour;
    const begun = performance.now();

    faults.token = delay(60);
    const late = await askForTokens();
    const lateMs = performance.now() - begun;
    faults.token = drip({ bytes: 20, everyMs: 5 });
    const dripped = await askForTokens();

    expect(lateMs).toBeGreaterThanOrEqual(55);
    expect(late.json()['error']).toBe('invalid_grant');
    expect(dripped.json()['error']).toBe('invalid_grant');
    faults.token = drip({ everyMs: 1000 });
    await expect(askForTokens(50)).rejects.toThrow();
  });

  it('sends without end', async () => {
    provider.behaviour.faults.jwks = endlessBody();
    const response = await fetch(`${provider.issuer}/jwks`);
    const reader = response.body?.getReader();

    let received = 0;
    while (received < 5_000_000) received += (await reader?.read())?.value?.length ?? 0;
    await reader?.cancel();

    expect(received).toBeGreaterThan(5_000_000);
  });

  it('closes the connection before, during and after the body', async () => {
    const { faults } = provider.behaviour;

    faults.token = closeSocket('before');
    await expect(askForTokens()).rejects.toMatchObject({ code: 'ECONNRESET' });
    faults.token = closeSocket('during');
    await expect(askForTokens()).rejects.toThrow();
    faults.token = closeSocket('after');

    expect((await askForTokens()).json()['error']).toBe('invalid_grant');
  });

  it('does the work before it fails only when told so', async () => {
    const client = await clientOf(provider);
    const untouched = String((await obtainTokens(provider, client)).refresh_token);
    const spent = String((await obtainTokens(provider, client)).refresh_token);
    const { faults } = provider.behaviour;

    faults.token = closeSocket('before');
    await expect(refreshTokenGrant(client, untouched)).rejects.toThrow();
    faults.token = closeSocket('before', { work: true });
    await expect(refreshTokenGrant(client, spent)).rejects.toThrow();

    expect(provider.refreshTokenState(untouched)).toBe('live');
    expect(provider.refreshTokenState(spent)).toBe('used');
  });

  it('misbehaves for some requests only', async () => {
    provider.behaviour.faults.token = firstTimes(2, failWith(503));

    const statuses = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await askForTokens()).status);

    expect(statuses).toEqual([503, 503, 400]);
  });
});

const cookieNames = (jar: CookieJar, url: string) =>
  jar.sentTo(new URL(url)).map(({ name }) => name);

describe('the cookie jar', () => {
  const origin = new URL('http://localhost:3000/auth/v2/login');

  it('honours host and path, and not the port', () => {
    const jar = new CookieJar();

    jar.store('deep=1; Path=/auth', origin);
    jar.store('default=1', origin);
    jar.store('root=1; Path=/', origin);

    expect(cookieNames(jar, 'http://localhost:4000/auth/v2/x')).toEqual([
      'default',
      'deep',
      'root',
    ]);
    expect(cookieNames(jar, 'http://localhost:3000/authentic')).toEqual(['root']);
    expect(cookieNames(jar, 'http://127.0.0.1:3000/auth/v2/x')).toEqual([]);
  });

  it('keeps secure cookies of https only, not even of loopback http', () => {
    const jar = new CookieJar();

    jar.store('a=1; Secure; Path=/', origin);
    jar.store('b=1; Secure; Path=/', new URL('http://app.example/'));
    jar.store('__Host-c=1; Secure; Path=/', new URL('https://app.example/'));

    expect(cookieNames(jar, 'http://localhost/')).toEqual([]);
    expect(cookieNames(jar, 'http://app.example/')).toEqual([]);
    expect(cookieNames(jar, 'https://app.example/')).toEqual(['__Host-c']);
  });

  it('refuses a __Host- cookie that is none', () => {
    const jar = new CookieJar();

    const secure = new URL('https://app.example/auth/v2/login');

    jar.store('__Host-a=1; Path=/', secure);
    jar.store('__Host-b=1; Secure; Path=/auth', secure);
    jar.store('__Host-c=1; Secure', secure);
    jar.store('__Host-d=1; Secure; Path=/; Domain=app.example', secure);

    expect(cookieNames(jar, secure.href)).toEqual([]);
  });

  it('forgets by Max-Age, by Expires and by time', () => {
    let now = Date.parse('2030-01-01T00:00:00Z');
    const jar = new CookieJar(() => now);
    for (const name of ['a', 'b', 'c']) jar.store(`${name}=1; Path=/; Max-Age=600`, origin);

    jar.store('a=; Path=/; Max-Age=0', origin);
    jar.store('b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT', origin);
    const before = cookieNames(jar, 'http://localhost/');
    now += 600_001;

    expect(before).toEqual(['c']);
    expect(cookieNames(jar, 'http://localhost/')).toEqual([]);
  });
});

describe('the checks after each test', () => {
  afterEach(() => takeViolations());

  it('find a registered secret in the output, and only once', async () => {
    registerSecret('canary-of-the-support-spec');

    process.stdout.write('an innocent line\nwith canary-of-the-support-spec inside\n');
    const found = await takeViolations();

    expect(found).toEqual([expect.stringContaining('The output holds a secret (…t-spec)')]);
    expect(capturedLogs()).toContain('an innocent line');
    await expect(takeViolations()).resolves.toEqual([]);
  });

  it('find tokens and codes of the providers by themselves', async () => {
    const provider = await startMisbehavingProvider();
    const tokens = await obtainTokens(provider, await clientOf(provider));
    const [code = ''] = provider.requestsTo('token').map(({ body }) => body['code']);

    recordOutput(`token ${tokens.access_token.split('.')[2]}`);
    recordOutput(`refresh ${tokens.refresh_token}`);
    recordOutput(`code ${code}`);
    recordOutput(`secret ${provider.clientSecret}`);
    const found = await takeViolations();

    expect(found.map((text) => /holds a (.*?) \(/.exec(text)?.[1])).toEqual([
      'access token',
      'refresh token',
      'authorization code',
      'client secret',
    ]);
    await provider.close();
  });

  it('find login handles and cookies that a user agent saw', async () => {
    const target = 'http://idp.example/?state=random|http://x/|the-sealed-handle-of-a-login';
    const server = createServer((_request, response) => {
      const cookie = 'login=value-of-the-login-cookie; Path=/';
      response.writeHead(302, { location: target, 'set-cookie': cookie }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');

    await new UserAgent().get(`http://localhost:${portOf(server)}/`, { follow: false });
    recordOutput('the-sealed-handle-of-a-login');
    recordOutput('value-of-the-login-cookie');

    expect(await takeViolations()).toHaveLength(2);
    server.close();
  });

  it('find a changed Object.prototype and mend it', async () => {
    Object.assign(Object.prototype, { polluted: true });

    expect(await takeViolations()).toEqual(['Object.prototype got the property polluted']);
    expect({}).not.toHaveProperty('polluted');
  });

  it('find an answer 500 once, unless the test allows it', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(500).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${portOf(server)}/x`;

    await request(url);
    const seenByClient = await takeViolations();
    watchServerErrors(server);
    await request(url);
    const seenByServer = await takeViolations();
    allowServerError();
    await request(url);
    const allowed = await takeViolations();

    expect(seenByClient).toEqual(['The application answered 500 to GET /x']);
    expect(seenByServer).toEqual(['The application answered 500 to GET /x']);
    expect(allowed).toEqual([]);
    server.close();
  });

  it('find an answer 500 at the port of a test provider that is gone, and none while it is there', async () => {
    const provider = await startMisbehavingProvider({
      behaviour: { faults: { discovery: failWith(500) } },
    });
    const { discoveryUrl } = provider;
    await request(discoveryUrl);
    const whileThere = await takeViolations();
    await provider.close();
    const server = createServer((_request, response) => {
      response.writeHead(500).end();
    }).listen(Number(new URL(discoveryUrl).port), '127.0.0.1');
    await once(server, 'listening');

    await request(discoveryUrl);
    const whenGone = await takeViolations();

    expect(whileThere).toEqual([]);
    expect(whenGone).toHaveLength(1);
    server.close();
  });

  it('forget the secrets of a file when told to', () => {
    registerSecret('canary-of-the-file-before');

    forgetSecrets();

    expect(secretsIn('with canary-of-the-file-before inside')).toEqual([]);
  });
});

describe('requests', () => {
  it('carry any header, also twice, and the marks of a navigation', async () => {
    const provider = await startMisbehavingProvider();

    await request(`${provider.issuer}/x`, {
      headers: { host: 'evil.example', 'sec-fetch-mode': 'cors', 'x-twice': ['a', 'b'] },
    });
    const person = new UserAgent(undefined, {}, visit);
    await person.get(`${provider.issuer}/y`, { headers: { 'sec-fetch-dest': 'image' } });

    const [first, second] = provider.requests;
    expect(first?.headers).toMatchObject({ host: 'evil.example', 'x-twice': 'a, b' });
    expect(second?.headers).toMatchObject({
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'image',
    });
    await provider.close();
  });

  it('find a free port', async () => {
    const port = await freePort();

    const provider = await startMisbehavingProvider({ port });

    expect(provider.issuer).toBe(`http://127.0.0.1:${port}`);
    await provider.close();
  });
});

describe('token vectors', () => {
  const clock = new FakeClock();
  const source = async () => ({
    issuer: 'https://idp.example/realms/demo',
    audience: 'my-aud',
    clientId: 'my-client',
    keys: await Promise.all([testKey('RS256'), testKey('ES256'), testKey('EdDSA')]),
    now: () => clock.now(),
  });

  it.each(['idp', 'own'] as const)('have unique names and cover all rows (%s)', async (kind) => {
    const all = await tokenVectors({ ...(await source()), kind });

    const names = all.map(({ id, name }) => `${id} ${name}`);
    expect(new Set(names).size).toBe(names.length);
    for (let row = 1; row <= 9; row += 1) expect(names.join()).toContain(`JV-${row} `);
    expect(refused(all).length).toBeGreaterThan(200);
    expect(accepted(all).length).toBeGreaterThan(15);
  });

  it.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'are really signed where only the content is wrong (%s)',
    async (alg) => {
      const { keys, ...rest } = await source();
      const sorted = keys.toSorted((a, b) => Number(b.alg === alg) - Number(a.alg === alg));
      const all = await tokenVectors({ ...rest, keys: sorted });
      const contentOnly = all.filter(({ id }) =>
        ['JV-4', 'JV-6', 'JV-7', 'JV-8', 'JV-9'].includes(id),
      );

      const key = await testKey(alg);
      for (const { id, name, token } of contentOnly) {
        await expect(compactVerify(token, key.publicKey), `${id} ${name}`).resolves.toBeDefined();
      }
      expect(contentOnly.length).toBeGreaterThan(100);
    },
  );

  it('begin from a token that is right', async () => {
    const token = await validToken(await source());
    const keyless = await keylessToken(await source());
    const { publicKey } = await testKey('RS256');

    const options = { issuer: 'https://idp.example/realms/demo', audience: 'my-aud' };
    await expect(jwtVerify(token, publicKey, options)).resolves.toBeDefined();
    await expect(jwtVerify(keyless, publicKey, options)).resolves.toBeDefined();
    expect(decodeProtectedHeader(keyless)).not.toHaveProperty('kid');
  });

  it('include parties for audience: false', async () => {
    const all = await tokenPartyVectors(await source());

    expect(refused(all)).toHaveLength(11);
    expect(accepted(all)).toHaveLength(5);
  });

  it('hold a certificate that others can read', async () => {
    const key = await testKey('RS256', 'attacker');

    const certificate = new X509Certificate(selfSignedCertificate(key, 'attacker'));

    expect(certificate.subject).toBe('CN=attacker');
    expect(certificate.verify(key.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
  });

  it('can be fuzzed the same way twice', async () => {
    const ed = { ...(await source()), keys: [await testKey('EdDSA')] };

    const first = [...(await fuzzedPayloads(ed, 200, 7))];
    const second = [...(await fuzzedPayloads(ed, 200, 7))];

    expect(first).toEqual(second);
    expect(new Set(first).size).toBeGreaterThan(150);
  });
});

describe('the fake clock', () => {
  it('moves both clocks, or the wall clock alone', () => {
    const clock = new FakeClock(new Date(0));

    clock.advance(1.5);
    clock.set(new Date(500));

    expect(clock.now().getTime()).toBe(500);
    expect(clock.monotonicMs()).toBe(1500);
  });
});
