import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { flowAdapters, startApp, type TestApp } from '../support/app.js';
import { brokerTokens, startBrokerApp, type BrokerTokens } from '../support/broker-app.js';
import {
  compactJws,
  hmacSigner,
  keySigner,
  unsigned,
  type JsonMembers,
  type Signer,
} from '../support/compact-jws.js';
import { FakeClock } from '../support/fake-clock.js';
import { failWith, type Fault } from '../support/faults.js';
import { request, type Reply } from '../support/http-request.js';
import {
  startMisbehavingProvider,
  type MisbehavingProvider,
} from '../support/misbehaving-provider.js';
import { handleForm, openLogin, postToken } from '../support/open-login.js';
import { expectRefusal } from '../support/refusal.js';
import { testKey, withKid, type SigningKey } from '../support/signing-keys.js';
import { alice } from '../support/users.js';

const clock = new FakeClock();
const nowSec = () => Math.floor(clock.now().getTime() / 1000);

interface Change {
  readonly claims?: JsonMembers;
  readonly header?: JsonMembers;
  readonly signer?: Signer;
  /** In the place of the whole body. */
  readonly body?: string;
  readonly label?: string;
}

interface Keys {
  readonly rsa: SigningKey;
  readonly ec: SigningKey;
  readonly attacker: SigningKey;
}

/** What a signed userinfo may look like. */
const good: Readonly<Record<string, (keys: Keys) => Change>> = {
  'labelled as it should be': () => ({}),
  'labelled with a charset': () => ({ label: 'application/jwt; charset=utf-8' }),
  'labelled in upper case': () => ({ label: 'Application/JWT' }),
  'labelled as JSON': () => ({ label: 'application/json' }),
  'labelled as text': () => ({ label: 'text/plain' }),
  'with a line break at its end': () => ({ body: '\n' }),
  'of the type JWT': () => ({ header: { typ: 'JWT' } }),
  'for several audiences': () => ({ claims: { aud: ['other-client', 'my-client'] } }),
  'with times that hold': () => ({
    claims: { iat: nowSec() + 3, nbf: nowSec() - 60, exp: nowSec() + 60 },
  }),
};

/** What must not become anybody's claims. */
const bad: Readonly<Record<string, (keys: Keys) => Change>> = {
  'signed by somebody else': ({ attacker }) => ({ signer: keySigner(attacker) }),
  'signed by somebody else under a published kid': ({ attacker, rsa }) => ({
    signer: keySigner(withKid(attacker, rsa.kid)),
  }),
  'signed by an algorithm that ID tokens may not have': ({ ec }) => ({ signer: keySigner(ec) }),
  'signed by another algorithm of the same key': ({ rsa }) => ({ signer: keySigner(rsa, 'RS512') }),
  'signed with the client secret': () => ({
    signer: hmacSigner('client-secret-of-at-least-32-characters'),
  }),
  'not signed': () => ({ signer: unsigned() }),
  'not signed, under a published kid': ({ rsa }) => ({ signer: { ...unsigned(), kid: rsa.kid } }),
  'with a key of its own': ({ attacker }) => ({
    signer: keySigner(attacker),
    header: { jwk: attacker.publicJwk, kid: undefined },
  }),
  'with a critical extension': () => ({ header: { crit: ['exp'] } }),
  'from another issuer': () => ({ claims: { iss: 'https://other.example' } }),
  'without issuer': () => ({ claims: { iss: undefined } }),
  'for another client': () => ({ claims: { aud: 'other-client' } }),
  'for the audience of access tokens': () => ({ claims: { aud: 'my-aud' } }),
  'without audience': () => ({ claims: { aud: undefined } }),
  'that has ended': () => ({ claims: { exp: nowSec() - 10 } }),
  'with an end that is text': () => ({ claims: { exp: 'later' } }),
  'from the future': () => ({ claims: { iat: nowSec() + 60 } }),
  'that does not hold yet': () => ({ claims: { nbf: nowSec() + 60 } }),
  'that is an access token': () => ({ header: { typ: 'at+jwt' } }),
  'that is a logout token by its type': () => ({ header: { typ: 'logout+jwt' } }),
  'that is a logout token by its claims': () => ({ claims: { events: {} } }),
  'that is encrypted': () => ({ body: 'e30.e30.e30.e30.e30' }),
  'that is JSON under the label of a JWT': () => ({
    body: JSON.stringify({ sub: alice.sub, groups: ['forged'] }),
  }),
  'that is nothing': () => ({ body: '..' }),
};

/** Of an ID token what a login needs, and no more. */
const only = ({ iss, aud, sub, iat, exp, nonce }: JsonMembers) => ({
  iss,
  aud,
  sub,
  iat,
  exp,
  nonce,
});

/** What the metadata may say of algorithms of userinfo, which is of no matter. */
const listed = [undefined, null, [], ['none'], ['HS256'], ['RS256'], ['ES256']].map(
  (algorithms) => ({ algorithms }),
);

describe.each(flowAdapters)('signed userinfo on %s', (adapter) => {
  let provider: MisbehavingProvider;
  let passthrough: TestApp;
  let broker: TestApp;
  let demanding: TestApp;
  let keys: Keys;

  beforeAll(async () => {
    provider = await startMisbehavingProvider({ clock });
    const [rsa, ec] = provider.keys;
    if (rsa === undefined || ec === undefined) throw new Error('no keys');
    keys = { rsa, ec, attacker: await testKey('RS256', 'attacker') };
    const options = { clientSecret: 'client-secret-of-at-least-32-characters' };
    passthrough = await startApp({ adapter, provider, clock, options });
    broker = await startBrokerApp({ adapter, provider, clock, options });
    demanding = await startBrokerApp({
      adapter,
      provider,
      clock,
      options: { ...options, claims: { groups: 'from-userinfo' } },
    });
    // Whoever believes these lists takes everything below.
    provider.behaviour.metadata = (document) => ({
      ...document,
      userinfo_signing_alg_values_supported: ['RS256', 'RS512', 'ES256', 'HS256', 'none'],
    });
    for (const app of [passthrough, broker, demanding]) await openLogin(app);
  });

  beforeEach(() => {
    provider.resetBehaviour();
    clock.advance(61);
  });

  afterAll(async () => {
    await Promise.all([passthrough, broker, demanding].map((app) => app.close()));
    await provider.close();
  });

  /** Userinfo as a JWT; by itself it holds. */
  function signed({ claims, header, signer = keySigner(keys.rsa), body, label }: Change): Fault {
    const jwt = compactJws(
      { alg: signer.alg, kid: signer.kid, ...header },
      {
        iss: provider.issuer,
        aud: provider.clientId,
        sub: alice.sub,
        preferred_username: 'from-userinfo',
        groups: ['from-userinfo'],
        ...claims,
      },
      signer,
    );
    return async ({ response }) => {
      response.setHeader('content-type', label ?? 'application/jwt');
      response.end(body === '\n' ? `${jwt}\n` : (body ?? jwt));
    };
  }

  /** Tokens that say nothing of roles or names, so that userinfo is asked. */
  function loginWith(app: TestApp): Promise<Reply> {
    provider.behaviour.opaqueAccessTokens = true;
    provider.behaviour.idToken = { claims: only };
    return openLogin(app).then((login) => postToken(app, handleForm(login)));
  }

  async function minted(app: TestApp): Promise<BrokerTokens['claims']> {
    return brokerTokens(await loginWith(app)).claims;
  }

  const profile = () =>
    request(`${passthrough.url}/auth/v2/userinfo`, {
      bearer: provider.accessToken({ preferred_username: undefined, groups: undefined }),
    });

  it.each(Object.keys(good))('CL-5: becomes claims when it holds: %s', async (name) => {
    provider.behaviour.faults.userinfo = signed(good[name]?.(keys) ?? {});

    expect((await profile()).json()).toMatchObject({ username: 'from-userinfo' });
    expect(await minted(broker)).toMatchObject({
      sub: alice.sub,
      preferred_username: 'from-userinfo',
      roles: ['from-userinfo'],
    });
    expect((await minted(demanding))['roles']).toEqual(['from-userinfo']);
  });

  it.each(Object.keys(bad))(
    'CL-5: counts for nothing when it does not, and what needs it is 502: %s',
    async (name) => {
      const change = bad[name]?.(keys) ?? {};
      const claims = { groups: ['forged', 'from-userinfo'], ...change.claims };
      provider.behaviour.faults.userinfo = signed({ ...change, claims });

      expectRefusal(await profile(), 502, 'server_error');
      const said = await minted(broker);
      expect(said).toMatchObject({ sub: alice.sub, roles: [] });
      expect(said).not.toHaveProperty('preferred_username');
      expectRefusal(await loginWith(demanding), 502, 'server_error');
    },
  );

  it.each(listed)(
    'CL-5: is verified whatever the metadata lists: $algorithms',
    async ({ algorithms }) => {
      const other = await startApp({ adapter, provider, clock });
      provider.behaviour.metadata = (document) => ({
        ...document,
        userinfo_signing_alg_values_supported: algorithms,
      });
      const bearer = provider.accessToken({ preferred_username: undefined });
      const asked = () => request(`${other.url}/auth/v2/userinfo`, { bearer });

      provider.behaviour.faults.userinfo = signed({});
      const whenItHolds = await asked();
      provider.behaviour.faults.userinfo = signed({ signer: keySigner(keys.attacker) });
      const whenForged = await asked();

      expect(whenItHolds.json()).toMatchObject({ username: 'from-userinfo' });
      expectRefusal(whenForged, 502, 'server_error');
      await other.close();
    },
  );

  it('CL-5: about another subject is 502, and ends the login', async () => {
    provider.behaviour.faults.userinfo = signed({ claims: { sub: 'sub-of-somebody-else' } });

    expectRefusal(await profile(), 502, 'server_error');
    expectRefusal(await loginWith(broker), 502, 'server_error');
    expect(broker.logs().join('\n')).toContain('subject-mismatch');
  });

  it('CL-5: is not taken while the keys cannot be had, and the login goes on', async () => {
    const other = await startBrokerApp({ adapter, provider, clock });
    await minted(other);
    const next = withKid(await testKey('RS256', 'next of userinfo'), 'next');
    provider.behaviour.jwks = ({ keys: published }) => ({ keys: [...published, next.publicJwk] });
    provider.behaviour.faults = {
      jwks: failWith(503),
      userinfo: signed({ signer: keySigner(next) }),
    };
    clock.advance(31);

    expect(await minted(other)).toMatchObject({ sub: alice.sub, roles: [] });

    await other.close();
  });

  it('LG-1: is named in the log with the claim that does not hold', async () => {
    provider.behaviour.faults.userinfo = signed({ claims: { aud: 'other-client' } });
    const linesBefore = passthrough.logs().length;

    await profile();

    const log = passthrough.logs().slice(linesBefore).join('\n');
    expect(log).toMatch(/aud of the userinfo: expected \\"my-client\\", came \\"other-client\\"/);
    expect(log).toContain(`${provider.issuer}/userinfo`);
  });
});
