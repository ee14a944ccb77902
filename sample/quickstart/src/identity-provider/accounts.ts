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

/** The people of one provider. */
export class Accounts {
  constructor(private readonly list: readonly DemoAccount[]) {}

  findBySubject(sub: string | undefined): DemoAccount | undefined {
    return this.list.find((account) => account.sub === sub);
  }

  findByPassword(username: string, password: string): DemoAccount | undefined {
    return this.list.find(
      (account) => account.username === username && account.password === password,
    );
  }
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
