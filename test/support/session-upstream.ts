import { providerUserHash } from '../../lib/sessions/sessions.js';
import type { SessionContent } from '../../lib/sessions/session-content.js';
import type { RenewedTokens } from '../../lib/sessions/upstream-tokens.js';
import { Deadline } from '../../lib/clock/deadline.js';
import { SessionUpstream } from '../../lib/users/session-upstream.js';
import { MintedSubjects } from '../../lib/users/minted-subjects.js';
import { ClaimsCollectors } from '../../lib/users/claims-collectors.js';
import { oneProvider } from './one-provider.js';
import type { BrokerOptions, OidcAuthOptions } from '../../lib/index.js';
import { aSession } from '../../lib/testing/store-contract/rows.js';
import { brokerOf } from './store-access.js';
import { alice } from './users.js';
import { startVerifier, type VerifierWithProvider } from './verifier.js';

/** The provider as sessions see it, with a real one behind it. */
export interface TestUpstream extends VerifierWithProvider {
  /** Refreshes a session of alice that remembers this much. */
  readonly renew: (
    remembered?: Partial<SessionContent>,
    deadline?: Deadline,
  ) => Promise<RenewedTokens>;
}

/** Starts a provider and what broker mode knows of it; no call of theirs ends by itself within a test. */
export async function startSessionUpstream(
  options: Partial<OidcAuthOptions> = {},
  broker: Partial<BrokerOptions> = {},
): Promise<TestUpstream> {
  const started = await startVerifier({
    provider: { algorithms: ['ES256'] },
    options: {
      publicUrl: 'https://app.example.org',
      timeoutMs: 60_000,
      ...options,
      broker: { audience: 'myapp-api', store: 'memory://', signingAlgorithm: 'ES256', ...broker },
    },
  });
  const { provider, verifier, clock } = started;
  const { options: resolved, events } = verifier;
  const providers = oneProvider({ options: resolved, clock, events }, verifier.provider);
  const subjects = new MintedSubjects(resolved, providers);
  const collectors = new ClaimsCollectors({
    options: resolved,
    broker: brokerOf(resolved),
    clock,
    subjects,
    events,
  });
  const upstream = new SessionUpstream(providers, collectors, subjects, events, clock);
  const user = { iss: provider.issuer, sub: alice.sub };
  const session = aSession({ providerSubjectHash: providerUserHash(user) });
  const renew: TestUpstream['renew'] = (remembered, deadline = new Deadline(clock, 10_000)) => {
    const content: SessionContent = {
      provider: {
        accessToken: undefined,
        accessExpiresAt: undefined,
        refreshToken: provider.grantRefreshToken(),
        refreshExpiresAt: undefined,
        idToken: undefined,
      },
      providerSubject: alice.sub,
      claims: { sub: alice.sub, roles: [] },
      profile: {},
      said: {},
      scope: 'openid profile email',
      refreshToken: undefined,
      ...remembered,
    };
    return upstream.renew(session, content, deadline);
  };
  return { ...started, renew };
}
