import { Deadline } from '../../lib/clock/deadline.js';
import type { CollectedClaims } from '../../lib/users/collected-claims.js';
import { MintedSubjects } from '../../lib/users/minted-subjects.js';
import { UserClaimsCollector } from '../../lib/users/user-claims-collector.js';
import type { UserClaims } from '../../lib/sessions/session-content.js';
import type { BrokerOptions, OidcAuthOptions } from '../../lib/index.js';
import type { JsonMembers } from './compact-jws.js';
import type { MisbehavingProvider } from './misbehaving-provider.js';
import { brokerOf } from './store-access.js';
import { alice } from './users.js';
import { oneProvider } from './one-provider.js';
import { startVerifier } from './verifier.js';

/** What the provider's tokens say at a login or a refresh; the access token is a good one by default. */
export interface Said {
  readonly accessToken?: string;
  readonly idToken?: JsonMembers | undefined;
  /** Claims of an earlier ID token. */
  readonly remembered?: JsonMembers;
}

/** The collector of claims, with a provider behind it. */
export interface TestCollector {
  readonly provider: MisbehavingProvider;
  readonly collector: UserClaimsCollector;
  readonly collect: (said?: Said) => Promise<CollectedClaims>;
  /** What a token would say that is minted for alice. */
  readonly claims: (said?: Said, before?: UserClaims) => Promise<UserClaims>;
}

/** Builds the collector of an application in broker mode; its provider ends with the test. */
export async function startCollector(
  broker: Partial<BrokerOptions> = {},
  options: Partial<OidcAuthOptions> = {},
): Promise<TestCollector> {
  const { provider, verifier } = await startVerifier({
    options: {
      publicUrl: 'https://app.example.org',
      ...options,
      broker: { audience: 'myapp-api', store: 'memory://', ...broker },
    },
  });
  const { options: resolved, provider: identityProvider, clock, events } = verifier;
  const providers = oneProvider({ options: resolved, clock, events }, identityProvider);
  const subjects = new MintedSubjects(resolved, providers);
  const surroundings = { options: resolved, broker: brokerOf(resolved), clock, subjects, events };
  const collector = new UserClaimsCollector(identityProvider, surroundings);
  const user = { iss: provider.issuer, sub: alice.sub };
  const collect = ({ accessToken, idToken, remembered }: Said = {}): Promise<CollectedClaims> =>
    collector.collect(
      { accessToken: accessToken ?? provider.accessToken(), idTokenClaims: idToken },
      user,
      remembered && {
        said: { idToken: remembered },
        deadline: new Deadline(verifier.clock, 10_000),
      },
    );
  const claims = async (said: Said = {}, before?: UserClaims): Promise<UserClaims> =>
    collector.toUserClaims(await collect(said), user, before);
  return { provider, collector, collect, claims };
}
