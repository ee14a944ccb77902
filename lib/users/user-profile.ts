/** What the userinfo route answers; `pw_name` repeats `username` for clients of the reference. */
export interface UserProfile {
  readonly username: string;
  readonly last_name: string;
  readonly first_name: string;
  readonly pw_name: string;
  readonly email: string;
}

type Claims = Readonly<Record<string, unknown>>;

const USERNAMES = [
  'preferred_username',
  'preferred-username',
  'user_name',
  'user-name',
  'uid',
  'username',
];

/** The first of these top-level claims that holds text; nested claims may be the user's own to edit. */
function firstText(claims: Claims, names: readonly string[]): string | undefined {
  const name = names.find((one) => {
    const value = Object.hasOwn(claims, one) ? claims[one] : undefined;
    return typeof value === 'string' && value !== '';
  });
  return name === undefined ? undefined : String(claims[name]);
}

/** Whether claims name the user at all, so that the identity provider need not be asked. */
export function namesUser(claims: Claims): boolean {
  return firstText(claims, USERNAMES) !== undefined;
}

/** Maps claims to a profile; without a user name the subject stands in for it. */
export function toUserProfile(claims: Claims, subject: string): UserProfile {
  const username = firstText(claims, USERNAMES) ?? subject;
  const words = (firstText(claims, ['name']) ?? '').split(' ').filter(Boolean);
  const lastName = firstText(claims, ['family_name', 'family-name', 'last_name', 'surname']);
  const firstName = firstText(claims, ['given_name', 'given-name', 'first_name', 'first-name']);
  return {
    username,
    last_name: lastName ?? words.at(-1) ?? '',
    first_name: firstName ?? (words.length > 1 ? words.slice(0, -1).join(' ') : ''),
    pw_name: username,
    email: firstText(claims, ['email', 'mail']) ?? '',
  };
}
