import { Inject, Injectable } from '@nestjs/common';
import { protectedResource } from '../documents/protected-resource.js';
import { Providers } from '../providers/providers.js';
import { RESOLVED_OPTIONS } from '../options/options.token.js';
import { PublicUrls, RESOURCE_METADATA_PATH } from '../options/public-urls.js';
import type { ResolvedOptions } from '../options/resolve-options.js';
import { Mode } from '../service/mode.js';
import { pathsWith } from './own-routes.js';

/** Gives a document, or throws an `OAuthError`. */
export type DocumentSource = () => Promise<object>;

const JWKS_PATH = '/auth/v2/.well-known/jwks.json';

/**
 * Documents at paths that others fix: peers and resource servers know nothing but `iss`, and clients nothing but our origin.
 * They answer beside the host's own routes, whatever its global prefix is.
 */
@Injectable()
export class WellKnownDocuments {
  #documents: ReadonlyMap<string, DocumentSource> | undefined;

  constructor(
    private readonly mode: Mode,
    private readonly urls: PublicUrls,
    private readonly providers: Providers,
    @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedOptions,
  ) {}

  /** Matches all paths that a document can be at, whatever the host puts before them. */
  get possible(): RegExp {
    return pathsWith(['/.well-known/', this.options.routes.jwks ?? []].flat());
  }

  /** The document at a path of our origin. */
  at(path: string): DocumentSource | undefined {
    this.#documents ??= new Map(this.#all()); // read late: the host sets its global prefix after the container is built
    return this.#documents.get(path);
  }

  *#all(): Generator<[path: string, source: DocumentSource]> {
    const { routes, publicUrl } = this.options;
    const base = this.#issuerPath();
    const jwks = this.urls.path('jwks');
    if (jwks !== undefined) {
      const document = async () => this.mode.brokerOnly.documents.jwks();
      yield [jwks, document]; // where the metadata says
      if (base !== undefined) yield [base + JWKS_PATH, document];
    }
    if (!routes.metadata) return;
    if (base !== undefined) {
      const path = `${base}/.well-known/openid-configuration`;
      yield [path, async () => this.mode.brokerOnly.documents.authorizationServer()];
    }
    if (publicUrl !== undefined) {
      const document = async () =>
        protectedResource(
          publicUrl,
          await this.mode.authorizationServers(),
          this.providers.scopes(),
          this.options.dpop,
        );
      yield [RESOURCE_METADATA_PATH, document]; // where our challenges say
      const { pathname } = new URL(publicUrl);
      if (pathname !== '/') yield [RESOURCE_METADATA_PATH + pathname, document]; // RFC 9728 §3.1
    }
  }

  /** Where the issuer is on our origin, as requests reach us: a proxy takes the path of `publicUrl` away. */
  #issuerPath(): string | undefined {
    const { publicUrl } = this.options;
    if (this.mode.issuer === undefined || publicUrl === undefined) return undefined;
    const issuer = this.mode.issuer.replace(/\/$/, '');
    if (issuer === publicUrl || issuer.startsWith(`${publicUrl}/`))
      return issuer.slice(publicUrl.length);
    const { origin, pathname } = new URL(issuer);
    return origin === new URL(publicUrl).origin ? pathname.replace(/\/$/, '') : undefined;
  }
}
