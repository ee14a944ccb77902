/** What the test providers know about a person; the members are claims of OpenID Connect Core §5.1. */
export interface TestUser {
  readonly sub: string;
  readonly preferred_username: string;
  readonly [claim: string]: unknown;
}

/** Never equal to a user name, so that a mix-up of `sub` and `preferred_username` shows. */
export const alice = {
  sub: 'sub-0001-alice',
  preferred_username: 'alice',
  email: 'alice@example.org',
  email_verified: true,
  name: 'Alice Doe',
  given_name: 'Alice',
  family_name: 'Doe',
  realm_access: { roles: ['staff', 'admins'] },
  resource_access: {
    'my-client': { roles: ['editor'] },
    'other-client': { roles: ['superuser'] },
  },
  groups: ['team-a'],
} satisfies TestUser;

export const bob = {
  sub: 'sub-0002-bob',
  preferred_username: 'bob',
  email: 'bob@example.org',
  email_verified: false,
  name: 'Bob Roe',
  given_name: 'Bob',
  family_name: 'Roe',
  realm_access: { roles: ['staff'] },
  groups: ['team-b'],
} satisfies TestUser;

/** The people who can log in, by the name they type. */
export const users: ReadonlyMap<string, TestUser> = new Map<string, TestUser>([
  ['alice', alice],
  ['bob', bob],
]);

/** The person with this `sub`. */
export function userBySubject(sub: string): TestUser | undefined {
  return [...users.values()].find((user) => user.sub === sub);
}
