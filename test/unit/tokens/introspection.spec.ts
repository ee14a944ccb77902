import { EventEmitter, once } from 'node:events';

import { describe, expect, it, vi } from 'vitest';

import { looksLikeJws } from '../../../lib/tokens/compact-jws.js';
import { completed, saysAccessToken } from '../../../lib/tokens/introspection.js';
import {
  answerWith,
  closeSocket,
  emptyBody,
  failWith,
  html,
  redirectTo,
  truncatedJson,
} from '../../support/faults.js';
import { sendAnswer } from '../../support/provider-answer.js';
import { TEST_CLIENT_SECRET } from '../../support/provider-options.js';
import { startVerifier, tally } from '../../support/verifier.js';

const opaque = { clientSecret: TEST_CLIENT_SECRET, introspection: true };
const start = (options: object = {}) => startVerifier({ options: { ...opaque, ...options } });

describe('an opaque access token', () => {
  it('is taken, with the claims of the answer, when the provider says that it is active', async () => {
    const { provider, verifier } = await start();

    const claims = await verifier.verify(provider.opaqueToken({ groups: 'staff' }));

    expect(claims).toMatchObject({ iss: provider.issuer, aud: 'my-aud', groups: ['staff'] });
    expect(claims).not.toHaveProperty('active');
    expect(Object.isFrozen(claims)).toBe(true);
    const [asked] = provider.requestsTo('introspection');
    expect(asked?.headers.authorization).toMatch(/^Basic /);
    expect(asked?.body).toMatchObject({ token_type_hint: 'access_token' });
  });

  it.each([
    ['is not active', { active: false }],
    ['is of another issuer', { iss: 'https://evil.example' }],
    ['has an issuer that is no text', { iss: ['https://evil.example'] }],
    ['is for another audience', { aud: 'other-aud' }],
    ['is for nobody', { aud: undefined }],
    ['is of nobody', { sub: undefined }],
    ['is over', { exp: 1 }],
    ['ends at no number', { exp: 'tomorrow' }],
    ['is not valid yet', { nbf: 4_000_000_000 }],
    ['is bound to a key, and comes alone', { cnf: { jkt: 'x'.repeat(43) } }],
    ['is bound to no thumbprint', { cnf: { jkt: 'x' } }],
    ['is bound to a certificate', { cnf: { 'x5t#S256': 'x'.repeat(43) } }],
    ['is a DPoP token of no key', { token_type: 'DPoP' }],
    ['is a DPoP token of Keycloak of no key', { typ: 'DPoP' }],
    ['is a DPoP token of Keycloak of no key after all', { typ: 'DPoP', token_type: 'Bearer' }],
    ['is a DPoP token, and comes alone', { token_type: 'DPoP', cnf: { jkt: 'x'.repeat(43) } }],
    ['is a token of no type', { token_type: 7 }],
    ['shows no access token', { typ: undefined }],
    ['is a refresh token of Keycloak', { typ: 'Refresh', token_type: 'Bearer' }],
    ['is a refresh token of Hydra', { typ: undefined, token_use: 'refresh_token' }],
    ['is a refresh token of Hydra after all', { token_use: 'refresh_token' }],
  ])('IN-1: that %s is refused', async (_, members) => {
    const { provider, verifier } = await start();
    provider.behaviour.introspection = (body) => ({ ...body, ...members });

    expect(await verifier.outcome(provider.opaqueToken())).toBe('401 invalid_token');
    expect(provider.requestsTo('introspection')).toHaveLength(1);
  });

  it('IN-1: of another client is refused where the client decides', async () => {
    const { provider, verifier } = await start({ audience: false });

    expect(await verifier.outcome(provider.opaqueToken({ aud: undefined }))).toBe('accepted');
    const foreign = provider.opaqueToken({ aud: undefined, azp: 'other-client' });
    expect(await verifier.outcome(foreign)).toBe('401 invalid_token');
  });

  it('is taken without iss and typ when token_type shows an access token', async () => {
    const { provider, verifier } = await start();
    provider.behaviour.introspection = ({ iss: _iss, typ: _typ, ...body }) => ({
      ...body,
      token_type: 'bearer',
    });

    const claims = await verifier.verify(provider.opaqueToken());

    expect(claims.iss).toBe(provider.issuer);
  });

  it('is an access token by the mark of the provider, and by nothing else then', async () => {
    const { provider, verifier } = await start({ accessTokenMark: { kind: 'access' } });

    expect(await verifier.outcome(provider.opaqueToken({ typ: undefined, kind: 'access' }))).toBe(
      'accepted',
    );
    expect(await verifier.outcome(provider.opaqueToken({ typ: undefined }))).toBe(
      '401 invalid_token',
    );
  });

  it('is sent nowhere unless the option says so', async () => {
    const { provider, verifier } = await startVerifier();

    expect(await verifier.outcome(provider.opaqueToken())).toBe('401 invalid_token');
    expect(provider.requestsTo('introspection')).toEqual([]);
  });

  it('is sent nowhere when it looks otherwise than those of the provider', async () => {
    const { provider, verifier } = await start({ introspection: { match: 'ory_at_' } });

    expect(await verifier.outcome(provider.opaqueToken({}, 'ory_at_'))).toBe('accepted');
    expect(await verifier.outcome(provider.opaqueToken({}, 'ory_rt_'))).toBe('401 invalid_token');
    expect(provider.requestsTo('introspection')).toHaveLength(1);
  });

  it('may look like an expression', async () => {
    const { provider, verifier } = await start({ introspection: { match: /^at-\d+\./ } });

    expect(await verifier.outcome(provider.opaqueToken({}, 'at-17.'))).toBe('accepted');
    expect(await verifier.outcome(provider.opaqueToken({}, 'at-x.'))).toBe('401 invalid_token');
  });

  it('with three parts is opaque all the same when the first is no JSON', async () => {
    const { provider, verifier } = await start();

    expect(await verifier.outcome(provider.opaqueToken({}, 'a.b.'))).toBe('accepted');
  });

  it('a JWT is verified as before, and nobody is asked about it', async () => {
    const { provider, verifier } = await start();

    expect(await verifier.outcome(provider.accessToken())).toBe('accepted');
    expect(await verifier.outcome(provider.accessToken({ exp: 1 }))).toBe('401 invalid_token');
    expect(provider.requestsTo('introspection')).toEqual([]);
  });
});

describe('what is remembered of an opaque token', () => {
  it('that is active counts for cacheSec by the monotonic clock, and no longer', async () => {
    const { clock, provider, verifier } = await start({ introspection: { cacheSec: 20 } });
    const token = provider.opaqueToken();
    const asked = () => provider.requestsTo('introspection').length;

    await verifier.verify(token);
    clock.advance(19.9);
    await verifier.verify(token);
    expect(asked()).toBe(1);

    clock.advance(0.1);
    provider.behaviour.introspection = () => ({ active: false });
    expect(await verifier.outcome(token)).toBe('401 invalid_token');
    expect(asked()).toBe(2);
  });

  it('ends with the token', async () => {
    const { clock, provider, verifier } = await start({
      introspection: { cacheSec: 60 },
      clockToleranceSec: 0,
    });
    const exp = Math.floor(clock.now().getTime() / 1000) + 10;
    const token = provider.opaqueToken({ exp });
    await verifier.verify(token);

    clock.advance(11);

    expect(await verifier.outcome(token)).toBe('401 invalid_token');
  });

  it('is known for as long as the answer counts when it has no end of its own', async () => {
    const { clock, provider, verifier } = await start({ introspection: { cacheSec: 20 } });

    const { exp } = await verifier.verify(provider.opaqueToken({ exp: undefined }));

    expect(exp).toBe(Math.floor(clock.now().getTime() / 1000) + 20);
  });

  it('0 seconds asks for each request', async () => {
    const { provider, verifier } = await start({ introspection: { cacheSec: 0 } });
    const token = provider.opaqueToken();

    await verifier.verify(token);
    await verifier.verify(token);

    expect(provider.requestsTo('introspection')).toHaveLength(2);
  });

  it('that is not active counts for five seconds', async () => {
    const { clock, provider, verifier } = await start();
    const token = provider.opaqueToken();
    provider.behaviour.introspection = () => ({ active: false });
    expect(await verifier.outcome(token)).toBe('401 invalid_token');
    provider.resetBehaviour();
    provider.behaviour.now = () => clock.now();

    clock.advance(4.9);
    expect(await verifier.outcome(token)).toBe('401 invalid_token');
    expect(provider.requestsTo('introspection')).toHaveLength(1);

    clock.advance(0.1);
    expect(await verifier.outcome(token)).toBe('accepted');
  });

  it('IN-2: one call serves all who bring the token at the same time', async () => {
    const { provider, verifier } = await start();
    const token = provider.opaqueToken();

    await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));

    expect(provider.requestsTo('introspection')).toHaveLength(1);
  });
});

describe('a flood of unknown opaque tokens', () => {
  it('IN-2: takes less than half of the calls, and known tokens and logins do not wait for it', async () => {
    const { provider, verifier } = await start({ maxUpstreamCalls: 10 });
    const known = provider.opaqueToken();
    await verifier.verify(known);
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    let most = 0;
    let underWay = 0;
    provider.behaviour.faults.introspection = async ({ response }) => {
      most = Math.max(most, (underWay += 1));
      await opened;
      underWay -= 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"active":false}');
    };

    const flood = Array.from({ length: 1000 }, (_, at) => verifier.outcome(`unknown-${at}`));
    expect(await verifier.outcome(known)).toBe('accepted');
    expect(await verifier.provider.refresh(provider.grantRefreshToken(), undefined)).toBeDefined();
    gate.emit('open');

    expect(tally(await Promise.all(flood))).toEqual({
      '401 invalid_token': 3,
      '503 temporarily_unavailable': 997,
    });
    expect(most).toBe(3);
    expect(provider.requestsTo('introspection')).toHaveLength(4);
    provider.behaviour.faults = {};
    expect(await verifier.outcome(provider.opaqueToken())).toBe('accepted');
  });

  it('IN-2: leaves calls for tokens that were active before, half of all calls at most together', async () => {
    const { clock, provider, verifier } = await start({ maxUpstreamCalls: 10 });
    const known = Array.from({ length: 3 }, () => provider.opaqueToken());
    const outcomes = () => Promise.all(known.map((token) => verifier.outcome(token)));
    await outcomes();
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    provider.behaviour.faults.introspection = async ({ request, response, usual }) => {
      if (String(request.body['token']).startsWith('unknown')) await opened;
      sendAnswer(response, await usual());
    };
    const flood = Array.from({ length: 100 }, (_, at) => verifier.outcome(`unknown-${at}`));
    await vi.waitFor(() => expect(provider.requestsTo('introspection')).toHaveLength(6));

    clock.advance(31);
    const asked = tally(await outcomes());
    gate.emit('open');
    await Promise.all(flood);

    expect(asked).toEqual({ accepted: 2, '503 temporarily_unavailable': 1 });
    expect(tally(await outcomes())).toEqual({ accepted: 3 });
  });

  it('IN-2: a token that is active no more is one like others', async () => {
    const { clock, provider, verifier } = await start({ maxUpstreamCalls: 4 });
    const gone = provider.opaqueToken();
    await verifier.verify(gone);
    provider.behaviour.introspection = () => ({ active: false });
    clock.advance(31);
    expect(await verifier.outcome(gone)).toBe('401 invalid_token');
    clock.advance(6);
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    provider.behaviour.faults.introspection = async ({ response, usual }) => {
      await opened;
      sendAnswer(response, await usual());
    };

    const unknown = verifier.outcome('unknown');
    expect(await verifier.outcome(gone)).toBe('503 temporarily_unavailable');
    gate.emit('open');

    expect(await unknown).toBe('401 invalid_token');
  });
});

describe('an introspection endpoint that fails', () => {
  it.each([
    ['closes the connection', closeSocket('before')],
    ['answers 500', failWith(500)],
    ['answers 429', failWith(429)],
    ['refuses our credentials', failWith(401, { body: { error: 'invalid_client' } })],
    ['finds the request malformed', failWith(400, { body: { error: 'invalid_request' } })],
    ['redirects', redirectTo('https://evil.example/')],
    ['sends a page', html()],
    ['sends nothing', emptyBody()],
    ['breaks off', truncatedJson()],
    ['does not say active', answerWith({ status: 200, body: { sub: 'alice' } })],
    ['says active as text', answerWith({ status: 200, body: { active: 'true' } })],
    ['sends a list', answerWith({ status: 200, body: [{ active: true }] })],
    ['sends 2 MiB', answerWith({ status: 200, body: { active: true, x: 'x'.repeat(2 ** 21) } })],
  ])('IN-3: that %s is a 503, and a remembered answer counts on', async (_, fault) => {
    const { clock, provider, verifier } = await start({ introspection: { cacheSec: 10 } });
    const known = provider.opaqueToken();
    await verifier.verify(known);

    provider.behaviour.faults.introspection = fault;

    expect(await verifier.outcome(provider.opaqueToken())).toBe('503 temporarily_unavailable');
    expect(await verifier.outcome(known)).toBe('accepted');
    clock.advance(10);
    expect(await verifier.outcome(known)).toBe('503 temporarily_unavailable');
  });

  it('IN-3: that is not there is a 503', async () => {
    const { provider, verifier } = await start();
    provider.behaviour.metadata = ({ introspection_endpoint: _none, ...rest }) => rest;

    expect(await verifier.outcome(provider.opaqueToken())).toBe('503 temporarily_unavailable');
  });

  it('is where the option says', async () => {
    const { provider, verifier } = await start();
    provider.behaviour.metadata = ({ introspection_endpoint: _none, ...rest }) => rest;
    const other = await startVerifier({
      options: {
        ...opaque,
        discoveryUrl: provider.discoveryUrl,
        endpoints: { introspection: `${provider.issuer}/introspect` },
      },
    });

    expect(await other.verifier.outcome(provider.opaqueToken())).toBe('accepted');
    expect(await verifier.outcome(provider.opaqueToken())).toBe('503 temporarily_unavailable');
  });
});

describe('JWTs that are asked about too', () => {
  const always = { introspection: { always: true } };

  it('are refused once the provider says so, and have the claims of the answer', async () => {
    const { clock, provider, verifier } = await start(always);
    const light = provider.accessToken({ sub: undefined, aud: undefined, groups: undefined });
    provider.behaviour.introspection = (body) => ({
      ...body,
      sub: 'alice',
      aud: 'my-aud',
      groups: ['staff'],
    });

    expect(await verifier.verify(light)).toMatchObject({ sub: 'alice', groups: ['staff'] });

    provider.behaviour.introspection = () => ({ active: false });
    clock.advance(30);
    expect(await verifier.outcome(light)).toBe('401 invalid_token');
  });

  it('are verified first: one that does not hold is not asked about', async () => {
    const { provider, verifier } = await start(always);
    const [head, body] = provider.accessToken().split('.');

    expect(await verifier.outcome(`${head}.${body}.AAAA`)).toBe('401 invalid_token');
    expect(await verifier.outcome(provider.accessToken({ exp: 1 }))).toBe('401 invalid_token');
    expect(provider.requestsTo('introspection')).toEqual([]);
  });

  it.each([
    ['another user', { sub: 'mallory' }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['another token', { jti: 'another' }],
    ['a token that is bound to a key', { cnf: { jkt: 'x'.repeat(43) } }],
    ['a token of another type', { token_type: 'DPoP' }],
    ['a token that is over', { exp: 1 }],
  ])('IN-1: are refused when the answer is about %s', async (_, members) => {
    const { provider, verifier } = await start(always);
    provider.behaviour.introspection = (body) => ({ ...body, ...members });

    expect(await verifier.outcome(provider.accessToken())).toBe('401 invalid_token');
  });
});

describe('reading of introspection', () => {
  it('tells a JWS by its shape', () => {
    expect(looksLikeJws('e30.e30.x')).toBe(true);
    for (const other of ['', 'opaque', 'a.b.c', 'e30.e30', 'e30.e30.x.y', 'bnVsbA.e30.x'])
      expect(looksLikeJws(other), other).toBe(false);
  });

  it('IN-1: takes a binding from whoever says it, and from both the same', () => {
    const [one, other] = [{ jkt: 'x'.repeat(43) }, { jkt: 'y'.repeat(43) }];

    expect(completed({ cnf: one, exp: 5 }, {})).toEqual({ cnf: one, exp: 5 });
    expect(completed({ cnf: one, exp: 5 }, { cnf: null })).toEqual({ cnf: one, exp: 5 });
    expect(completed({ exp: 5 }, { cnf: one })).toEqual({ cnf: one, exp: 5 });
    expect(completed({ cnf: one, exp: 5 }, { cnf: { ...one } })).toEqual({ cnf: one, exp: 5 });
    for (const cnf of [other, {}, { ...one, 'x5t#S256': 'z' }, 'x']) {
      expect(() => completed({ cnf: one, exp: 5 }, { cnf })).toThrow(/invalid/);
    }
  });

  it('takes the earlier end of the two', () => {
    expect(completed({ exp: 5 }, { exp: 4 })).toEqual({ exp: 4 });
    expect(completed({ exp: 5 }, { exp: 6 })).toEqual({ exp: 5 });
    expect(completed({ exp: 5 }, {})).toEqual({ exp: 5 });
  });

  it('finds an access token by what providers write', () => {
    for (const members of [
      { token_type: 'BEARER' },
      { typ: 'Bearer' },
      { token_use: 'access_token' },
    ])
      expect(saysAccessToken(members)).toBe(true);
    expect(saysAccessToken({ token_type: null })).toBe(false);
  });
});
