import type { Clock } from '../../lib/clock/clock.js';
import type { OidcAuthOptions, RouteOptions } from '../../lib/index.js';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import { resolveRoutes } from '../../lib/options/resolve-routes.js';
import { KeyRing } from '../../lib/sealing/key-ring.js';
import { FakeClock } from './fake-clock.js';

export const RING_KEY = 'the-encryption-key-of-this-year-at-last';

/** The key ring of an application with these options; with {@link RING_KEY} alone unless they say otherwise. */
export function keyRing(
  options: Partial<OidcAuthOptions> = { encryptionKeys: [RING_KEY] },
  { routes = {}, clock = new FakeClock() }: { routes?: RouteOptions; clock?: Clock } = {},
): KeyRing {
  const given: OidcAuthOptions = {
    clientId: 'my-client',
    discoveryUrl: 'https://idp.example.org/.well-known/openid-configuration',
    audience: 'my-aud',
    publicUrl: 'https://app.example.org',
    ...options,
  };
  return new KeyRing(resolveOptions(given, resolveRoutes(routes)), clock);
}
