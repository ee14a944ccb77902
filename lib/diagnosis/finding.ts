/** `error`: something cannot work. `warning`: it works, and not as most want it to. */
export type FindingSeverity = 'error' | 'warning';

export interface Kind {
  /** What it is, for the documents. */
  readonly text: string;
  readonly severity: FindingSeverity;
  /** What to change. */
  readonly mend: string;
}

/** What a diagnosis can find; `docs/diagnosis.md` is made of it. */
export const findingKinds = {
  'provider-unreachable': {
    text: 'the provider does not answer at all',
    severity: 'error',
    mend: 'see that "discoveryUrl" is right and can be reached from here: name, port, proxy, certificate (NODE_EXTRA_CA_CERTS for a CA of your own)',
  },
  'no-discovery': {
    text: 'there is something else than a discovery document at `discoveryUrl`',
    severity: 'error',
    mend: 'set "discoveryUrl" to the address of the discovery document, of the right realm or tenant',
  },
  'wrong-issuer': {
    text: 'the document is of another issuer than `discoveryUrl` or `issuer` says',
    severity: 'error',
    mend: 'set "issuer" or "discoveryUrl"',
  },
  'endpoint-missing': {
    text: 'an address that is needed is not in the metadata, is none that can be trusted, or gives no OAuth answer',
    severity: 'error',
    mend: 'have it mended at the provider, or set the option that is named',
  },
  'code-flow-off': {
    text: 'the provider does not offer the authorization code flow',
    severity: 'error',
    mend: 'let the provider offer the authorization code flow ("response_type" code)',
  },
  'signature-demanded': {
    text: 'the provider takes signed logins alone (RFC 9101), and there is no key',
    severity: 'error',
    mend: 'set "clientKeys", and register their public part at the provider',
  },
  'request-unlisted': {
    text: 'the metadata do not list what logins are sent with: `signedRequests`, `responseMode`; an error where they list others',
    severity: 'warning',
    mend: 'see whether the provider knows it at all, and leave the option out if it does not',
  },
  'no-keys': {
    text: 'the key set does not come, or holds nothing to verify signatures with',
    severity: 'error',
    mend: 'see that the key set can be reached from here and holds keys for signatures; "jwksUri" names another address',
  },
  'clock-off': {
    text: 'the `Date` of the provider is more than 5 s away from our clock; an error beyond `clockToleranceSec`',
    severity: 'error',
    mend: 'keep both clocks right by NTP; until then "clockToleranceSec"',
  },
  'wrong-secret': {
    text: 'the token endpoint does not take the client: `invalid_client`',
    severity: 'error',
    mend: 'set "clientId" and "clientSecret" to what the provider has; it may have been renewed there',
  },
  'wrong-authentication': {
    text: 'the token endpoint takes the secret in the form only, and its metadata do not say so',
    severity: 'error',
    mend: 'set "clientAuthentication": \'client_secret_post\'',
  },
  'grant-off': {
    text: 'this client may not use the authorization code grant: `unauthorized_client`',
    severity: 'error',
    mend: 'enable the authorization code grant (Keycloak: standard flow) for this client at the provider',
  },
  'redirect-uri-not-registered': {
    text: 'the authorization endpoint does not take our redirect URI',
    severity: 'error',
    mend: 'register exactly this address at the provider, or correct "publicUrl"',
  },
  'unknown-client': {
    text: 'the authorization endpoint does not know the client',
    severity: 'error',
    mend: 'set "clientId" to what the provider has',
  },
  'scope-refused': {
    text: 'the authorization endpoint refuses what logins ask for: `invalid_scope`',
    severity: 'error',
    mend: 'create these scopes at the provider and allow them for this client, or take them out of "scopes"',
  },
  'authorization-refused': {
    text: 'the authorization endpoint refuses logins for another reason',
    severity: 'error',
    mend: 'open the login in a browser: the page of the provider, or its log, says more',
  },
  'opaque-tokens': {
    text: 'passthrough mode: access tokens are no JWTs',
    severity: 'error',
    mend: 'let the provider issue JWTs (Auth0: an API and its "audience"; Zitadel, authentik: a setting of the application), or use broker mode',
  },
  'audience-missing': {
    text: 'passthrough mode: access tokens are not for `audience`',
    severity: 'error',
    mend: 'let the provider write "audience" into access tokens (Keycloak: an audience mapper; Auth0: the API\'s identifier; Entra ID: a scope of your own API), or correct the option',
  },
  'token-issuer': {
    text: 'passthrough mode: access tokens name another issuer than ID tokens',
    severity: 'error',
    mend: 'list the name in "accessTokenIssuers" if it is the same provider\'s',
  },
  'token-algorithm': {
    text: 'passthrough mode: access tokens are signed in a way that is not taken',
    severity: 'error',
    mend: 'let the provider sign with an asymmetric algorithm, or list it in "tokenAlgorithms"',
  },
  'no-sub': {
    text: 'passthrough mode: access tokens have no `sub`',
    severity: 'error',
    mend: 'add the mapper for "sub"; since Keycloak 25 it is in the client scope "basic", which must be a default scope of the client',
  },
  'no-roles': {
    text: 'passthrough mode, Keycloak: access tokens have no roles',
    severity: 'warning',
    mend: 'add the client scope "roles" to the default scopes of the client, if @Auth({ roles }) is used',
  },
  'no-refresh-tokens': {
    text: 'logins get no refresh token: without `offline_access`, without consent, without `access_type` (Google), or because the grant is off',
    severity: 'warning',
    mend: 'see the page of the provider in the documents',
  },
  'step-up-not-listed': {
    text: 'a handler demands an `acr`, or `auth_time`, that the metadata of the provider does not list',
    severity: 'warning',
    mend: 'write the values as the provider has them, or set it up to give such logins; see the page on step-up',
  },
  'providers-unknown': {
    text: 'the function of the option `providers` gave none',
    severity: 'error',
    mend: 'mend the function of the option "providers"; the log says what it threw',
  },
  'store-unusable': {
    text: 'broker mode: the store cannot be used as it is, such as without its tables',
    severity: 'error',
    mend: 'as it says',
  },
  'store-unreachable': {
    text: 'broker mode: the database does not answer',
    severity: 'error',
    mend: 'see that the database of "broker.store" runs, and that address, user and rights are right',
  },
  'other-encryption-keys': {
    text: 'broker mode: signing keys in the store were encrypted with other keys',
    severity: 'error',
    mend: 'put the key that these rows were encrypted with second in "encryptionKeys"; without it the tokens that they signed are refused',
  },
  'encryption-keys-missing': {
    text: 'nothing lasting to encrypt with; an error where the store lasts',
    severity: 'warning',
    mend: 'set "encryptionKeys" to the same list on all instances; `npx nestjs-oidc-auth keys` makes one',
  },
  'peer-unreachable': {
    text: 'broker mode: a trusted issuer gives no usable key set',
    severity: 'error',
    mend: 'see that the trusted issuer runs and its key set can be reached from here; "jwksUri" names another address',
  },
  'clocks-differ': {
    text: 'broker mode: rows of another instance were written by another clock',
    severity: 'error',
    mend: 'keep the clocks of all instances right by NTP',
  },
  'public-url-unreachable': {
    text: 'nobody answers at `publicUrl`, seen from this machine',
    severity: 'warning',
    mend: 'open it in a browser: where it answers there, this machine only cannot reach it, and nothing else is wrong',
  },
  'public-url-elsewhere': {
    text: 'somebody else answers at `publicUrl`',
    severity: 'error',
    mend: 'set "publicUrl" to the address of this application as browsers have it, with the path that a proxy puts before it',
  },
  'public-url-redirects': {
    text: '`publicUrl` leads to another host',
    severity: 'error',
    mend: 'set "publicUrl" to the address that browsers end at, https and host name included: cookies of a login are lost on the way to another one',
  },
  'protocol-mixed': {
    text: '`publicUrl` says http and browsers use https, or the other way round',
    severity: 'error',
    mend: 'let "publicUrl" begin with what browsers use: login cookies are bound to it, and are lost where it differs',
  },
  'authorization-eaten': {
    text: 'a proxy takes the header `Authorization` away',
    severity: 'error',
    mend: 'let the proxy hand the header Authorization on (Apache with CGI: CGIPassAuth On; nginx: no empty proxy_set_header Authorization; no login of its own before this application)',
  },
  'cookies-eaten': {
    text: 'a proxy takes the header `Cookie` away',
    severity: 'error',
    mend: 'let the proxy hand the header Cookie on',
  },
  'host-rewritten': {
    text: 'a proxy writes another `Host`',
    severity: 'warning',
    mend: 'let the proxy keep Host (nginx: proxy_set_header Host $host). This module believes "publicUrl" alone; other parts of the application may not',
  },
} as const satisfies Record<string, Kind>;

export type FindingCode = keyof typeof findingKinds;

/** Something that does not work, or not as most want it to. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: FindingSeverity;
  /** Whom it is about: `provider default`, `store`, `publicUrl`, … */
  readonly about: string;
  /** What was seen; no secret, no token. */
  readonly seen: string;
  /** What to change. */
  readonly mend: string;
  /** Where to read on, in the pages that come with the package: `nestjs-oidc-auth/docs/diagnosis.md#…`. */
  readonly link: string;
}

/** What was looked at, and what was found. */
export interface Diagnosis {
  /** Whether there is no finding of the severity `error`. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** What was seen to work, what is offered, what was not looked at and why. */
  readonly facts: readonly string[];
}
