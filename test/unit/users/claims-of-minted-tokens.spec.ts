import { describe, expect, it } from 'vitest';

import { OAuthError, type OidcAuthOptions } from '../../../lib/index.js';
import { type Said, startCollector } from '../../support/claims-collector.js';
import { failWith } from '../../support/faults.js';
import { capturedLogs } from '../../support/output-capture.js';
import { alice } from '../../support/users.js';

/** What comes of the option at a login. */
const outcome = async (options: Partial<OidcAuthOptions>, said: Said = {}): Promise<string> => {
  const { collector, collect } = await startCollector({}, options);
  try {
    collector.checkDemands(await collect(said));
    return 'allowed';
  } catch (error) {
    if (error instanceof OAuthError) return error.error;
    throw error;
  }
};

describe('the option "claims" in broker mode', () => {
  it.each<[object, string]>([
    [{ 'realm_access.roles': ['staff', 'admins'] }, 'allowed'],
    [{ 'realm_access.roles': ['staff', 'owners'] }, 'insufficient_scope'],
    [{ 'realm_access.roles': 'Staff' }, 'insufficient_scope'],
    [{ 'resource_access.other-client.roles': 'superuser' }, 'allowed'],
    [{ aud: 'my-aud', azp: 'my-client' }, 'allowed'],
    [{ 'constructor.name': 'Object' }, 'insufficient_scope'],
  ])('CL-2: %j is held against the claims of the provider: %s', async (claims, expected) => {
    expect(await outcome({ claims: { ...claims } })).toBe(expected);
  });

  it('CL-2: a list is held against the flat roles, without those of other clients', async () => {
    expect(await outcome({ claims: ['staff', 'editor'] })).toBe('allowed');
    expect(await outcome({ claims: ['superuser'] })).toBe('insufficient_scope');
  });

  it('CL-2: knows how the user was authenticated, which the ID token says', async () => {
    const claims = { acr: 'gold', amr: ['otp'] };

    expect(await outcome({ claims }, { idToken: { acr: 'gold', amr: ['pwd', 'otp'] } })).toBe(
      'allowed',
    );
    expect(await outcome({ claims }, { remembered: { acr: 'gold', amr: ['otp'] } })).toBe(
      'allowed',
    );
    expect(await outcome({ claims }, { idToken: { acr: 'gold', amr: ['pwd'] } })).toBe(
      'insufficient_scope',
    );
  });

  it('CL-5: a demanded claim that only userinfo says, and userinfo is down: 502, not 403', async () => {
    const { provider, collector, collect } = await startCollector(
      {},
      { claims: { name: 'Alice Doe' } },
    );
    collector.checkDemands(await collect());

    provider.behaviour.faults.userinfo = failWith(503);
    const collected = await collect();

    expect(() => collector.checkDemands(collected)).toThrow(
      expect.objectContaining({ error: 'server_error', status: 502 }),
    );
  });
});

describe('broker.mapClaims', () => {
  it('is given what the provider says of the user, frozen, and nothing of its tokens', async () => {
    let given: Readonly<Record<string, unknown>> = {};
    const { claims } = await startCollector({
      mapClaims: (claimsOfProvider) => {
        given = claimsOfProvider;
        return {};
      },
    });

    await claims({ idToken: { ...alice, nonce: 'n', at_hash: 'h', sid: 's' } });

    expect(given).toMatchObject({ sub: alice.sub, name: 'Alice Doe', groups: ['team-a'] });
    expect(Object.isFrozen(given)).toBe(true);
    for (const name of ['nonce', 'at_hash', 'sid', 'aud', 'exp', 'azp', 'scope', 'jti']) {
      expect(given).not.toHaveProperty(name);
    }
  });

  it('adds claims, also later than at once', async () => {
    const { claims } = await startCollector({
      mapClaims: async ({ groups }) => ({ tenant: 't1', teams: groups, gone: undefined }),
    });

    const minted = await claims();

    expect(minted).toMatchObject({ tenant: 't1', teams: ['team-a'], sub: alice.sub });
    expect(minted).not.toHaveProperty('gone');
  });

  it('CL-4: sets no name that the token itself needs', async () => {
    const reserved =
      'iss sub aud exp nbf iat jti sid idp scope scp client_id azp appid cid typ token_use events nonce at_hash c_hash cnf act may_act';
    const mapped = Object.fromEntries(reserved.split(' ').map((name) => [name, 'of-the-host']));
    const { claims } = await startCollector({ mapClaims: () => ({ ...mapped, tenant: 't1' }) });

    const minted = await claims();

    expect(Object.values(minted)).not.toContain('of-the-host');
    expect(minted).toMatchObject({ sub: alice.sub, tenant: 't1' });
  });

  it.each(['"admin"', '["admin"]', '7'])(
    'is a fault of the host when it gives %s',
    async (json) => {
      const { claims } = await startCollector({ mapClaims: () => JSON.parse(json) });

      await expect(claims()).rejects.toThrow('broker.mapClaims gave no object');
      expect(capturedLogs().join('\n')).toContain('"broker.mapClaims" must return an object');
    },
  );

  it('CL-3: pollutes nothing', async () => {
    const { claims } = await startCollector({
      mapClaims: () => JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'),
    });

    await claims();

    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

describe('the names of a session', () => {
  it('CL-4: are kept for the userinfo route, and only where they are text', async () => {
    const { collector, collect } = await startCollector();

    const said = { idToken: { ...alice, given_name: ['x'] } };

    expect(collector.profileOf(await collect(said))).toEqual({
      name: 'Alice Doe',
      family_name: 'Doe',
    });
  });
});
