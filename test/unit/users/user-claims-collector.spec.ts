import { describe, expect, it, vi } from 'vitest';

import type { CollectedClaims } from '../../../lib/users/collected-claims.js';
import { MappedClaims } from '../../../lib/users/mapped-claims.js';
import { type TestCollector, startCollector } from '../../support/claims-collector.js';
import type { JsonMembers } from '../../support/compact-jws.js';
import { alice } from '../../support/users.js';

/** How often userinfo was asked. */
function asked({ provider }: TestCollector): number {
  return provider.requestsTo('userinfo').length;
}

describe('what is collected of a user', () => {
  it('CL-5: holds the names of a person for userinfo, and nothing else', async () => {
    const { provider, collector, collect } = await startCollector();
    const names = { name: 'Ada King', given_name: 'Ada', family_name: 'King' };

    const collected = await collect({
      accessToken: provider.accessToken({ ...names, nickname: 'A' }),
    });

    expect(collector.profileOf(collected)).toEqual(names);
  });

  it('CC-1: without any roles does not meet a demand for one', async () => {
    const started = await startCollector({}, { claims: { roles: ['staff'] } });
    const { provider, collector, collect } = started;
    provider.behaviour.userinfo = ({ sub }) => ({ sub });
    const collected = await collect({ accessToken: 'opaque', idToken: { sub: alice.sub } });

    expect(collected.roles).toBeUndefined();
    expect(() => collector.checkDemands(collected)).toThrow(
      expect.objectContaining({ error: 'insufficient_scope' }),
    );
  });

  it.each<[what: string, times: number, ...Parameters<typeof startCollector>, said: JsonMembers]>([
    [
      'the verified address that becomes sub',
      0,
      { subjectClaim: 'email' },
      {},
      { email_verified: true },
    ],
    [
      'an address that becomes sub, and not whether it is verified',
      1,
      { subjectClaim: 'email' },
      {},
      { email_verified: undefined },
    ],
    [
      'whether an address is verified that becomes nothing',
      0,
      {},
      {},
      { email_verified: undefined },
    ],
    ['the claim that is demanded', 0, {}, { claims: { tenant: ['a'] } }, { tenant: 'a' }],
    ['not the claim that is demanded', 1, {}, { claims: { tenant: ['a'] } }, {}],
  ])(
    'CL-5: lets userinfo alone where the access token says %s: %i',
    async (_, times, broker, options, said) => {
      const started = await startCollector(broker, options);

      await started.collect({ accessToken: started.provider.accessToken(said) });

      expect(asked(started)).toBe(times);
    },
  );
});

describe('what "broker.mapClaims" changes', () => {
  const all = { sub: 's', email: 'a@example.org', email_verified: true, name: 'Ada' };
  const collected: CollectedClaims = {
    all,
    unabridged: all,
    roles: undefined,
    roleSource: undefined,
    withdrawn: [],
    sources: {},
    said: {},
    incomplete: false,
    unknown: false,
  };

  it.each<[what: string, given: object, minted: object]>([
    [
      'another address, with the flag of the one before',
      { email: 'b@example.org', email_verified: true },
      { email: 'b@example.org', email_verified: true },
    ],
    ['the same address, with its flag', { email: all.email, email_verified: true }, {}],
    ['the flag alone', { email_verified: true }, {}],
    [
      'another address beside a name that is handed on',
      { email: 'b@example.org', name: 'Ada' },
      { email: 'b@example.org', name: 'Ada' },
    ],
  ])('CL-4: %s', async (_, given, minted) => {
    const mapped = new MappedClaims(() => ({ ...given }), { emit: vi.fn() }, 'default');

    expect(await mapped.of(collected)).toEqual(minted);
  });

  it('LG-3: is told of where a claim is of a wrong type', async () => {
    const emit = vi.fn();
    const mapped = new MappedClaims(() => ({ locale: 1 }), { emit }, 'theirs');

    expect(await mapped.of(collected)).toEqual({});
    const event = {
      provider: 'theirs',
      source: 'broker.mapClaims',
      claim: 'locale',
      came: 'number',
    };
    expect(emit.mock.calls).toEqual([['claim-mistyped', event]]);
  });
});
