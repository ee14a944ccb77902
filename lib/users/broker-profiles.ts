import type { ResolvedBrokerOptions } from '../options/resolve-broker.js';
import type { Sessions } from '../sessions/sessions.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import { UserProfiles } from './user-profiles.js';

/** Profiles in broker mode: the session of a token of ours remembers names. No token goes to the provider. */
export class BrokerProfiles extends UserProfiles {
  constructor(
    private readonly sessions: Sessions,
    private readonly broker: ResolvedBrokerOptions,
  ) {
    super();
  }

  protected async beyond({
    iss,
    sid,
  }: IdTokenClaims): Promise<Readonly<Record<string, unknown>> | undefined> {
    if (iss !== this.broker.issuer || sid === undefined) return undefined;
    return (await this.sessions.findOpen(sid))?.content.profile;
  }
}
