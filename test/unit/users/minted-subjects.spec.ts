import { describe, expect, it } from 'vitest';

import { MintedSubjects } from '../../../lib/users/minted-subjects.js';
import { startCollector } from '../../support/claims-collector.js';
import type { JsonMembers } from '../../support/compact-jws.js';
import { failWith } from '../../support/faults.js';
import { capturedLogs } from '../../support/output-capture.js';
import { alice } from '../../support/users.js';

const ADDRESS = 'alice@example.org';
const REFUSED = '502 server_error';

/** What each source says; one that is left out says nothing of addresses and numbers. */
interface Sources {
  readonly idToken?: JsonMembers;
  readonly accessToken?: JsonMembers;
  readonly userinfo?: JsonMembers | 'down';
}

/** The minted `sub` when that claim is to become it, or the refusal. */
async function subjectBy(subjectClaim: string, said: Sources): Promise<string> {
  const { provider, claims } = await startCollector({ subjectClaim });
  const nothing = { email: undefined, email_verified: undefined };
  if (said.userinfo === 'down') provider.behaviour.faults.userinfo = failWith(503);
  provider.behaviour.userinfo = (usual) => ({ ...usual, ...nothing, ...Object(said.userinfo) });
  const { email: _email, email_verified: _verified, ...others } = alice;
  try {
    const idToken = { ...others, ...said.idToken };
    const accessToken = provider.accessToken({ ...nothing, ...said.accessToken });
    return (await claims({ idToken, accessToken })).sub;
  } catch (error) {
    const { status, error: code } = Object(error);
    return `${status} ${code}`;
  }
}

describe('"sub" from an address that can change hands', () => {
  it.each<[string, Sources, string]>([
    ['verified, in the ID token', { idToken: { email: ADDRESS, email_verified: true } }, ADDRESS],
    [
      'verified, in the access token',
      { accessToken: { email: ADDRESS, email_verified: true } },
      ADDRESS,
    ],
    [
      'verified, in userinfo alone',
      { userinfo: { email: ADDRESS, email_verified: true } },
      ADDRESS,
    ],
    [
      'verified in userinfo, which the ID token leaves open',
      { idToken: { email: ADDRESS }, userinfo: { email: ADDRESS, email_verified: true } },
      ADDRESS,
    ],
    ['that nobody verified', { idToken: { email: ADDRESS, email_verified: false } }, REFUSED],
    ['of which nobody says so', { idToken: { email: ADDRESS } }, REFUSED],
    ['whose flag is text', { idToken: { email: ADDRESS, email_verified: 'true' } }, REFUSED],
    ['whose flag is a number', { idToken: { email: ADDRESS, email_verified: 1 } }, REFUSED],
    ['that is not there', { idToken: { email_verified: true } }, REFUSED],
    ['while userinfo is down', { idToken: { email: ADDRESS }, userinfo: 'down' }, REFUSED],
    [
      'beside the flag of another source and address',
      {
        idToken: { email: 'victim@example.org' },
        accessToken: { email_verified: true },
        userinfo: { email_verified: true },
      },
      REFUSED,
    ],
    [
      'that userinfo verified under another address: that one counts',
      {
        idToken: { email: 'victim@example.org' },
        userinfo: { email: ADDRESS, email_verified: true },
      },
      ADDRESS,
    ],
    [
      'that the ID token says is not verified, whatever userinfo says',
      {
        idToken: { email: ADDRESS, email_verified: false },
        userinfo: { email: ADDRESS, email_verified: true },
      },
      REFUSED,
    ],
  ])('CL-4: %s', async (_what, said, expected) => {
    expect(await subjectBy('email', said)).toBe(expected);
  });

  it.each<[string, JsonMembers, string]>([
    ['verified', { phone_number: '+1', phone_number_verified: true }, '+1'],
    ['not verified', { phone_number: '+1', phone_number_verified: false }, REFUSED],
    ['of which nobody says so', { phone_number: '+1' }, REFUSED],
  ])('CL-4: a telephone number likewise: %s', async (_what, idToken, expected) => {
    expect(await subjectBy('phone_number', { idToken })).toBe(expected);
  });

  it('CL-4: says in the log what is missing, and never the address', async () => {
    await subjectBy('email', { idToken: { email: ADDRESS, email_verified: false } });

    const lines = capturedLogs().join('\n');
    expect(lines).toMatch(/no "email_verified": true with "email".*broker\.subjectClaim/);
    expect(lines).not.toContain(ADDRESS);
  });

  it('RF-6: stays that of the session at a refresh, verified or not', async () => {
    const { claims } = await startCollector({ subjectClaim: 'email' });
    const before = { sub: ADDRESS, roles: [] };

    const idToken = { ...alice, email: 'new@example.org', email_verified: false };

    expect((await claims({ idToken }, before)).sub).toBe(ADDRESS);
  });
});

/** The minted `sub` when the host's function gives that `name`. */
const subjectOf = async (given: unknown) => {
  const { claims } = await startCollector({}, { subject: () => Object(given).name });
  return (await claims()).sub;
};

describe('"sub" from the function of the host', () => {
  it.each(['a', '!~', 'staff|1', 'x'.repeat(255)])('is what it gives: %s', async (name) => {
    expect(await subjectOf({ name })).toBe(name);
  });

  it.each(['', 'a b', ' a', 'a ', 'a\n', 'ä', 'x'.repeat(256), 7, undefined, ['a']])(
    'is never %j, and the log says so',
    async (name) => {
      await expect(subjectOf({ name })).rejects.toThrow('subject gave no name');
      expect(capturedLogs().join('\n')).toContain('"subject" must return 1 to 255 printable');
    },
  );
});

const made = (options: object = {}) =>
  new MintedSubjects(
    Object(options),
    Object({ several: true, known: () => ['default', 'staff'].map((name) => ({ name })) }),
  );

const provider = (name: string, subjectClaim?: string) =>
  Object({
    name,
    options: { subjectClaim },
    tenantOf: async (iss: string) => (iss === 'tenant' ? 't1' : undefined),
  });

describe('MP-3: the "sub" of users at several providers and tenants', () => {
  it.each<[name: string, iss: string, sub: string, minted: string]>([
    ['default', 'idp', 'alice', 'alice'],
    ['default', 'tenant', 'alice', 't1|alice'],
    ['staff', 'idp', 'alice', 'staff|alice'],
    ['staff', 'tenant', 'alice', 'staff|t1|alice'],
    ['default', 'idp', 'shop|alice', 'shop|alice'],
    ['default', 'idp', 'default|alice', 'default|alice'],
    ['default', 'idp', 'x|staff|', 'x|staff|'],
  ])('at %s, by %s: %s is %s', async (name, iss, sub, minted) => {
    const user = { iss, sub };

    expect(await made().of(provider(name), user, {}, {})).toBe(minted);
    expect(await made().ofIdentity(provider(name), user)).toBe(minted);
    expect(made().isTaken(provider(name), minted)).toBe(false);
  });

  it('is never that of another provider’s user', async () => {
    const user = { iss: 'idp', sub: 'staff|alice' };

    const named = made().of(provider('default'), user, {}, {});

    await expect(named).rejects.toMatchObject({ status: 502 });
    expect(capturedLogs().join('\n')).toContain('names a user as those of "staff" are named');
    expect(made().isTaken(provider('default'), 'staff|alice')).toBe(true);
    expect(made().isTaken(provider('staff'), 'staff|alice')).toBe(false);
  });

  it('is, where the host names users, no matter of the identity alone', async () => {
    const user = { iss: 'idp', sub: 'alice' };
    const named = made({ subject: () => 'x' });

    expect(await named.ofIdentity(provider('default'), user)).toBeUndefined();
    expect(await made().ofIdentity(provider('default', 'email'), user)).toBeUndefined();
    expect(named.isTaken(provider('default'), 'staff|alice')).toBe(false);
  });
});
