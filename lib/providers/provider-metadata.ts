import type { Configuration } from 'openid-client';
import { badUpstreamAnswer } from '../errors/oauth.error.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import { SIGNATURE_ALGORITHMS } from '../options/provider-rules.js';
import type { ResolvedProvider } from '../options/resolve-provider.js';
import { isRecord } from '../options/value-rules.js';
import { textList } from '../tokens/text-list.js';
import { clientAuthentication, provesByCertificate } from './client-authentication.js';
import { type SigningClientKey, signingKey } from './client-keys.js';
import { openidClient } from './openid-client.js';
import { TENANT, accessTokenIssuersOf, expectedIssuersOf } from './provider-issuers.js';
import {
  type Endpoints,
  type UnusableMember,
  mtlsAliases,
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
  /** Further `iss` values of its access tokens. */
  readonly accessTokenIssuers: readonly string[];
  readonly advertisesCallbackIssuer: boolean;
  /** Whether it takes authorization requests that were pushed alone (RFC 9126 §5). */
  readonly requiresPush: boolean;
  /**
   * What signs authorization requests (RFC 9101): by the option, or because it takes no others (§10.5); then it can be missing.
   * `undefined`: they are not signed.
   */
  readonly requestSignature: SigningClientKey | 'missing' | undefined;
  /** What may sign ID tokens, logout tokens and userinfo. */
  readonly idTokenAlgorithms: readonly string[];
  /** What it offers, at addresses that can be trusted. */
  readonly endpoints: Endpoints;
  /** What it offers elsewhere. */
  readonly unusable: readonly UnusableMember[];
}

type Document = Record<string, unknown>;

// Any server of this origin makes openid-client take the issuer from the token's own `tid`, which is held against
// the list of tenants afterwards; the request itself goes to `discoveryUrl`.
const ENTRA = new URL('https://login.microsoftonline.com/common');

/**
 * What an ID token may be signed with: by the option, else RS256, which is what a client gets that registered nothing else; of
 * a provider that does not know RS256, what it lists (OpenID Connect Core §3.1.3.7).
 */
function idTokenAlgorithms(options: ResolvedProvider, document: Document): readonly string[] {
  if (options.idTokenAlgorithms !== undefined) return options.idTokenAlgorithms;
  const listed = textList(document['id_token_signing_alg_values_supported']);
  const usable = listed.filter((name) => SIGNATURE_ALGORITHMS.includes(name));
  return usable.length === 0 || usable.includes('RS256') ? ['RS256'] : usable;
}

async function requestSignature(
  { signedRequests, clientKeys: [first] }: ResolvedProvider,
  document: Document,
): Promise<SigningClientKey | 'missing' | undefined> {
  if (!signedRequests && document['require_signed_request_object'] !== true) return undefined;
  return first === undefined ? 'missing' : signingKey(first);
}

async function readDocument(response: Response): Promise<Document> {
  if (response.status !== 200) throw badUpstreamAnswer(`discovery with HTTP ${response.status}`);
  const document: unknown = await response.json().catch(() => undefined);
  if (!isRecord(document) || typeof document['issuer'] !== 'string') {
    throw badUpstreamAnswer('discovery document without issuer');
  }
  return document;
}

/** openid-client with what we read of the metadata, and nothing else of it. */
async function configure(
  options: ResolvedProvider,
  document: Document,
  known: Pick<ProviderMetadata, 'publishedIssuer' | 'endpoints' | 'idTokenAlgorithms'> & {
    readonly aliases: Endpoints;
  },
): Promise<Configuration> {
  const { allowInsecureRequests, clockTolerance, customFetch, discovery } = await openidClient();
  const { publishedIssuer: issuer, endpoints, aliases, idTokenAlgorithms: algorithms } = known;
  const byCertificate = provesByCertificate(options);
  const wantsEndpoint = options.assertionAudience === 'token_endpoint';
  const audience = (wantsEndpoint ? endpoints.token : undefined) ?? issuer;
  const supported = textList(document['token_endpoint_auth_methods_supported']);
  const metadata = {
    ...toMembers(endpoints),
    issuer,
    id_token_signing_alg_values_supported: algorithms,
    ...(byCertificate ? { mtls_endpoint_aliases: toMembers(aliases) } : {}),
  };
  return discovery(
    issuer.includes(TENANT) ? ENTRA : new URL(options.discoveryUrl),
    options.clientId,
    {
      [clockTolerance]: options.clockToleranceSec,
      ...(byCertificate ? { use_mtls_endpoint_aliases: true } : {}),
    },
    await clientAuthentication(options, supported, audience),
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
  options: ResolvedProvider,
  http: GuardedFetch,
): Promise<ProviderMetadata> {
  const document = await readDocument(await http.document(options.discoveryUrl));
  const publishedIssuer = String(document['issuer']);
  const known = {
    publishedIssuer,
    issuers: expectedIssuersOf(publishedIssuer, options),
    accessTokenIssuers: accessTokenIssuersOf(document['access_token_issuer'], options),
    idTokenAlgorithms: idTokenAlgorithms(options, document),
    advertisesCallbackIssuer: document['authorization_response_iss_parameter_supported'] === true,
    requiresPush: document['require_pushed_authorization_requests'] === true,
    requestSignature: await requestSignature(options, document),
    ...readEndpoints(document, options),
  };
  const { aliases, unusable } = mtlsAliases(document, options);
  const configuration = await configure(options, document, { ...known, aliases });
  configuration.timeout = 0; // the guarded fetch keeps the time
  return {
    ...known,
    unusable: provesByCertificate(options) ? [...known.unusable, ...unusable] : known.unusable,
    configuration,
  };
}
