import type { IdentityProvider } from '../providers/identity-provider.js';
import { type CollectorSurroundings, UserClaimsCollector } from './user-claims-collector.js';

/** One {@link UserClaimsCollector} for each identity provider, as long as there is that provider. */
export class ClaimsCollectors {
  readonly #collectors = new WeakMap<IdentityProvider, UserClaimsCollector>();

  constructor(private readonly surroundings: CollectorSurroundings) {}

  of(provider: IdentityProvider): UserClaimsCollector {
    const known = this.#collectors.get(provider);
    if (known !== undefined) return known;
    const made = new UserClaimsCollector(provider, this.surroundings);
    this.#collectors.set(provider, made);
    return made;
  }
}
