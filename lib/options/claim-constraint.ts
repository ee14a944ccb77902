import { OidcConfigError } from '../errors/oidc-config.error.js';

/** A value that a claim is compared with, type and case included. */
export type ClaimValue = string | number | boolean;

/**
 * What a token's claims must hold. A mapping names claims: a path (`realm_access.roles`), or a claim whose own
 * name contains dots or is a URL; the claim must hold every listed value. A string or a list means: all of these
 * are in the flat role list. Empty constraints are refused at start-up.
 */
export type ClaimConstraint =
  string | readonly string[] | Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>;

/** One demand of a {@link ClaimConstraint}; `path` is `undefined` for the flat role list. */
export interface ClaimDemand {
  readonly path: string | undefined;
  readonly values: readonly ClaimValue[];
}

function isClaimValue(value: unknown): value is ClaimValue {
  if (typeof value === 'string') return value !== '';
  return typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

/** OpenID Connect Core §5.1: `true` or `false`, and read as that also where a provider writes text. */
const FLAGS: readonly string[] = ['email_verified', 'phone_number_verified'];

function valuesOf(value: unknown, option: string, path?: string): ClaimValue[] {
  const list: unknown[] = Array.isArray(value) ? [...value] : [value];
  if (path !== undefined && FLAGS.includes(path) && list.some((one) => typeof one !== 'boolean')) {
    throw new OidcConfigError(
      `Option "${option}" compares a claim that is true or false with something else, which would let nobody in. Write true or false.`,
    );
  }
  if (list.length > 0 && list.every(isClaimValue)) return list;
  throw new OidcConfigError(
    `Option "${option}" holds an empty or unusable value; an empty constraint would let everybody in. ` +
      'List at least one non-empty string, number or boolean, or leave the option out.',
  );
}

/**
 * Reads a constraint as its developer wrote it.
 *
 * @throws {@link OidcConfigError} when it is empty or of another shape; `option` is named in the message.
 */
export function parseClaimConstraint(constraint: unknown, option: string): readonly ClaimDemand[] {
  if (typeof constraint === 'string' || Array.isArray(constraint)) {
    return [{ path: undefined, values: valuesOf(constraint, option) }];
  }
  if (constraint === null || typeof constraint !== 'object') {
    throw new OidcConfigError(
      `Option "${option}" must be a mapping of claim paths to values, a list of roles or a role; ` +
        `got ${constraint === null ? 'null' : typeof constraint}.`,
    );
  }
  const entries = Object.entries(constraint);
  if (entries.length === 0 || entries.some(([path]) => path === '')) {
    throw new OidcConfigError(
      `Option "${option}" is empty or names an empty claim; an empty constraint would let everybody in. ` +
        "Name at least one claim, e.g. { 'realm_access.roles': ['staff'] }, or leave the option out.",
    );
  }
  return entries.map(([path, value]) => ({
    path,
    values: valuesOf(value, `${option}.${path}`, path),
  }));
}
