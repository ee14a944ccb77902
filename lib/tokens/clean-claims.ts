import { isRecord } from '../options/value-rules.js';
import { scopeWords, textList } from './text-list.js';

/** Told of each claim of which something cannot be used, with the type that it has instead. */
export type MistypedClaims = (claim: string, came: string) => void;

/** The value in the type that its specification fixes; `undefined`: none can be made of it. */
type Reading = (value: unknown) => unknown;

const text: Reading = (value) => (typeof value === 'string' ? value : undefined);

const record: Reading = (value) => (isRecord(value) ? value : undefined);

/** Amazon Cognito and mappers of older Keycloaks write `"true"` and `"false"`, both of which are true to a careless reader. */
const flag: Reading = (value) => {
  if (typeof value === 'boolean') return value;
  const written = typeof value === 'string' ? value.toLowerCase() : '';
  return ['true', 'false'].includes(written) ? written === 'true' : undefined;
};

/** Seconds since 1970; Auth0 writes an ISO 8601 date. */
const time: Reading = (value) => {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(value)) {
    return time(Math.floor(Date.parse(value) / 1000));
  }
  const seconds = typeof value === 'string' && /^\d{1,12}$/.test(value) ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds : undefined;
};

/** A list stays whole: what `mapClaims` and rules make of entries that are no texts is the host's matter. */
const texts: Reading = (value) => {
  if (Array.isArray(value)) return value;
  return typeof value === 'string' ? textList(value) : undefined;
};

/** RFC 8693 §4.2: text, with spaces between scopes. Duende and Spring Authorization Server write a list. */
const scopes: Reading = (value) => {
  const words = scopeWords(value);
  const isUsable = typeof value === 'string' || (Array.isArray(value) && words.length > 0);
  return isUsable ? words.join(' ') : undefined;
};

/** Of Entra ID a text, of Okta a list. */
const textOrList: Reading = (value) =>
  typeof value === 'string' || Array.isArray(value) ? value : undefined;

function all(names: string, reading: Reading): [name: string, reading: Reading][] {
  return names.split(' ').map((name) => [name, reading]);
}

const ROLES = new Map(all('roles', texts));

/** OpenID Connect Core §2, §5.1; Front-Channel Logout 1.0 §3; RFC 7519 §4.1; RFC 9068 §2.2; and where roles and scopes are elsewhere. */
const READINGS: ReadonlyMap<string, Reading> = new Map([
  ...all('name given_name family_name middle_name nickname preferred_username', text),
  ...all('profile picture website email gender birthdate zoneinfo locale phone_number', text),
  ...all('jti sid azp client_id acr nonce at_hash c_hash', text),
  ...all('email_verified phone_number_verified', flag),
  ...all('updated_at auth_time', time),
  ...all('amr groups roles entitlements', texts),
  ...all('scope', scopes),
  ...all('scp', textOrList),
  ...all('address', record),
  ...all('realm_access resource_access', record),
]);

function isTextOnly(list: readonly unknown[]): boolean {
  return list.every((entry) => typeof entry === 'string');
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return isTextOnly(value) ? 'list' : 'list of other things than texts';
  return typeof value === 'string' ? 'text' : typeof value;
}

function clean(
  claims: Record<string, unknown>,
  readings: typeof READINGS,
  mistyped: MistypedClaims,
): void {
  for (const name of Object.keys(claims)) {
    const reading = readings.get(name);
    const came = claims[name];
    if (reading === undefined || came === undefined) continue;
    const read = reading(came);
    if (read === undefined) Reflect.deleteProperty(claims, name);
    else claims[name] = read;
    const isWhole =
      came === null || (read !== undefined && !(Array.isArray(came) && !isTextOnly(came)));
    if (!isWhole) mistyped(name, typeOf(came));
  }
}

/** Whether its roles are a list of texts, as they are to be. */
function isClean(holder: unknown): boolean {
  if (!isRecord(holder)) return true;
  const { roles } = holder;
  return roles === undefined || (Array.isArray(roles) && isTextOnly(roles));
}

function withCleanRoles(holder: unknown, path: string, mistyped: MistypedClaims): unknown {
  if (!isRecord(holder) || isClean(holder)) return holder;
  const copy = { ...holder };
  clean(copy, ROLES, (name, came) => mistyped(`${path}.${name}`, came));
  return copy;
}

/**
 * Brings claims whose type a specification fixes into that type, so that whoever reads them later reads the same: handlers, rules,
 * roles, minted tokens. Called once, where claims come in: from access tokens, ID tokens and userinfo. A claim of which nothing
 * can be made is removed, and counts as absent; so does `null`.
 */
export function cleanClaims(claims: Record<string, unknown>, mistyped: MistypedClaims): void {
  clean(claims, READINGS, mistyped);
  const { realm_access: realm, resource_access: clients } = claims;
  if (realm !== undefined) claims['realm_access'] = withCleanRoles(realm, 'realm_access', mistyped);
  if (!isRecord(clients) || Object.values(clients).every(isClean)) return;
  const entries = Object.entries(clients).map(([client, one]) => [
    client,
    withCleanRoles(one, 'resource_access.*', mistyped),
  ]);
  claims['resource_access'] = Object.fromEntries(entries);
}
