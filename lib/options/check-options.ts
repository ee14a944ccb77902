import { validateSync } from 'class-validator';
import { OidcConfigError } from '../errors/oidc-config.error.js';
import { EndpointOptionRules, GrantOptionRules, OidcAuthOptionRules } from './option-rules.js';
import { isRecord } from './value-rules.js';

const HIDDEN = new Set(['clientSecret', 'encryptionKeys']);

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value; // circular, or a bigint
  }
}

/** The value as an error message may show it: secrets never, the rest cut to 100 characters. */
export function shown(option: string, value: unknown): string {
  if (value === undefined) return 'nothing';
  if (HIDDEN.has(option)) return `a value of type ${Array.isArray(value) ? 'list' : typeof value}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value); // NaN and Infinity too
  const text = asJson(value).replace(/\/\/[^/?#"@\s]*@/g, '//[hidden]@'); // credentials in a URL
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function checkAgainst(
  rules: object,
  given: Record<string, unknown>,
  prefix: string,
  hidden: readonly string[] = [],
): void {
  const known = Object.keys(rules).filter((key) => !hidden.includes(key));
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new OidcConfigError(
      `Unknown option "${prefix}${unknown}". Known here: ${known.map((key) => prefix + key).join(', ')}.`,
    );
  }
  const [problem] = validateSync(Object.assign(rules, given), { stopAtFirstError: true });
  if (problem === undefined) return;
  const [mend] = Object.values(problem.constraints ?? {});
  throw new OidcConfigError(
    `Option "${prefix}${problem.property}" ${mend ?? 'is not usable'}; got ${shown(problem.property, problem.value)}.`,
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
  checkAgainst(new OidcAuthOptionRules(), given, '');
  if (isRecord(given['grants'])) checkAgainst(new GrantOptionRules(), given['grants'], 'grants.');
  if (isRecord(given['endpoints'])) {
    const rules = new EndpointOptionRules();
    Object.assign(rules, { allowInsecureHttp: given['allowInsecureHttp'] });
    checkAgainst(rules, given['endpoints'], 'endpoints.', ['allowInsecureHttp']);
  }
}
