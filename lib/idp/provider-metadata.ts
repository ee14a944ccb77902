import { Logger } from '@nestjs/common';
import {
  type Configuration,
  allowInsecureRequests,
  clockTolerance,
  customFetch,
  discovery,
} from 'openid-client';
import { printable } from '../errors/printable.js';
import { badUpstreamAnswer, unavailable } from '../errors/oauth.error.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import { optionDefaults } from '../options/option-defaults.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { isRecord } from '../options/value-rules.js';
import { textList } from '../tokens/text-list.js';
import { clientAuthentication } from './client-authentication.js';
import {
  type Endpoints,
  type UnusableMember,
  readEndpoints,
  toMembers,
} from './metadata-endpoints.js';

/** What discovery found, ready for use. */
export interface ProviderMetadata {
  readonly configuration: Configuration;
  /** Every `iss` that this provider may write; one, unless tenants share it (Entra ID). */
  readonly issuers: readonly string[];
  /** What the document publishes: with a placeholder when tenants share it. */
  readonly publishedIssuer: string;
  readonly advertisesCallbackIssuer: boolean;
  /** What may sign ID tokens, logout tokens and userinfo. */
  readonly idTokenAlgorithms: readonly string[];
  /** What it offers, at addresses that can be trusted. */
  readonly endpoints: Endpoints;
  /** What it offers elsewhere. */
  readonly unusable: readonly UnusableMember[];
}

type Document = Record<string, unknown>;

const TENANT = '{tenantid}';
// Any server of this origin makes openid-client take the issuer from the token's own `tid`, which is held against
// the list of tenants afterwards; the request itself goes to `discoveryUrl`.
const ENTRA = new URL('https://login.microsoftonline.com/common');

/** Whether the provider can have that issuer at all, as far as the options tell before its metadata is known. */
export function mayIssue(iss: string, options: ResolvedOptions): boolean {
  if (options.tenants.some((tenant) => iss.includes(tenant))) return true;
  return options.expectedIssuers.includes(iss);
}

function issuersOf(published: string, options: ResolvedOptions): readonly string[] | undefined {
  if (!published.includes(TENANT)) {
    return options.expectedIssuers.includes(published) ? [published] : undefined;
  }
  const isOther = options.issuer !== undefined && options.issuer !== published;
  if (isOther || options.tenants.length === 0) return undefined;
  return options.tenants.map((tenant) => published.replace(TENANT, tenant));
}

/**
 * What an ID token may be signed with: by the option, else RS256, which is what a client gets that registered nothing else; of
 * a provider that does not know RS256, what it lists (OpenID Connect Core §3.1.3.7).
 */
function idTokenAlgorithms(options: ResolvedOptions, document: Document): readonly string[] {
  if (options.idTokenAlgorithms !== undefined) return options.idTokenAlgorithms;
  const listed = textList(document['id_token_signing_alg_values_supported']);
  const usable = listed.filter((name) => optionDefaults.tokenAlgorithms.includes(name));
  return usable.length === 0 || usable.includes('RS256') ? ['RS256'] : usable;
}

async function readDocument(response: Response): Promise<Document> {
  if (response.status !== 200) throw badUpstreamAnswer(`discovery with HTTP ${response.status}`);
  const document: unknown = await response.json().catch(() => undefined);
  if (!isRecord(document) || typeof document['issuer'] !== 'string') {
    throw badUpstreamAnswer('discovery document without issuer');
  }
  return document;
}

/** What to change where the document is another issuer's than expected. */
function mendOf(published: string, { issuer, tenants }: ResolvedOptions): string {
  if (issuer !== undefined && issuer !== published) {
    return 'the option "issuer" says the second: write it as the document does, to the letter, if that is the right provider';
  }
  if (published.includes(TENANT) && tenants.length === 0) return 'list "tenants"';
  return 'set "issuer" to the first if that is the right provider';
}

/** @throws {@link OAuthError} 503 for a document of another issuer, which is not used. */
function expectedIssuersOf(published: string, options: ResolvedOptions): readonly string[] {
  const issuers = issuersOf(published, options);
  if (issuers !== undefined) return issuers;
  new Logger('OidcAuth').error(
    `The discovery document names the issuer "${printable(published)}", expected ` +
      `"${options.expectedIssuers[0]}"; it is not used (${mendOf(published, options)})`,
  );
  throw unavailable('issuer of the discovery document');
}

/** openid-client with what we read of the metadata, and nothing else of it. */
function configure(
  options: ResolvedOptions,
  document: Document,
  known: Pick<ProviderMetadata, 'publishedIssuer' | 'endpoints' | 'idTokenAlgorithms'>,
): Promise<Configuration> {
  const { publishedIssuer: issuer, endpoints, idTokenAlgorithms: algorithms } = known;
  const metadata = {
    ...toMembers(endpoints),
    issuer,
    id_token_signing_alg_values_supported: algorithms,
  };
  return discovery(
    issuer.includes(TENANT) ? ENTRA : new URL(options.discoveryUrl),
    options.clientId,
    { [clockTolerance]: options.clockToleranceSec },
    clientAuthentication(options, textList(document['token_endpoint_auth_methods_supported'])),
    {
      [customFetch]: () => Promise.resolve(Response.json(metadata)),
      // The guarded fetch and the check of the endpoints decide about http.
      execute: [allowInsecureRequests],
    },
  );
}

/**
 * Fetches and checks the discovery document (OpenID Connect Discovery §4.3, RFC 8414 §3.3). Only its issuer is needed here; what
 * else is needed, and missing, stops what needs it.
 *
 * @throws {@link OAuthError} 503 when there is no answer or the issuer is another one; 502 for an unusable document.
 */
export async function discoverProvider(
  options: ResolvedOptions,
  http: GuardedFetch,
): Promise<ProviderMetadata> {
  const document = await readDocument(await http.document(options.discoveryUrl));
  const publishedIssuer = String(document['issuer']);
  const known = {
    publishedIssuer,
    issuers: expectedIssuersOf(publishedIssuer, options),
    idTokenAlgorithms: idTokenAlgorithms(options, document),
    advertisesCallbackIssuer: document['authorization_response_iss_parameter_supported'] === true,
    ...readEndpoints(document, options),
  };
  const configuration = await configure(options, document, known);
  configuration.timeout = 0; // the guarded fetch keeps the time
  return { ...known, configuration };
}
