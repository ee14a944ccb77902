import { OidcConfigError } from '../errors/oidc-config.error.js';
import type { TrustedIssuer } from './broker-options.js';
import { type ClaimDemand, parseClaimConstraint } from './claim-constraint.js';
import { didYouMean } from './unknown-option.js';
import {
  isHttpUrl,
  isPlainHttpUrl,
  isRecord,
  isScopeList,
  isText,
  isTextList,
} from './value-rules.js';

/** An entry of `broker.trustedIssuers`, checked. */
export interface ResolvedTrustedIssuer {
  readonly issuer: string;
  readonly jwksUri: string | undefined;
  /** `undefined`: the module's option `claims` counts. */
  readonly claims: readonly ClaimDemand[] | undefined;
  /** `undefined`: any. */
  readonly roles: readonly string[] | undefined;
  /** `undefined`: any. */
  readonly scopes: readonly string[] | undefined;
}

const OPTION = 'broker.trustedIssuers';
const MEMBERS = new Set(['issuer', 'jwksUri', 'claims', 'roles', 'scopes']);

function mistake(problem: string, mend: string): OidcConfigError {
  return new OidcConfigError(`Option "${OPTION}" ${problem}. ${mend}`);
}

function named(issuer: unknown): string {
  return isText(issuer) ? `"${issuer.slice(0, 100)}"` : typeof issuer;
}

function resolveEntry(entry: unknown, allowInsecureHttp: boolean): ResolvedTrustedIssuer {
  const given: Record<string, unknown> = isRecord(entry) ? entry : { issuer: entry };
  const { issuer, jwksUri, claims, roles, scopes } = given;
  const unknown = Object.keys(given).find((name) => !MEMBERS.has(name));
  if (unknown !== undefined) {
    throw new OidcConfigError(
      `Option "${OPTION}" has an entry with the unknown member "${unknown}"${didYouMean(unknown, MEMBERS)} ` +
        `Known: ${[...MEMBERS].join(', ')}.`,
    );
  }
  if (!isText(issuer) || !isPlainHttpUrl(issuer, { allowInsecureHttp })) {
    throw mistake(
      `holds ${named(issuer)}, which is no usable issuer`,
      'List exactly the string that the peer writes as "iss": an https URL (http on loopback only, or with "allowInsecureHttp: true") without query and fragment.',
    );
  }
  if (jwksUri !== undefined && !isHttpUrl(jwksUri, { allowInsecureHttp })) {
    throw mistake(
      `has an unusable "jwksUri" for ${named(issuer)}`,
      'Give an absolute https URL (http on loopback only, or with "allowInsecureHttp: true").',
    );
  }
  if (roles !== undefined && !isTextList(roles)) {
    throw mistake(
      `has unusable "roles" for ${named(issuer)}`,
      'Give a list of role names, or leave it out for any.',
    );
  }
  if (scopes !== undefined && !isScopeList(scopes)) {
    throw mistake(
      `has unusable "scopes" for ${named(issuer)}`,
      'Give scopes, or leave it out for any.',
    );
  }
  return Object.freeze({
    issuer,
    jwksUri: typeof jwksUri === 'string' ? jwksUri : undefined,
    claims: claims === undefined ? undefined : parseClaimConstraint(claims, `${OPTION} claims`),
    roles: asTexts(roles),
    scopes: typeof scopes === 'string' ? scopes.split(' ').filter(Boolean) : asTexts(scopes),
  });
}

function asTexts(list: unknown): readonly string[] | undefined {
  return isTextList(list) ? [...list] : undefined;
}

/**
 * Checks the trusted issuers, at start-up or each time that the host's function gave them. Our own issuer is left out,
 * so that a fleet can share one list.
 *
 * @throws {@link OidcConfigError} for an entry that is no exact issuer, and for one that is listed twice.
 */
export function resolveTrustedIssuers(
  list: readonly (string | TrustedIssuer)[],
  { ownIssuer, allowInsecureHttp }: { ownIssuer: string; allowInsecureHttp: boolean },
): readonly ResolvedTrustedIssuer[] {
  if (!Array.isArray(list)) throw mistake('gave no list', 'Return an array of issuers.');
  const entries = list.map((entry) => resolveEntry(entry, allowInsecureHttp));
  const seen = new Set<string>();
  for (const { issuer } of entries) {
    if (seen.has(issuer)) throw mistake(`lists ${named(issuer)} twice`, 'List each issuer once.');
    seen.add(issuer);
  }
  return Object.freeze(entries.filter(({ issuer }) => issuer !== ownIssuer));
}
