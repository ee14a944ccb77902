import { describe, expect, it } from 'vitest';

import { startCollector } from '../../support/claims-collector.js';
import type { MisbehavingProvider } from '../../support/misbehaving-provider.js';
import { testKey } from '../../support/signing-keys.js';
import { alice } from '../../support/users.js';

const withoutRoles = { realm_access: undefined, resource_access: undefined, groups: undefined };

/** Tokens of the provider that are not about this user, for this client, or not of the provider at all. */
const uselessTokens: Record<string, (provider: MisbehavingProvider) => Promise<string> | string> = {
  'is opaque': () => 'opaque-access-token',
  'is of another subject': (provider) => provider.accessToken({ sub: 'sub-0002-bob' }),
  'was issued to another client': (provider) => provider.accessToken({ azp: 'other-client' }),
  'names no client': (provider) => provider.accessToken({ azp: undefined }),
  'is of another issuer': (provider) => provider.accessToken({ iss: 'https://evil.example' }),
  'has expired': (provider) => provider.accessToken({ exp: 1 }),
  'is signed by somebody else': async (provider) =>
    provider.accessToken({}, {}, await testKey('RS256', 'attacker')),
};

describe('the roles of a minted token', () => {
  it('CL-2: are those of the access token, in one list, without those of other clients', async () => {
    const { claims } = await startCollector();

    expect((await claims({ idToken: { sub: alice.sub, groups: ['of-id-token'] } })).roles).toEqual([
      'staff',
      'admins',
      'team-a',
      'editor',
    ]);
  });

  it('CL-2: are those of other clients only where "broker.roleClients" names them', async () => {
    const { claims } = await startCollector({ roleClients: ['other-client'] });

    expect((await claims()).roles).toEqual(['staff', 'admins', 'team-a', 'superuser']);
  });

  it('CL-2: are none of the ID token where the access token verifies, even when it names none', async () => {
    const { provider, claims } = await startCollector();
    const accessToken = provider.accessToken(withoutRoles);

    const { roles } = await claims({ accessToken, idToken: { groups: ['of-id-token'] } });

    expect(roles).toEqual([]);
  });

  it('CL-2: are taken from a token for any audience that was issued to our client', async () => {
    const { provider, claims } = await startCollector();

    const { roles } = await claims({ accessToken: provider.accessToken({ aud: 'account' }) });

    expect(roles).toContain('admins');
  });

  it.each(Object.entries(uselessTokens))(
    'CL-2: are those of the ID token when the access token %s',
    async (_how, tokenOf) => {
      const { provider, claims } = await startCollector();
      const accessToken = await tokenOf(provider);
      const { sub, preferred_username, email } = alice;
      const idToken = { sub, preferred_username, email, groups: ['of-id-token'] };

      expect((await claims({ accessToken, idToken })).roles).toEqual(['of-id-token']);
    },
  );

  it('CL-2: are those of userinfo when neither token says any', async () => {
    const { provider, claims } = await startCollector();
    const idToken = { sub: alice.sub, groups: null };

    const { roles } = await claims({
      accessToken: provider.accessToken({ azp: 'other-client' }),
      idToken,
    });

    expect(roles).toEqual(['staff', 'admins', 'team-a', 'editor']);
  });

  it('CL-2: stay those of the last mint when nobody says any at a refresh', async () => {
    const { provider, claims } = await startCollector();
    provider.behaviour.userinfo = ({ sub }) => ({ sub });

    const { roles } = await claims(
      { accessToken: provider.accessToken({ azp: 'other-client' }), idToken: { sub: alice.sub } },
      { sub: alice.sub, roles: ['of-last-mint'] },
    );

    expect(roles).toEqual(['of-last-mint']);
  });
});

describe('user name and e-mail of a minted token', () => {
  it('CL-4: are top-level claims, whatever nested ones say', async () => {
    const { provider, claims } = await startCollector();
    const nested = { preferred_username: 'admin', email: 'admin@example.org' };
    const accessToken = provider.accessToken({ attributes: nested, preferred_username: undefined });

    const minted = await claims({ accessToken, idToken: { attributes: nested } });

    expect(minted).toMatchObject({ preferred_username: 'alice', email: 'alice@example.org' });
    expect(JSON.stringify(minted)).not.toContain('admin@');
  });

  it('CL-4: an address never travels with the "email_verified" of another one', async () => {
    const { provider, claims } = await startCollector();
    const accessToken = provider.accessToken({
      email: 'other@example.org',
      email_verified: true,
    });
    const idToken = { email: 'alice@example.org' };

    expect(await claims({ accessToken, idToken })).toMatchObject({
      email: 'other@example.org',
      email_verified: true,
    });
    const unverified = await claims({ idToken });
    expect(unverified).toMatchObject({ email: 'alice@example.org' });
    expect(unverified).not.toHaveProperty('email_verified');
  });

  it('CL-4: an address comes with "email_verified" where a source says both', async () => {
    const { claims } = await startCollector(); // access tokens of this provider say the address alone

    expect(await claims({ idToken: { ...alice, email_verified: false } })).toMatchObject({
      email: alice.email,
      email_verified: false,
    });
  });

  it('CL-4: those of the last mint give way to what is said now', async () => {
    const { provider, claims } = await startCollector();
    const before = { sub: alice.sub, preferred_username: 'old', email: 'old@example.org' };
    const accessToken = provider.accessToken({ email: undefined });
    provider.behaviour.userinfo = ({ sub }) => ({ sub });

    const minted = await claims({ accessToken }, before);

    expect(minted).toMatchObject({ preferred_username: 'alice', email: 'old@example.org' });
  });

  it.each([7, ['alice'], { toString: 'alice' }, '', null])(
    'CL-4: count as absent when they are %j',
    async (value) => {
      const { provider, claims } = await startCollector();
      provider.behaviour.userinfo = ({ sub }) => ({ sub });
      const odd = { preferred_username: value, email: value };

      const minted = await claims({ accessToken: provider.accessToken(odd), idToken: odd });

      expect(minted).not.toHaveProperty('preferred_username');
      expect(minted).not.toHaveProperty('email');
    },
  );
});

describe('DP-1: an access token that is bound to a key', () => {
  it.each([
    [true, 0],
    [false, 1],
  ])('(%s) is no bearer token: userinfo is asked %i times', async (isBound, times) => {
    const { provider, collector } = await startCollector();
    const tokens = { accessToken: 'opaque', isBound, idTokenClaims: { sub: alice.sub } };

    await collector.collect(tokens, { iss: provider.issuer, sub: alice.sub });

    expect(provider.requestsTo('userinfo')).toHaveLength(times);
  });
});

describe('RF-6: an access token of which nothing is known', () => {
  it('says no roles at a login where nobody does', async () => {
    const { provider, claims } = await startCollector();
    provider.behaviour.userinfo = ({ sub }) => ({ sub });

    expect((await claims({ accessToken: 'opaque', idToken: { sub: alice.sub } })).roles).toEqual(
      [],
    );
  });

  it('is no source that could not be had: it is none', async () => {
    const { provider, collect } = await startCollector();
    provider.behaviour.userinfo = (usual) => ({ ...usual, sub: alice.sub });
    const accessToken = provider.accessToken({ azp: 'other-client' });

    expect(await collect({ accessToken })).toMatchObject({ incomplete: false, unknown: false });
  });
});
