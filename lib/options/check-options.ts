import { type ValidationError, validateSync } from 'class-validator';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { BrokerOptionRules } from './broker-option-rules.js';
import { EndpointOptionRules, GrantOptionRules, OidcAuthOptionRules } from './option-rules.js';
import { type OptionGroup, refuseUnknownOptions } from './unknown-option.js';
import { type EntryRule, isRecord } from './value-rules.js';

const HIDDEN = new Set(['clientSecret', 'encryptionKeys', 'store']); // a store's URL holds its password

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

function checkAgainst(rules: object, given: Record<string, unknown>, group: OptionGroup): void {
  refuseUnknownOptions(given, group);
  const [problem] = validateSync(Object.assign(rules, given), { stopAtFirstError: true });
  if (problem === undefined) return;
  const [mend] = Object.values(problem.constraints ?? {});
  throw new OidcConfigError(
    `Option "${group === '' ? '' : `${group}.`}${problem.property}" ${mend ?? 'is not usable'}; got ${seen(problem, rules)}.`,
  );
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
  checkAgainst(new OidcAuthOptionRules(), given, '');
  const seenWith = { allowInsecureHttp: given['allowInsecureHttp'] };
  for (const [name, rules] of [
    ['grants', new GrantOptionRules()],
    ['endpoints', new EndpointOptionRules()],
    ['broker', new BrokerOptionRules()],
  ] as const) {
    const group = given[name];
    if (!isRecord(group)) continue;
    checkAgainst(Object.assign(rules, seenWith), group, name);
  }
}
