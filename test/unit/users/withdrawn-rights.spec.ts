import { describe, expect, it } from 'vitest';

import type { SaidClaims } from '../../../lib/sessions/session-content.js';
import { failWith } from '../../support/faults.js';
import { startSessionUpstream, type TestUpstream } from '../../support/session-upstream.js';
import { testKey } from '../../support/signing-keys.js';
import { alice } from '../../support/users.js';

const SUB = { sub: alice.sub };
const ADMINS = { ...SUB, groups: ['admins'] };

/** Lets the tokens of a refresh say nothing of the user: no ID token, no JWT. */
function muteTokens({ provider }: TestUpstream): void {
  provider.behaviour.opaqueAccessTokens = true;
  provider.behaviour.tokenResponse = ({ id_token: _idToken, ...body }) => body;
}

/** Lets the provider say nothing at all: it has no userinfo either. */
function mute(upstream: TestUpstream): void {
  muteTokens(upstream);
  upstream.provider.behaviour.metadata = ({ userinfo_endpoint: _endpoint, ...document }) =>
    document;
}

/** How a refresh ends: with the roles of the next token, or with the session. */
async function rolesOrEnd(renewing: ReturnType<TestUpstream['renew']>): Promise<unknown> {
  try {
    return (await renewing).claims['roles'];
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

describe('the scope of a session after a refresh', () => {
  it.each([
    ['openid profile', 'openid profile'],
    ['profile openid', 'openid profile'],
    ['openid profile email admin', 'openid profile email'],
    ['admin', ''],
    [undefined, 'openid profile email'],
    [['openid', 'email'], 'openid email'],
  ])('RF-7: of a provider that says %j is %j', async (said, expected) => {
    const { provider, renew } = await startSessionUpstream();
    provider.behaviour.tokenResponse = ({ scope: _scope, ...body }) =>
      said === undefined ? body : { ...body, scope: said };

    expect((await renew()).scope).toBe(expected);
  });
});

describe('the option "claims" at a refresh of which the provider says nothing', () => {
  const memories: readonly [where: string, said: SaidClaims][] = [
    ['the access token', { accessToken: ADMINS, idToken: SUB }],
    ['the ID token', { idToken: ADMINS }],
    ['userinfo', { idToken: SUB, userinfo: ADMINS }],
  ];

  it.each(memories)('RF-6: holds for what %s said before', async (_, said) => {
    for (const claims of [['admins'], { groups: ['admins'] }]) {
      const upstream = await startSessionUpstream({ claims });
      mute(upstream);

      expect(await rolesOrEnd(upstream.renew({ said }))).toEqual(['admins']);
    }
  });

  it.each(memories)('RF-6: ends a session for what %s said before', async (_, said) => {
    for (const claims of [['owners'], { groups: ['owners'] }, { tenant: 'a' }]) {
      const upstream = await startSessionUpstream({ claims });
      mute(upstream);

      expect(await rolesOrEnd(upstream.renew({ said }))).toBe('claims-no-longer-allowed');
    }
  });

  it('RF-6: is held against the claims of the last mint where nothing else was kept', async () => {
    const claims = { sub: alice.sub, roles: ['admins'] };
    const held = async (demanded: string) => {
      const upstream = await startSessionUpstream({ claims: [demanded] });
      mute(upstream);
      return rolesOrEnd(upstream.renew({ claims, said: undefined }));
    };

    expect(await held('admins')).toEqual(['admins']);
    expect(await held('owners')).toBe('claims-no-longer-allowed');
  });
});

describe('roles that only the login named', () => {
  const shorter: readonly [what: string, change: (upstream: TestUpstream) => void][] = [
    ['comes without an ID token', mute],
    [
      'brings a shorter ID token',
      (upstream) => {
        mute(upstream);
        delete upstream.provider.behaviour.tokenResponse;
        upstream.provider.behaviour.idToken.claims = ({ iss, sub, aud, exp, iat }) => {
          return { iss, sub, aud, exp, iat };
        };
      },
    ],
  ];

  it.each(shorter)('RF-6: are remembered when a refresh %s', async (_, change) => {
    const upstream = await startSessionUpstream({ claims: ['admins'] });
    change(upstream);

    const renewed = await upstream.renew({ said: { idToken: ADMINS } });
    const again = await upstream.renew({ said: renewed.said });

    expect(renewed.claims['roles']).toEqual(['admins']);
    expect(again.claims['roles']).toEqual(['admins']);
  });
});

describe('what the provider says now', () => {
  const everything: SaidClaims = { accessToken: ADMINS, idToken: ADMINS, userinfo: ADMINS };

  it('RF-6: in its access token counts, also while userinfo is down', async () => {
    const upstream = await startSessionUpstream({ claims: ['admins'] });
    upstream.provider.behaviour.accessToken.claims = (claims) => ({
      ...claims,
      email: undefined,
      groups: ['staff'],
      realm_access: undefined,
    });
    upstream.provider.behaviour.idToken.claims = ({ email: _email, ...claims }) => claims;
    upstream.provider.behaviour.faults.userinfo = failWith(503);

    expect(await rolesOrEnd(upstream.renew({ said: everything }))).toBe('claims-no-longer-allowed');
  });

  it.each<[what: string, said: SaidClaims, roles: string[]]>([
    ['that named some before', { idToken: SUB, userinfo: ADMINS }, []],
    ['that named none before', { idToken: ADMINS, userinfo: SUB }, ['admins']],
  ])('RF-6: may be no role any more in userinfo %s', async (_, said, roles) => {
    const upstream = await startSessionUpstream();
    muteTokens(upstream);
    upstream.provider.behaviour.userinfo = ({ sub }) => ({ sub });

    expect(await rolesOrEnd(upstream.renew({ said }))).toEqual(roles);
  });

  it('RF-6: may be an empty list in its ID token', async () => {
    const upstream = await startSessionUpstream();
    mute(upstream);
    delete upstream.provider.behaviour.tokenResponse;
    upstream.provider.behaviour.idToken.claims = (claims) => ({
      ...claims,
      groups: [],
      realm_access: undefined,
      resource_access: undefined,
    });

    expect(await rolesOrEnd(upstream.renew({ said: everything }))).toEqual([]);
  });

  it('RF-6: is asked for wherever a demand depends on it, however much is remembered', async () => {
    const upstream = await startSessionUpstream({ claims: { tenant: 'a' } });
    const said = { idToken: { ...alice, tenant: 'a' } };
    upstream.provider.behaviour.tokenResponse = ({ id_token: _idToken, ...body }) => body;
    upstream.provider.behaviour.userinfo = (claims) => ({ ...claims, tenant: 'a' });
    expect(await rolesOrEnd(upstream.renew({ said }))).toContain('admins');

    upstream.provider.behaviour.userinfo = (claims) => ({ ...claims, tenant: 'b' });

    expect(await rolesOrEnd(upstream.renew({ said }))).toBe('claims-no-longer-allowed');
  });

  it('RF-6: is not known of an access token whose key cannot be had, and what it said before counts', async () => {
    const upstream = await startSessionUpstream({ claims: { tenant: 'a' }, timeoutMs: 500 });
    const events = upstream.verifier.record('claims-not-renewed');
    await upstream.verifier.provider.prepare();
    upstream.provider.behaviour.faults.jwks = failWith(503);
    upstream.provider.signingKey = await testKey('ES256', 'next');

    const said = { accessToken: { ...ADMINS, tenant: 'a' } };

    expect(await rolesOrEnd(upstream.renew({ said }))).toContain('admins');
    expect(events).toHaveLength(1);
  });

  it('RF-6: takes a role away also while "broker.mapClaims" fails, and leaves what the host gave', async () => {
    const upstream = await startSessionUpstream(
      {},
      {
        mapClaims: () => {
          throw new Error('the database of the host is down');
        },
      },
    );
    muteTokens(upstream);
    upstream.provider.behaviour.userinfo = () => ({ ...SUB, groups: ['staff'] });

    const { claims, said } = await upstream.renew({
      claims: { sub: alice.sub, roles: ['admins', 'staff', 'of-the-host'], tenant: 'a' },
      said: { userinfo: { ...SUB, groups: ['admins', 'staff'] } },
    });

    expect(claims).toEqual({ sub: alice.sub, roles: ['staff', 'of-the-host'], tenant: 'a' });
    expect(said?.userinfo).toMatchObject({ groups: ['staff'] });
  });
});
