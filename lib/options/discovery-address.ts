import { OidcConfigError } from '../errors/oidc-config.error.js';

/** Where a provider's metadata is asked for, and which issuer that address stands for. */
export interface DiscoveryAddress {
  readonly url: string;
  /** Spellings of the issuer that the document may publish: with and without a trailing slash, the host as written too. */
  readonly issuers: readonly string[];
}

const DEFAULT_NAME = 'openid-configuration';
const NAMES: readonly string[] = [DEFAULT_NAME, 'oauth-authorization-server'];

interface PathParts {
  readonly before: string;
  readonly name: string;
  /** What stands behind the name: RFC 8414 §3.1 puts the issuer's path there. */
  readonly behind: string;
}

/** Cuts a path at its well-known segment; a path without one, or without a name behind it, is that of the issuer. */
function partsOf(path: string): PathParts {
  const [, before = path, name = '', behind = ''] =
    /^(.*?)\/\.well-known(?:\/+([^/]*)(.*))?$/i.exec(path) ?? [];
  const known = NAMES.find((one) => one === name.toLowerCase());
  return {
    before: before.replace(/\/+$/, ''),
    name: known ?? (name === '' ? DEFAULT_NAME : name),
    behind: behind.replace(/^\/+$/, ''),
  };
}

/**
 * Reads the option `discoveryUrl` as its developer means it: the address of the metadata document, or the issuer, to which the
 * well-known path is added; a query stays behind the path (OpenID Connect Discovery §4, RFC 8414 §3).
 *
 * @throws {@link OidcConfigError} for a fragment, and for a document's name that does not stand in `/.well-known/`.
 */
export function discoveryAddress(discoveryUrl: string): DiscoveryAddress {
  const { origin, pathname, search } = new URL(discoveryUrl);
  if (discoveryUrl.includes('#')) {
    throw new OidcConfigError(
      `Option "discoveryUrl" must not have a fragment, which is never sent; got "${discoveryUrl}". Leave out "#" and what follows.`,
    );
  }
  const lastSegment = pathname.replace(/\/+$/, '').split('/').at(-1)?.toLowerCase() ?? '';
  if (NAMES.includes(lastSegment) && !/\/\.well-known\//i.test(pathname)) {
    throw new OidcConfigError(
      `Option "discoveryUrl" must be the issuer, or end in "/.well-known/${lastSegment}"; got "${discoveryUrl}". ` +
        'Put "/.well-known" before the last segment.',
    );
  }
  const { before, name, behind } = partsOf(pathname);
  const issuerPath = (before + behind).replace(/\/$/, '');
  const asWritten = /^[^:]+:\/\/[^/?#]*/.exec(discoveryUrl)?.[0] ?? origin;
  const hosts = [...new Set([origin, asWritten])];
  return {
    url: `${origin}${before}/.well-known/${name}${behind}${search}`,
    issuers: hosts.flatMap((host) => [host + issuerPath, `${host}${issuerPath}/`]),
  };
}
