import { describe, expect, it } from 'vitest';

import type { TrustedIssuer } from '../../../lib/options/broker-options.js';
import type { ClaimConstraint } from '../../../lib/options/claim-constraint.js';
import { FakeClock } from '../../support/fake-clock.js';
import { startFederation, startPeer } from '../../support/federation.js';

/** A peer that is trusted with limits. Its tokens have the roles staff, admins, team-a and editor, as our client's. */
async function startWithLimits(limits: Omit<TrustedIssuer, 'issuer'>, claims?: ClaimConstraint) {
  const clock = new FakeClock();
  const peer = await startPeer(clock);
  const federation = await startFederation({
    clock,
    trustedIssuers: [{ issuer: peer.issuer, ...limits }],
    ...(claims === undefined ? {} : { options: { claims } }),
  });
  return { peer, federation };
}

const REFUSED = '403 insufficient_scope';

describe('the roles that a trusted issuer may give', () => {
  it('FD-4: are all that are left of its tokens, in one flat list', async () => {
    const { peer, federation } = await startWithLimits({ roles: ['staff', 'editor', 'unused'] });

    const claims = await federation.verify(peer.accessToken({ roles: ['root', 'staff'] }));

    expect(claims.roles).toEqual(['staff', 'editor']);
    expect(Object.keys(claims)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(groups|realm_access|resource_access)/)]),
    );
  });

  it('FD-4: decide what a rule sees, by role or by the path of a claim', async () => {
    const { peer, federation } = await startWithLimits({ roles: ['staff'] });
    const token = peer.accessToken();

    expect(await federation.outcome(token, { roles: ['staff'] })).toBe('accepted');
    expect(await federation.outcome(token, { roles: ['admins'] })).toBe(REFUSED);
    for (const claims of [
      { 'realm_access.roles': ['admins'] },
      { groups: ['team-a'] },
      { 'resource_access.my-client.roles': ['editor'] },
    ]) {
      expect(await federation.outcome(token, { claims })).toBe(REFUSED);
    }
  });

  it('FD-4: are not widened by claims whose own name looks like a path', async () => {
    const { peer, federation } = await startWithLimits({ roles: ['staff'] });
    const token = peer.accessToken({
      'realm_access.roles': ['admins'],
      'resource_access.my-client.roles': ['admins'],
      'roles.x': ['admins'],
      roles: 'admins',
    });

    for (const path of ['realm_access.roles', 'resource_access.my-client.roles', 'roles']) {
      expect(await federation.outcome(token, { claims: { [path]: 'admins' } })).toBe(REFUSED);
    }
    expect(await federation.outcome(token, { claims: { roles: 'staff' } })).toBe('accepted');
  });

  it('FD-4: may be none', async () => {
    const { peer, federation } = await startWithLimits({ roles: [] });

    expect((await federation.verify(peer.accessToken())).roles).toEqual([]);
  });

  it('FD-4: are any when its entry names none', async () => {
    const { peer, federation } = await startWithLimits({});
    const token = peer.accessToken({ roles: ['root'] });

    const claims = await federation.verify(token, { roles: ['root', 'admins', 'team-a'] });

    expect(claims).toMatchObject({ roles: ['root'], groups: ['team-a'] });
  });
});

describe('claims that mean something of ours', () => {
  it.each<[string, Record<string, string | readonly string[]>]>([
    ['sid', { sid: '0123456789abcdef0123456789abcdef' }],
    ['idp', { idp: 'default' }],
    ['idp_iss', { idp_iss: 'https://issuer.example.org' }],
    ['idp as a list', { idp: ['default', 'staff'] }],
    ['names that read as paths into them', { 'sid.x': 'y', 'idp.name': 'default' }],
  ])('FD-3: are taken out of the tokens of a trusted issuer: %s', async (_claim, claims) => {
    for (const limits of [{}, { roles: ['staff'], scopes: 'read' }]) {
      const { peer, federation } = await startWithLimits(limits);
      const token = peer.accessToken({ department: 'it', ...claims });

      const verified = await federation.verify(token);

      expect(Object.keys(verified).filter((name) => /^(sid|idp)/.test(name))).toEqual([]);
      expect(verified).toMatchObject({ iss: peer.issuer, department: 'it' });
      for (const [path, value] of Object.entries(claims)) {
        const demanded = { claims: { [path]: value } };
        expect(await federation.outcome(token, demanded)).toBe(REFUSED);
      }
    }
  });
});

describe('the scopes that a trusted issuer may give', () => {
  it.each<[string, object]>([
    ['a text', { scope: 'read write admin' }],
    ['a list', { scope: undefined, scp: ['read', 'write', 'admin'] }],
    ['a text in the place of the list', { scope: undefined, scp: 'read write admin' }],
    ['both', { scope: 'read write', scp: ['admin'] }],
  ])('FD-4: are all that are left of its tokens, which name them as %s', async (_how, scopes) => {
    const { peer, federation } = await startWithLimits({ scopes: 'read write' });
    const token = peer.accessToken({ ...scopes });

    const claims = await federation.verify(token, { scopes: ['read', 'write'] });

    expect(claims).toMatchObject({ scope: 'read write' });
    expect(claims).not.toHaveProperty('scp');
    expect(await federation.outcome(token, { scopes: ['admin'] })).toBe(REFUSED);
    expect(await federation.outcome(token, { claims: { scp: 'admin' } })).toBe(REFUSED);
  });

  it('FD-4: may be none', async () => {
    const { peer, federation } = await startWithLimits({ scopes: [] });

    expect((await federation.verify(peer.accessToken({ scope: 'read' }))).scope).toBe('');
  });

  it('FD-4: are not made up for a token that has none, as those of Python peers', async () => {
    const { peer, federation } = await startWithLimits({ scopes: ['read'] });

    const claims = await federation.verify(peer.accessToken({ scope: undefined }));

    expect(claims).not.toHaveProperty('scope');
  });
});

describe('what the tokens of a trusted issuer must hold', () => {
  it('FD-4: is the option "claims" wherever a rule names none', async () => {
    const { peer, federation } = await startWithLimits({}, { department: 'it' });
    const [met, unmet] = [peer.accessToken({ department: 'it' }), peer.accessToken()];

    expect(await federation.outcome(met)).toBe('accepted');
    expect(await federation.outcome(unmet)).toBe(REFUSED);
    expect(await federation.outcome(unmet, { claims: false })).toBe('accepted');
    expect(await federation.outcome(unmet, { claims: { sub: 'nobody' } })).toBe(REFUSED);
  });

  it('FD-4: is the "claims" of its entry instead, which no rule lifts', async () => {
    const { peer, federation } = await startWithLimits(
      { claims: { partner: true } },
      { department: 'it' },
    );
    const met = peer.accessToken({ partner: true });
    const unmet = peer.accessToken({ department: 'it' });

    expect(await federation.outcome(met)).toBe('accepted');
    for (const claims of [undefined, false, { department: 'it' }] as const) {
      expect(await federation.outcome(unmet, claims === undefined ? {} : { claims })).toBe(REFUSED);
    }
    expect(await federation.outcome(met, { claims: { department: 'it' } })).toBe(REFUSED);
  });
});
