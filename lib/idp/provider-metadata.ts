import { Logger } from '@nestjs/common';
import {
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  None,
  allowInsecureRequests,
  clockTolerance,
  customFetch,
  discovery,
} from 'openid-client';
import { printable } from '../errors/printable.js';
import { badUpstreamAnswer, unavailable } from '../errors/oauth.error.js';
import type { GuardedFetch } from '../http/guarded-fetch.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { isTrustworthyUrl, parseUrl } from '../options/url-rules.js';
import { isRecord } from '../options/value-rules.js';

/** What discovery found, ready for use. */
export interface ProviderMetadata {
  readonly configuration: Configuration;
  /** Every `iss` that this provider may write; one, unless tenants share it (Entra ID). */
  readonly issuers: readonly string[];
  /** What the document publishes: with a placeholder when tenants share it. */
  readonly publishedIssuer: string;
  readonly jwksUri: string;
  readonly advertisesCallbackIssuer: boolean;
  readonly offers: Readonly<Record<'device' | 'userinfo' | 'revocation' | 'endSession', boolean>>;
}

type Document = Record<string, unknown>;

const TENANT = '{tenantid}';
// Any server of this origin makes openid-client take the issuer from the token's own `tid`, which is held against
// the list of tenants afterwards; the request itself goes to `discoveryUrl`.
const ENTRA = new URL('https://login.microsoftonline.com/common');

const ENDPOINTS = {
  authorization: 'authorization_endpoint',
  token: 'token_endpoint',
  deviceAuthorization: 'device_authorization_endpoint',
  userinfo: 'userinfo_endpoint',
  revocation: 'revocation_endpoint',
  endSession: 'end_session_endpoint',
} as const;

/** The issuer that a discovery URL stands for, with and without a trailing slash (OpenID Connect Discovery §4.1). */
function expectedIssuers({ issuer, discoveryUrl }: ResolvedOptions): readonly string[] {
  if (issuer !== undefined) return [issuer];
  const base = discoveryUrl.replace(/\/\.well-known\/[^/?#]+/, '').replace(/\/$/, '');
  return [base, `${base}/`];
}

/** Whether the provider can have that issuer at all, as far as the options tell before its metadata is known. */
export function mayIssue(iss: string, options: ResolvedOptions): boolean {
  if (options.tenants.some((tenant) => iss.includes(tenant))) return true;
  return expectedIssuers(options).includes(iss);
}

function issuersOf(published: string, options: ResolvedOptions): readonly string[] | undefined {
  if (options.issuer !== undefined && options.issuer !== published) return undefined;
  if (published.includes(TENANT)) {
    if (options.tenants.length === 0) return undefined;
    return options.tenants.map((tenant) => published.replace(TENANT, tenant));
  }
  return expectedIssuers(options).includes(published) ? [published] : undefined;
}

function withOverrides(document: Document, options: ResolvedOptions): Document {
  const overridden = { ...document };
  const { endpoints } = options;
  const overrides: [member: string, url: string | undefined][] = [
    [ENDPOINTS.authorization, endpoints.authorization],
    [ENDPOINTS.token, endpoints.token],
    [ENDPOINTS.deviceAuthorization, endpoints.deviceAuthorization],
    [ENDPOINTS.userinfo, endpoints.userinfo],
    [ENDPOINTS.revocation, endpoints.revocation],
    [ENDPOINTS.endSession, endpoints.endSession],
    ['jwks_uri', options.jwksUri],
  ];
  for (const [member, url] of overrides) if (url !== undefined) overridden[member] = url;
  return overridden;
}

function checkEndpoints(document: Document, allowInsecureHttp: boolean): void {
  for (const member of [...Object.values(ENDPOINTS), 'jwks_uri']) {
    const value = document[member];
    if (value === undefined) continue;
    const url = parseUrl(value);
    if (url === undefined || !isTrustworthyUrl(url, allowInsecureHttp)) {
      throw badUpstreamAnswer(`metadata with an unusable ${member}`);
    }
  }
}

function clientAuthentication(options: ResolvedOptions, supported: unknown): ClientAuth {
  const secret = options.clientSecret?.reveal();
  if (secret === undefined || options.clientAuthentication === 'none') return None();
  const methods = Array.isArray(supported) ? supported : [];
  const postOnly =
    methods.includes('client_secret_post') && !methods.includes('client_secret_basic');
  const method =
    options.clientAuthentication ?? (postOnly ? 'client_secret_post' : 'client_secret_basic');
  return method === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret);
}

async function readDocument(response: Response): Promise<Document> {
  if (response.status !== 200) throw badUpstreamAnswer(`discovery with HTTP ${response.status}`);
  const document: unknown = await response.json().catch(() => undefined);
  if (!isRecord(document) || typeof document['issuer'] !== 'string') {
    throw badUpstreamAnswer('discovery document without issuer');
  }
  return document;
}

/**
 * Fetches and checks the discovery document (OpenID Connect Discovery §4.3, RFC 8414 §3.3). A document of another
 * issuer is not used.
 *
 * @throws {@link OAuthError} 503 when there is no answer or the issuer is another one; 502 for an unusable document.
 */
export async function discoverProvider(
  options: ResolvedOptions,
  http: GuardedFetch,
): Promise<ProviderMetadata> {
  const document = await readDocument(await http.document(options.discoveryUrl));
  const published = String(document['issuer']);
  const issuers = issuersOf(published, options);
  if (issuers === undefined) {
    const mend = published.includes(TENANT) ? 'list "tenants"' : 'set "issuer" if it is right';
    new Logger('OidcAuth').error(
      `The discovery document names the issuer "${printable(published)}", expected ` +
        `"${expectedIssuers(options)[0]}"; it is not used (${mend})`,
    );
    throw unavailable('issuer of the discovery document');
  }
  const metadata = withOverrides(document, options);
  checkEndpoints(metadata, options.allowInsecureHttp);
  const configuration = await discovery(
    published.includes(TENANT) ? ENTRA : new URL(options.discoveryUrl),
    options.clientId,
    { [clockTolerance]: options.clockToleranceSec },
    clientAuthentication(options, metadata['token_endpoint_auth_methods_supported']),
    {
      [customFetch]: () => Promise.resolve(Response.json(metadata)),
      // The guarded fetch and the check of the endpoints decide about http.
      execute: [allowInsecureRequests],
    },
  );
  configuration.timeout = 0; // the guarded fetch keeps the time
  const jwksUri = metadata['jwks_uri'];
  if (typeof jwksUri !== 'string') throw badUpstreamAnswer('metadata without jwks_uri');
  const has = (member: string) => metadata[member] !== undefined;
  return {
    configuration,
    issuers,
    publishedIssuer: published,
    jwksUri,
    advertisesCallbackIssuer: metadata['authorization_response_iss_parameter_supported'] === true,
    offers: {
      device: has(ENDPOINTS.deviceAuthorization),
      userinfo: has(ENDPOINTS.userinfo),
      revocation: has(ENDPOINTS.revocation),
      endSession: has(ENDPOINTS.endSession),
    },
  };
}
