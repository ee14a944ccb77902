import type { OidcEvents } from '../../lib/events/oidc-events.js';
import { HostFaults } from '../../lib/events/host-faults.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { ResolvedOptions } from '../../lib/options/resolve-options.js';
import type { ResolvedProvider } from '../../lib/options/resolve-provider.js';
import type { IdentityProvider } from '../../lib/providers/identity-provider.js';
import { Providers } from '../../lib/providers/providers.js';

/** The providers of an application that has one, which a test has made itself. */
class OneProvider extends Providers {
  constructor(
    options: ResolvedOptions,
    clock: Clock,
    events: OidcEvents,
    private readonly one: IdentityProvider,
  ) {
    super(options, clock, events, new HostFaults(clock, options));
  }

  override async all(): Promise<readonly IdentityProvider[]> {
    return [this.one];
  }

  override known(): readonly IdentityProvider[] {
    return [this.one];
  }
}

export function oneProvider(
  { options, clock, events }: { options: ResolvedOptions; clock: Clock; events: OidcEvents },
  provider: IdentityProvider,
): Providers {
  return new OneProvider(options, clock, events, provider);
}

/** The options of the provider at the top. */
export function providerOptionsOf({ providers }: ResolvedOptions): ResolvedProvider {
  const [provider] = providers.list;
  if (provider === undefined) throw new Error('no provider');
  return provider;
}
