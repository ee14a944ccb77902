import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { OidcEvents, type OidcEventMap } from '../../lib/index.js';
import type { TestApp } from '../support/app.js';
import { brokerLogin, guarded, startBrokerApp, type BrokerTokens } from '../support/broker-app.js';
import type { JsonMembers } from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { idTokenMutations } from '../support/id-token-mutations.js';
import { LOGOUT_EVENT, logoutToken, sendLogoutToken } from '../support/logout-token.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { expectRefusal } from '../support/refusal.js';
import { testKey } from '../support/signing-keys.js';
import { alice } from '../support/users.js';

const CLIENT = 'my-client';
const event = (value: unknown): JsonMembers => ({ events: { [LOGOUT_EVENT]: value } });

/** One claim that does not hold, by what it is; `now` in seconds. */
const badClaims: Record<string, (now: number, issuer: string) => JsonMembers> = {
  'another iss': () => ({ iss: 'https://evil.example' }),
  'an iss with a slash more': (_now, issuer) => ({ iss: `${issuer}/` }),
  'an iss in a list': (_now, issuer) => ({ iss: [issuer] }),
  'no iss': () => ({ iss: undefined }),
  'another aud': () => ({ aud: 'other-client' }),
  'the audience of access tokens': () => ({ aud: 'my-aud' }),
  'our own audience': () => ({ aud: 'myapp-api' }),
  'an aud that begins with ours': () => ({ aud: `${CLIENT}-2` }),
  'a list as aud without ours': () => ({ aud: ['other-client'] }),
  'no aud': () => ({ aud: undefined }),
  'an iat in the future': (now) => ({ iat: now + 60 }),
  'an iat that is text': (now) => ({ iat: String(now) }),
  'no iat': () => ({ iat: undefined }),
  'an exp in the past': (now) => ({ exp: now - 10 }),
  'an exp that is text': (now) => ({ exp: String(now + 60) }),
  'an exp that ended with the tolerance': (now) => ({ exp: now - 5 }),
  'no exp': () => ({ exp: undefined }),
  'no jti': () => ({ jti: undefined }),
  'an empty jti': () => ({ jti: '' }),
  'a jti that is no text': () => ({ jti: 7 }),
  'an endless jti': () => ({ jti: 'x'.repeat(257) }),
  'no events': () => ({ events: undefined }),
  'events in a list': () => ({ events: [LOGOUT_EVENT] }),
  'events as text': () => ({ events: LOGOUT_EVENT }),
  'other events': () => ({ events: { 'http://schemas.openid.net/event/other': {} } }),
  'an event that is true': () => event(true),
  'an event that is a list': () => event([]),
  'an event that is null': () => event(null),
  'an inherited event': () => ({ events: { ['__proto__']: { [LOGOUT_EVENT]: {} } } }),
  'a nonce': () => ({ nonce: 'n' }),
  'an empty nonce': () => ({ nonce: '' }),
  'a nonce that is null': () => ({ nonce: null }),
  'neither sub nor sid': () => ({ sub: undefined }),
  'an empty sub': () => ({ sub: '' }),
  'a sub that is no text': () => ({ sub: [alice.sub] }),
  'a sid that is no text': () => ({ sid: 7 }),
  'an empty sid': () => ({ sid: '' }),
};

const goodTypes = [
  undefined,
  'JWT',
  'jwt',
  'logout+jwt',
  'LOGOUT+JWT',
  'application/logout+jwt',
  'application/jwt',
];

const badTypes = [
  'at+jwt',
  'application/at+jwt',
  'AT+JWT',
  'dpop+jwt',
  'secevent+jwt',
  'oauth-id-jag+jwt',
  'token-introspection+jwt',
  'entity-statement+jwt',
  'id_token+jwt',
  'logout+jwt; profile=x',
  'logout+jwt,at+jwt',
  'logout+jwt ',
  'xlogout+jwt',
  'text/logout+jwt',
  'logout',
  'JOSE',
  'ID',
  '',
];

/** Test titles are needed before there is a provider. */
const byHeaderOrKey = [
  ...(await idTokenMutations({
    issuer: '',
    clientId: '',
    clientSecret: '-',
    audience: '',
    keys: await Promise.all([testKey('RS256'), testKey('ES256')]),
    staleNonce: '',
  })),
]
  .filter(([, { claims }]) => claims === undefined)
  .map(([name]) => name);

describe('logout tokens', () => {
  const clock = new FakeClock();
  let provider: MisbehavingProvider;
  let app: TestApp;
  let session: BrokerTokens;
  const refusals: OidcEventMap['logout-token-refused'][] = [];

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    app = await startBrokerApp({ provider, clock, broker: { signingAlgorithm: 'ES256' } });
    session = await brokerLogin(app);
    const events = app.app.get(OidcEvents, { strict: false });
    events.on('logout-token-refused', (refusal) => refusals.push(refusal));
  });

  afterAll(async () => {
    expect(await guarded(app, session.accessToken)).toBe('200'); // after all that was refused
    expect((await sendLogoutToken(app, logoutToken(provider))).status).toBe(200);
    expect(await guarded(app, session.accessToken)).toBe('401 invalid_token');
    await app.close();
    await provider.close();
  });

  it.each(Object.entries(badClaims))('LO-5: are refused with %s', async (_name, change) => {
    const claims = change(Math.floor(clock.now().getTime() / 1000), provider.issuer);
    refusals.length = 0;

    const reply = await sendLogoutToken(app, logoutToken(provider, { claims }));

    expectRefusal(reply, 400, 'invalid_request');
    const [named = ''] = Object.keys(claims);
    expect(refusals).toEqual([{ provider: 'default', reason: expect.stringContaining(named) }]);
    expect(refusals[0]?.reason).not.toContain(alice.sub);
  });

  it.each(badTypes)('LO-5: are refused with the type %s', async (typ) => {
    const reply = await sendLogoutToken(app, logoutToken(provider, { header: { typ } }));

    expectRefusal(reply, 400, 'invalid_request');
  });

  it.each(goodTypes)('LO-5: are taken with the type %s', async (typ) => {
    const claims = { sid: 'nobody', sub: undefined };

    const reply = await sendLogoutToken(app, logoutToken(provider, { claims, header: { typ } }));

    expect(reply.status).toBe(200);
  });

  it('LO-5: are taken with an id of 256 characters', async () => {
    const claims = { jti: 'x'.repeat(256), sid: 'nobody', sub: undefined };

    const reply = await sendLogoutToken(app, logoutToken(provider, { claims }));

    expect(reply.status).toBe(200);
  });

  it('LO-5: without exp count for two minutes where the provider is known to leave it out, and a wrong exp never', async () => {
    const broker = { signingAlgorithm: 'ES256' } as const;
    const options = { requireExpInLogoutToken: false };
    const lax = await startBrokerApp({ provider, clock, broker, options });
    const now = Math.floor(clock.now().getTime() / 1000);
    const outcome = async (claims: JsonMembers): Promise<number> => {
      const some = { sid: 'nobody', sub: undefined, ...claims };
      return (await sendLogoutToken(lax, logoutToken(provider, { claims: some }))).status;
    };

    expect(await outcome({ exp: undefined })).toBe(200);
    expect(await outcome({ exp: undefined, iat: now - 124 })).toBe(200); // 5 s for clocks that differ
    for (const claims of [
      { exp: undefined, iat: now - 125 },
      { exp: undefined, iat: undefined },
      { exp: undefined, iat: now + 60 },
      { exp: now - 10 },
      { exp: null },
      { exp: String(now + 60) },
    ]) {
      expect(await outcome(claims), JSON.stringify(claims)).toBe(400);
    }
    const once = logoutToken(provider, { claims: { exp: undefined, sid: 'nobody' } });
    expect((await sendLogoutToken(lax, once)).status).toBe(200);
    clock.advance(100);
    expect((await sendLogoutToken(lax, once)).status).toBe(400);
    await lax.close();
  });

  it('LG-3: are an alarm when they are refused, with what was expected and what came', async () => {
    clock.advance(61);
    const linesBefore = app.logs().length;

    await sendLogoutToken(app, logoutToken(provider, { claims: { aud: 'other-client' } }));

    const log = app.logs().slice(linesBefore).join('\n');
    expect(log).toMatch(
      /WARN.*logout-token-refused.*aud of the logout token: expected \\"my-client\\", came \\"other-client\\"/,
    );
  });

  it('LG-3: seen before are an alarm too', async () => {
    const token = logoutToken(provider, { claims: { sid: 'nobody', sub: undefined } });
    await sendLogoutToken(app, token);
    refusals.length = 0;

    expectRefusal(await sendLogoutToken(app, token), 400, 'invalid_request');

    expect(refusals).toEqual([{ provider: 'default', reason: 'seen before' }]);
  });

  it.each(byHeaderOrKey)('LO-5: are refused with %s', async (name) => {
    const { issuer, clientId, clientSecret, audience, keys } = provider;
    const source = { issuer, clientId, clientSecret, audience, keys, staleNonce: '' };
    const patch = (await idTokenMutations(source)).get(name) ?? {};
    const key = patch.signer ?? provider.signingKey;
    const header = patch.header?.({ alg: key.alg, kid: key.kid }) ?? {};

    const reply = await sendLogoutToken(app, logoutToken(provider, { header, key }));

    expectRefusal(reply, 400, 'invalid_request');
  });

  it('JV-8: are no ID tokens, access tokens or tokens of ours', async () => {
    for (const token of [
      provider.idToken(),
      provider.idToken({ ...event({}), nonce: 'n', jti: 'j' }),
      provider.accessToken({ aud: CLIENT, jti: 'j' }),
      provider.accessToken({ aud: CLIENT, ...event({}) }, { typ: 'at+jwt' }),
      session.accessToken,
      session.refreshToken,
      'opaque',
      'a.b.c',
      '..',
    ]) {
      expectRefusal(await sendLogoutToken(app, token), 400, 'invalid_request');
    }
  });

  it('JV-8: are no access tokens for the guard', async () => {
    const token = logoutToken(provider, { claims: { aud: ['my-aud', CLIENT, 'myapp-api'] } });

    expect(await guarded(app, token)).toBe('401 invalid_token');
  });

  it('DS-1: are refused when they are too long, before they are decoded', async () => {
    const long = `${logoutToken(provider)}${'A'.repeat(12_288)}`;

    expectRefusal(await sendLogoutToken(app, long), 400, 'invalid_request');
    expectRefusal(await sendLogoutToken(app, 'A'.repeat(20_000)), 400, 'invalid_request');
  });

  it('LO-5: may be for several audiences, and 3 s ahead', async () => {
    const now = Math.floor(clock.now().getTime() / 1000);
    const sid = { sid: 'nobody', sub: undefined };

    for (const changes of [
      { claims: { aud: ['other-client', CLIENT] } },
      { claims: { iat: now + 3 } },
      { claims: { exp: now - 3 } },
      { claims: event({ reason: 'x' }) },
    ]) {
      const token = logoutToken(provider, { ...changes, claims: { ...changes.claims, ...sid } });
      const reply = await sendLogoutToken(app, token);
      expect([JSON.stringify(changes).slice(0, 60), reply.status]).toEqual([
        expect.any(String),
        200,
      ]);
    }
  });
});
