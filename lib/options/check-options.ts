import { BrowserSessionGroup } from './browser-session-options.js';
import { BrokerGroup } from './broker-options.js';
import { GrantGroup } from './route-options.js';
import { ApplicationGroup } from './oidc-auth-options.js';
import { EntryGroup, SeveralGroup } from './several-providers.js';
import { ProviderGroup } from './provider-options.js';
import { IntrospectionGroup } from './introspection-options.js';
import { EndpointGroup } from './endpoint-options.js';
import { CallGroup } from './call-options.js';
import { type ValidationError, validateSync } from 'class-validator';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { namesOf } from './option-group.js';
import { refuseUnknownOptions } from './unknown-option.js';
import { type EntryRule, isRecord } from './value-rules.js';

const HIDDEN = new Set(['clientSecret', 'clientKeys', 'encryptionKeys', 'store']); // a store's URL holds its password

/** Credentials that a URL brings along are not shown, however it is spelt. */
function masked(text: string): string {
  const end = text.lastIndexOf('@');
  return end === -1 ? text : `[hidden]${text.slice(end)}`;
}

function asJson(value: unknown): string {
  try {
    const hide = (_: string, member: unknown) =>
      typeof member === 'string' ? masked(member) : member;
    return JSON.stringify(value, hide) ?? typeof value;
  } catch {
    return typeof value; // circular, or with a bigint inside
  }
}

function kindOf(value: unknown): string {
  if (value === '') return 'an empty string'; // of an environment variable that is not set, mostly
  return `a value of type ${Array.isArray(value) ? 'list' : typeof value}`;
}

/** The value as an error message may show it: secrets never, the rest cut to 100 characters. */
export function shown(option: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (HIDDEN.has(option)) return kindOf(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value); // NaN and Infinity too
  const text = asJson(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function isEntryRule(value: unknown): value is EntryRule {
  return typeof value === 'function';
}

/** The value seen; of a list the entry that is wrong. */
function seen({ property, value, contexts = {} }: ValidationError, rules: object): string {
  const [context] = Object.values<unknown>(contexts);
  const holds = isRecord(context) ? context['holds'] : undefined;
  if (!Array.isArray(value) || !isEntryRule(holds)) return shown(property, value);
  const wrong = value.findIndex((entry: unknown) => !holds(entry, rules));
  if (wrong === -1) return shown(property, value);
  return `${shown(property, value[wrong])} (entry ${wrong + 1} of ${value.length})`;
}

/** @param label the group that the options are in, before their names; `''` is the top. */
function checkAgainst(rules: object, given: Record<string, unknown>, label: string): void {
  const [problem] = validateSync(Object.assign(rules, given), { stopAtFirstError: true });
  if (problem === undefined) return;
  const [mend] = Object.values(problem.constraints ?? {});
  throw new OidcConfigError(
    `Option "${label === '' ? '' : `${label}.`}${problem.property}" ${mend ?? 'is not usable'}; got ${seen(problem, rules)}.`,
  );
}

const ofCalls = namesOf(CallGroup);

/** What belongs to a provider, and not to the application or to the calls of both. */
const ofOneProvider = namesOf(ProviderGroup).filter((name) => !ofCalls.includes(name));

const ofSeveral = namesOf(SeveralGroup).filter(
  (name) => name !== 'providers' && !ofCalls.includes(name),
);

/** One provider at the top, or several under their names. */
function refuseBoth(given: Record<string, unknown>): void {
  const several = given['providers'] !== undefined;
  const other = (several ? ofOneProvider : ofSeveral).find((name) => given[name] !== undefined);
  if (other === undefined) return;
  throw new OidcConfigError(
    several
      ? `Options "providers" and "${other}" are both there. With "providers" everything that belongs to one provider stands in its ` +
          `entry: write providers: { default: { ${other}: …, … } } for the one whose options are at the top now.`
      : `Option "${other}" needs "providers". Leave it out while there is one identity provider.`,
  );
}

/**
 * Checks every option of one of several providers by itself.
 *
 * @param whole the options that values are read beside.
 * @throws {@link OidcConfigError} for the first that does not hold.
 */
export function checkProviderEntry(
  name: string,
  entry: unknown,
  whole: { readonly allowInsecureHttp?: unknown },
): void {
  const label = `providers.${name}`;
  if (!isRecord(entry)) {
    throw new OidcConfigError(
      `Option "${label}" must be an object such as { clientId: …, discoveryUrl: …, audience: … }; got ${kindOf(entry)}.`,
    );
  }
  const { allowInsecureHttp } = whole;
  refuseUnknownOptions(entry, 'providers', label);
  checkAgainst(Object.assign(new EntryGroup(), { allowInsecureHttp }), entry, label);
  checkEndpoints(entry, whole, `${label}.endpoints`);
  checkIntrospection(entry, `${label}.introspection`);
}

function checkEndpoints(
  { endpoints }: { readonly endpoints?: unknown },
  { allowInsecureHttp }: { readonly allowInsecureHttp?: unknown },
  label: string,
): void {
  if (!isRecord(endpoints)) return;
  refuseUnknownOptions(endpoints, 'endpoints', label);
  checkAgainst(Object.assign(new EndpointGroup(), { allowInsecureHttp }), endpoints, label);
}

function checkIntrospection(
  { introspection }: { readonly introspection?: unknown },
  label: string,
): void {
  if (!isRecord(introspection)) return;
  refuseUnknownOptions(introspection, 'introspection', label);
  checkAgainst(new IntrospectionGroup(), introspection, label);
}

function checkGroup(
  rules: object,
  given: Record<string, unknown>,
  name: 'grants' | 'broker' | 'session',
): void {
  const group = given[name];
  if (!isRecord(group)) return;
  refuseUnknownOptions(group, name);
  const { allowInsecureHttp } = given;
  checkAgainst(Object.assign(rules, { allowInsecureHttp }), group, name);
}

/** Checks every option by itself. @throws {@link OidcConfigError} for the first that does not hold. */
export function checkOptionValues(given: unknown): void {
  if (!isRecord(given)) {
    throw new OidcConfigError(
      `OidcAuthModule needs its options as an object; got ${given === null ? 'null' : typeof given}. ` +
        'Does the factory of forRootAsync return them?',
    );
  }
  if ('isGlobal' in given) {
    throw new OidcConfigError(
      'Option "isGlobal" decides who sees this module, so it stands beside useFactory, not in what the factory returns.',
    );
  }
  refuseUnknownOptions(given, '');
  refuseBoth(given);
  const providers = given['providers'];
  checkAgainst(providers === undefined ? new ProviderGroup() : new SeveralGroup(), given, '');
  checkAgainst(new ApplicationGroup(), given, '');
  checkGroup(new GrantGroup(), given, 'grants');
  checkEndpoints(given, given, 'endpoints');
  checkIntrospection(given, 'introspection');
  checkGroup(new BrokerGroup(), given, 'broker');
  checkGroup(new BrowserSessionGroup(), given, 'session');
  if (!isRecord(providers)) return;
  for (const [name, entry] of Object.entries(providers)) checkProviderEntry(name, entry, given);
}
