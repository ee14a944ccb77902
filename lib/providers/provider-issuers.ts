import { unavailable } from '../errors/oauth.error.js';
import { warningLink, withLink } from '../errors/page-link.js';
import { printable } from '../errors/printable.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { parseUrl } from '../options/url-rules.js';

/** What Entra ID publishes in the place of a tenant's id. */
export const TENANT = '{tenantid}';

/** The names under which a provider writes tokens. */
export interface ProviderIssuers {
  /** Of its ID tokens; one, unless tenants share it (Entra ID). */
  readonly issuers: readonly string[];
  /** Further ones, of access tokens alone. */
  readonly accessTokenIssuers: readonly string[];
}

/**
 * Whether the provider can have written that issuer at all, without asking anybody: as the options tell, and its metadata once they
 * are known. Before, a name that only they could know is worth a question when it looks like one of AD FS: http, or on the
 * provider's own host.
 */
export function mayIssue(
  iss: string,
  options: ResolvedProvider,
  known: ProviderIssuers | undefined,
): boolean {
  if (options.tenants.some((tenant) => iss.includes(tenant))) return true;
  if (options.expectedIssuers.includes(iss)) return true;
  if (options.accessTokenIssuers !== undefined) return options.accessTokenIssuers.includes(iss);
  if (known !== undefined) return known.accessTokenIssuers.includes(iss);
  const url = parseUrl(iss);
  if (url === undefined) return false;
  return url.protocol === 'http:' || url.hostname === new URL(options.discoveryUrl).hostname;
}

/** What the option says, else the member of the metadata that AD FS has. */
export function accessTokenIssuersOf(
  published: unknown,
  { accessTokenIssuers }: ResolvedProvider,
): readonly string[] {
  if (accessTokenIssuers !== undefined) return accessTokenIssuers;
  return typeof published === 'string' && published !== '' ? [published] : [];
}

/**
 * The issuer of a user's identity: that of ID tokens, also where an access token says another name. `undefined` when the name is
 * none of this provider's, or tenants share it and the name does not tell which.
 */
export function identityIssuer(
  iss: string,
  { issuers, accessTokenIssuers }: ProviderIssuers,
  { tenants }: ResolvedProvider,
): string | undefined {
  if (issuers.includes(iss)) return iss;
  if (!accessTokenIssuers.includes(iss)) return undefined;
  if (issuers.length === 1) return issuers[0];
  return issuers[tenants.findIndex((tenant) => iss.includes(tenant))];
}

function issuersOf(published: string, options: ResolvedProvider): readonly string[] | undefined {
  if (!published.includes(TENANT)) {
    return options.expectedIssuers.includes(published) ? [published] : undefined;
  }
  const isOther = options.issuer !== undefined && options.issuer !== published;
  if (isOther || options.tenants.length === 0) return undefined;
  return options.tenants.map((tenant) => published.replace(TENANT, tenant));
}

/** What to change where the document is another issuer's than expected. */
function mendOf(published: string, { issuer, tenants }: ResolvedProvider): string {
  if (issuer !== undefined && issuer !== published) {
    return 'the option "issuer" says the second: write it as the document does, to the letter, if that is the right provider';
  }
  if (published.includes(TENANT) && tenants.length === 0) return 'list "tenants"';
  return 'set "issuer" to the first if that is the right provider';
}

/** What is wrong with the issuer that a discovery document names, and the mend; `undefined` when nothing is. */
export function issuerMistake(
  published: string,
  options: ResolvedProvider,
): { readonly expected: string; readonly mend: string } | undefined {
  if (issuersOf(published, options) !== undefined) return undefined;
  return { expected: options.expectedIssuers.join(' or '), mend: mendOf(published, options) };
}

/** @throws {@link OAuthError} 503 for a document of another issuer, which is not used. */
export function expectedIssuersOf(published: string, options: ResolvedProvider): readonly string[] {
  const issuers = issuersOf(published, options);
  if (issuers !== undefined) return issuers;
  const line =
    `The discovery document names the issuer "${printable(published)}", expected ` +
    `"${options.expectedIssuers[0]}"; it is not used (${mendOf(published, options)})`;
  new SafeLogger().error(
    withLink(line, warningLink('log-the-discovery-document-names-the-issuer')),
  );
  throw unavailable('issuer of the discovery document');
}
