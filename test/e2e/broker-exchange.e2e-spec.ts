import { decodeJwt } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';

import { hashedId } from '../../lib/events/oidc-events.js';
import { OAuthError, OidcEvents, type LoginNotice } from '../../lib/index.js';
import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { guarded, startBrokerApp, type BrokerAppOptions } from '../support/broker-app.js';
import { countingStore, type CountingStore } from '../support/counting-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { GuardedRoutes } from '../support/guarded-routes.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import {
  ACCESS_TOKEN_TYPE,
  EXCHANGE_GRANT,
  exchange,
  mintedToken,
} from '../support/token-exchange.js';
import { alice } from '../support/users.js';

describe.each(flowAdapters)('token exchange on %s', (adapter) => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let counting: CountingStore;
  let app: TestApp;

  const start = async ({ broker, ...options }: BrokerAppOptions = {}): Promise<TestApp> => {
    const started = await startBrokerApp({
      adapter,
      provider,
      clock,
      ...options,
      broker: { signingAlgorithm: 'ES256', ...broker },
    });
    onTestFinished(() => started.close());
    return started;
  };

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    counting = countingStore();
    app = await startBrokerApp({
      adapter,
      provider,
      clock,
      store: counting.store,
      broker: { signingAlgorithm: 'ES256' },
    });
    await exchange(app, provider.accessToken()); // makes the first signing key
  });

  beforeEach(() => {
    provider.resetBehaviour();
    provider.clearRequests();
    GuardedRoutes.reached.length = 0;
    counting.calls.length = 0;
  });

  afterAll(async () => {
    await app.close();
    await provider.close();
  });

  it('TX-4: answers with a token of ours, in the members of RFC 8693 and no others', async () => {
    const subject = provider.accessToken();

    const reply = await exchange(app, subject);

    expect(reply.json()).toEqual({
      access_token: expect.stringMatching(/^eyJ/),
      token_type: 'Bearer',
      expires: decodeJwt(subject).exp,
      expires_in: 300,
      scope: 'openid profile email myscope',
      issued_token_type: ACCESS_TOKEN_TYPE,
    });
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(await guarded(app, mintedToken(reply))).toBe('200');
  });

  it('TX-3: belongs to no session, cannot be refreshed, and leaves no row', async () => {
    const token = mintedToken(await exchange(app, provider.accessToken()));

    expect(decodeJwt(token)).toEqual({
      iss: app.url,
      aud: 'myapp-api',
      client_id: 'my-client',
      sub: alice.sub,
      preferred_username: 'alice',
      email: alice.email,
      roles: ['staff', 'admins', 'team-a', 'editor'],
      scope: 'openid profile email myscope',
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect(counting.calls.filter((name) => !/^list|purge/.test(name))).toEqual([]);
    expectRefusal(await postToken(app, { refresh_token: token }), 400, 'invalid_grant');
  });

  it('TX-3: lives no longer than the token that it was exchanged for', async () => {
    const nowSec = Math.floor(clock.now().getTime() / 1000);

    for (const [leftSec, expected] of [
      [5, 5],
      [1, 1],
      [7200, 3600],
    ] as const) {
      const reply = await exchange(app, provider.accessToken({ exp: nowSec + leftSec }));
      expect(reply.json()).toMatchObject({ expires_in: expected, expires: nowSec + expected });
      expect(decodeJwt(mintedToken(reply)).exp).toBe(nowSec + expected);
    }
  });

  it('TX-3: holds no scope that the subject token lacks', async () => {
    const subject = provider.accessToken({ scope: 'openid myscope' });

    const narrower = await exchange(app, subject, { scope: 'myscope' });
    const wider = await exchange(app, subject, { scope: 'myscope email' });
    const none = await exchange(app, provider.accessToken({ scope: undefined }));
    const list = await exchange(app, provider.accessToken({ scope: undefined, scp: ['a', 'b'] }));

    expect(decodeJwt(mintedToken(narrower)).scope).toBe('myscope');
    expectRefusal(wider, 400, 'invalid_scope');
    expect(decodeJwt(mintedToken(none)).scope).toBe('');
    expect(decodeJwt(mintedToken(list)).scope).toBe('a b');
  });

  it.each([
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:id_token', 'invalid_request'],
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:refresh_token', 'invalid_request'],
    ['subject_token_type', 'urn:ietf:params:oauth:token-type:jwt', 'invalid_request'],
    ['subject_token_type', ACCESS_TOKEN_TYPE.toUpperCase(), 'invalid_request'],
    ['requested_token_type', 'urn:ietf:params:oauth:token-type:refresh_token', 'invalid_request'],
    ['requested_token_type', 'urn:ietf:params:oauth:token-type:jwt', 'invalid_request'],
    ['actor_token', 'any-token', 'invalid_request'],
    ['audience', 'other-api', 'invalid_target'],
    ['audience', 'myapp-ap', 'invalid_target'],
    ['resource', 'https://other.example.org', 'invalid_target'],
  ])('TX-2: refuses %s=%s with %s, and asks nobody', async (name, value, error) => {
    const reply = await exchange(app, provider.accessToken(), { [name]: value });

    expectRefusal(reply, 400, error);
    expect(provider.requests).toEqual([]);
  });

  it('TX-2: takes what is spelt out and what is ours', async () => {
    const subject_token = provider.accessToken();
    const forms = [
      { subject_token },
      { subject_token, grant_type: EXCHANGE_GRANT, subject_token_type: ACCESS_TOKEN_TYPE },
      { subject_token, requested_token_type: ACCESS_TOKEN_TYPE, audience: 'myapp-api' },
      { subject_token, resource: app.url },
      { subject_token, resource: new URL(app.url).href },
    ];

    for (const form of forms) mintedToken(await postToken(app, form));
  });

  it('TX-2: refuses fields that come twice', async () => {
    const pair = new URLSearchParams({
      grant_type: EXCHANGE_GRANT,
      subject_token: provider.accessToken(),
    });
    pair.append('audience', 'myapp-api');
    pair.append('audience', 'other');

    expectRefusal(await postToken(app, pair), 400, 'invalid_request');
  });

  it('TK-1: is refused where the grant is off, and in passthrough mode', async () => {
    const off = await start({ options: { grants: { exchange: false } } });
    const passthrough = await startApp({ adapter, provider });
    onTestFinished(() => passthrough.close());

    for (const other of [off, passthrough]) {
      const reply = await exchange(other, provider.accessToken());
      expectRefusal(reply, 400, 'unsupported_grant_type');
    }
  });

  it('CL-2: holds the option "claims" against the subject token', async () => {
    const strict = await start({ options: { claims: { groups: ['team-a'] } } });

    mintedToken(await exchange(strict, provider.accessToken()));
    const other = provider.accessToken({ groups: ['team-b'] });

    const reply = await exchange(strict, other);

    expect([reply.status, reply.json()['error']]).toEqual([403, 'insufficient_scope']);
  });

  it('CL-5: is refused when userinfo is about somebody else', async () => {
    provider.behaviour.userinfo = () => ({ sub: 'sub-0002-bob', email: 'bob@example.org' });

    const reply = await exchange(app, provider.accessToken({ email: undefined }));

    expectRefusal(reply, 502, 'server_error');
  });

  it('is for the host to refuse by "onLogin", and to add claims to', async () => {
    const seen: LoginNotice[] = [];
    let refuse = false;
    const asking = await start({
      broker: { mapClaims: () => ({ tenant: 't1' }) },
      options: {
        onLogin: (login) => {
          seen.push(login);
          if (refuse) throw new OAuthError('access_denied', 'Not today', { status: 403 });
        },
      },
    });

    const token = mintedToken(await exchange(asking, provider.accessToken()));
    refuse = true;
    const reply = await exchange(asking, provider.accessToken());

    expect(decodeJwt(token)['tenant']).toBe('t1');
    expect([reply.status, reply.json()['error']]).toEqual([403, 'access_denied']);
    expect(seen.map(({ grant }) => grant)).toEqual(['token_exchange', 'token_exchange']);
    expect(seen[0]?.claims).toMatchObject({ iss: provider.issuer, sub: alice.sub });
  });

  it('LG-3: of an issuer that nobody knows is refused, and the log names the options of the provider', async () => {
    const own = await start();
    const subject = provider.accessToken({ iss: 'https://other.example.org' });

    expectRefusal(await exchange(own, subject), 400, 'invalid_request');

    const [line = ''] = own.logs().filter((one) => one.includes('unknown issuer'));
    expect(line).toContain(
      'came "https://other.example.org"; see "discoveryUrl", "issuer", "accessTokenIssuers"',
    );
  });

  it('LG-3: is told to the host as an event, and no token is logged', async () => {
    const seen: unknown[] = [];
    const end = app.app.get(OidcEvents, { strict: false }).on('login', (event) => seen.push(event));

    mintedToken(await exchange(app, provider.accessToken()));
    end();

    expect(seen).toEqual([
      { provider: 'default', grant: 'token_exchange', subject: hashedId(alice.sub) },
    ]);
  });

  it('LO-2: is ended by revocation of the token, and with all sessions of its subject', async () => {
    const [one, two] = [
      mintedToken(await exchange(app, provider.accessToken())),
      mintedToken(await exchange(app, provider.accessToken())),
    ];

    await app.service.revoke(one);
    expect([await guarded(app, one), await guarded(app, two)]).toEqual([
      '401 invalid_token',
      '200',
    ]);
    await app.service.revokeSessions(alice.sub);

    expect(await guarded(app, two)).toBe('401 invalid_token');
    clock.advance(1);
    expect(await guarded(app, mintedToken(await exchange(app, provider.accessToken())))).toBe(
      '200',
    );
  });
});
