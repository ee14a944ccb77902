/** A person who can log in. A real provider keeps a salted password hash, never the password. */
export interface DemoAccount {
  sub: string;
  username: string;
  password: string;
  email: string;
  givenName: string;
  familyName: string;
  roles: readonly string[];
}

export const demoAccounts: readonly DemoAccount[] = [
  {
    sub: '6f1c2a54-8d0e-4a3b-9c57-2f6d1e0b7a11',
    username: 'alice',
    password: 'alice',
    email: 'alice@example.org',
    givenName: 'Alice',
    familyName: 'Archer',
    roles: ['admins', 'users'],
  },
  {
    sub: 'b2d7e9c0-1f34-4e68-8a05-c93b5d4f6e22',
    username: 'bob',
    password: 'bob',
    email: 'bob@example.org',
    givenName: 'Bob',
    familyName: 'Baker',
    roles: ['users'],
  },
];

export function findBySubject(sub: string | undefined): DemoAccount | undefined {
  return demoAccounts.find((account) => account.sub === sub);
}

export function findByPassword(username: string, password: string): DemoAccount | undefined {
  return demoAccounts.find(
    (account) => account.username === username && account.password === password,
  );
}

/** The claims that go into ID tokens, access tokens and userinfo alike. */
export function claimsOf(account: DemoAccount) {
  return {
    sub: account.sub,
    preferred_username: account.username,
    name: `${account.givenName} ${account.familyName}`,
    given_name: account.givenName,
    family_name: account.familyName,
    email: account.email,
    email_verified: true,
    realm_access: { roles: account.roles }, // where Keycloak puts its roles
  };
}
