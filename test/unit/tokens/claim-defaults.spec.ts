import { describe, expect, it } from 'vitest';

import { claimAt } from '../../../lib/tokens/claim-path.js';
import { startVerifier } from '../../support/verifier.js';
import { processorMs } from '../../support/processor-time.js';

const staffOnly = { claims: { 'realm_access.roles': ['staff'] } };

const rolesAndTier = (roles: string, tier: string) => ({ roles: [roles], claims: { tier } });

describe('the option "claims"', () => {
  it('CL-2: is the constraint of every rule that names no claims of its own', async () => {
    const { provider, verifier } = await startVerifier({ options: staffOnly });
    const [staff, guest] = [
      provider.accessToken({ realm_access: { roles: ['staff'] } }),
      provider.accessToken({ realm_access: { roles: ['guest'] }, groups: ['team-a'] }),
    ];

    for (const rule of [{}, { scopes: 'myscope' }, { roles: 'team-a' }]) {
      expect(await verifier.outcome(guest, rule)).toBe('403 insufficient_scope');
    }
    for (const rule of [{}, { scopes: 'myscope' }, { roles: 'team-a' }]) {
      expect(await verifier.outcome(staff, rule)).toBe('accepted');
    }
  });

  it('CL-2: gives way to the claims of a rule, which replace it whole', async () => {
    const { provider, verifier } = await startVerifier({ options: staffOnly });
    const token = provider.accessToken({ realm_access: { roles: ['guest'] }, tier: 'gold' });

    expect(await verifier.outcome(token, { claims: { tier: 'gold' } })).toBe('accepted');
    expect(await verifier.outcome(token, { claims: { tier: 'silver' } })).toBe(
      '403 insufficient_scope',
    );
  });

  it('CL-2: is lifted by "claims: false", which lifts neither roles nor scopes', async () => {
    const { provider, verifier } = await startVerifier({ options: staffOnly });
    const token = provider.accessToken({ realm_access: { roles: ['guest'] } });

    expect(await verifier.outcome(token, { claims: false })).toBe('accepted');
    expect(await verifier.outcome(token, { claims: false, roles: 'staff' })).toBe(
      '403 insufficient_scope',
    );
    expect(await verifier.outcome(token, { claims: false, scopes: 'admin' })).toBe(
      '403 insufficient_scope',
    );
  });

  it('CL-2: adds up with the roles of a rule', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken({ tier: 'gold' });

    expect(await verifier.outcome(token, rolesAndTier('admins', 'gold'))).toBe('accepted');
    expect(await verifier.outcome(token, rolesAndTier('nobody', 'gold'))).toBe(
      '403 insufficient_scope',
    );
    expect(await verifier.outcome(token, rolesAndTier('admins', 'silver'))).toBe(
      '403 insufficient_scope',
    );
  });

  it('CL-2: counts the resource_access of our own client alone as roles', async () => {
    const { provider, verifier } = await startVerifier();
    const token = provider.accessToken(); // alice: editor of my-client, superuser of other-client

    expect(await verifier.outcome(token, { roles: 'editor' })).toBe('accepted');
    expect(await verifier.outcome(token, { roles: 'superuser' })).toBe('403 insufficient_scope');
  });
});

describe('claim paths', () => {
  it.each([
    '__proto__',
    '__proto__.admin',
    'constructor',
    'constructor.name',
    'constructor.prototype.admin',
    'a.__proto__.admin',
    'a.constructor.admin',
    'toString',
    'hasOwnProperty.length',
  ])('CL-3: never matches %s', async (path) => {
    const { provider, verifier } = await startVerifier({ provider: { algorithms: ['EdDSA'] } });
    const claims: unknown = JSON.parse(
      '{"__proto__":{"admin":true},"constructor":{"name":"Object","prototype":{"admin":true}},' +
        '"a":{"__proto__":{"admin":true},"constructor":{"admin":true}}}',
    );
    if (typeof claims !== 'object' || claims === null) throw new Error('no claims');
    const token = provider.accessToken({ ...claims });

    const outcome = (value: string | boolean | number): Promise<string> =>
      verifier.outcome(token, { claims: { [path]: value } });

    for (const value of [true, 'Object', 'true', 1, 0]) {
      expect(await outcome(value)).toBe('403 insufficient_scope');
    }
  });

  it('CL-3: follows a path of 64 kB in less than 50 ms of the processor and writes nothing', async () => {
    const claims = Object.freeze({ a: Object.freeze({}) });
    const paths = ['a.'.repeat(32_768), '.'.repeat(65_536), 'a'.repeat(65_536)];

    for (const path of paths) {
      const times: number[] = [];
      for (let turn = 0; turn < 5; turn += 1) {
        times.push(await processorMs(() => claimAt(claims, path)));
      }
      expect(claimAt(claims, path)).toBeUndefined();
      expect(Math.min(...times)).toBeLessThan(50);
    }
  });
});

describe('the identity of a user', () => {
  it('CL-4: stays the same pair of issuer and subject when the user is renamed', async () => {
    const { provider, verifier } = await startVerifier();
    const before = await verifier.verify(provider.accessToken());

    const after = await verifier.verify(
      provider.accessToken({ preferred_username: 'admin', email: 'admin@example.org' }),
    );

    expect([after.iss, after.sub]).toEqual([before.iss, before.sub]);
    expect(after.preferred_username).toBe('admin');
  });

  it('CL-4: is never a user name', async () => {
    const { provider, verifier } = await startVerifier();

    const claims = await verifier.verify(provider.accessToken({ preferred_username: 'bob' }));
    const without = await verifier.outcome(provider.accessToken({ sub: undefined }));

    expect(claims.sub).toBe('sub-0001-alice');
    expect(without).toBe('401 invalid_token');
  });

  it('CL-4: hands the e-mail address out with what the issuer says of its verification', async () => {
    const { provider, verifier } = await startVerifier();
    const email = 'victim@example.org';

    const unverified = await verifier.verify(
      provider.accessToken({ email, email_verified: false }),
    );
    const untold = await verifier.verify(provider.accessToken({ email }));

    expect(unverified).toMatchObject({ email, email_verified: false });
    expect(untold).not.toHaveProperty('email_verified');
  });
});
