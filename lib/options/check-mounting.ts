import { OidcConfigError } from '../errors/oidc-config.error.js';
import { SafeLogger } from '../errors/safe-logger.js';
import type { PublicUrls } from './public-urls.js';
import type { ResolvedOptions } from './resolve-options.js';
import { routeNames } from './resolve-routes.js';

/** What routers take for parameters and wildcards. */
const PATTERN = /[:*{}()[\]?+!]/;

/**
 * Looks at where the host put our routes: whether that is one place each, which `publicUrl` can lead to. To be called when global
 * prefix and mount path are known.
 *
 * @throws {@link OidcConfigError} for a prefix with parameters.
 */
export function checkMounting(urls: PublicUrls, options: ResolvedOptions): void {
  const { routes, publicUrl } = options;
  const used = routeNames.filter((name) => name !== 'clientJwks' || mayHaveClientKeys(options));
  const paths = used.flatMap((name) => urls.path(name) ?? []);
  const open = paths.find((path) => PATTERN.test(path));
  if (open !== undefined) {
    throw new OidcConfigError(
      `A route of OidcAuthModule is at "${open}", which is no one place that a provider could send browsers back to. Let neither ` +
        'the global prefix nor the path given by RouterModule hold parameters, or keep our routes out of the global prefix: ' +
        "app.setGlobalPrefix(…, { exclude: ['auth/v2/{*path}'] }).",
    );
  }
  const [route] = routeNames.filter((name) => urls.url(name) !== undefined);
  if (route === undefined || publicUrl === undefined) return;
  const own = routes[route]?.slice(routes.prefix.length) ?? '';
  const prefix = urls.path(route)?.slice(0, -own.length) ?? '';
  if (prefix === '' || !new URL(publicUrl).pathname.endsWith(prefix)) return;
  new SafeLogger().warn(
    `"publicUrl" ends in "${prefix}", and the routes begin with it too: the callback is ${urls.url('callback') ?? urls.url(route)}. If no ` +
      `proxy takes "${prefix}" away, leave it out of "publicUrl".`,
  );
}

/** Without keys there is nothing at that route. */
function mayHaveClientKeys({ providers: { list, source } }: ResolvedOptions): boolean {
  return source !== undefined || list.some(({ clientKeys }) => clientKeys.length > 0);
}
