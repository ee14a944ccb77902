import { OAuthError } from '../errors/oauth.error.js';
import { DEFAULT_PROVIDER } from '../options/resolve-provider.js';
import type { CheckedAuthRule } from '../tokens/auth-rule.js';
import { authorize } from '../tokens/authorize.js';
import type { IdTokenClaims } from '../tokens/id-token-claims.js';
import type { Credentials, Identity } from '../tokens/identity.js';
import { rolesOf } from '../tokens/roles.js';

/** What a test says of its caller; `iss`, `sub`, `iat`, `exp` and an `auth_time` of now are there without it. */
export type MockClaims = Partial<IdTokenClaims>;

/** Stands for the {@link Authenticator} in a host's test: who the caller is, is what the test says. */
export class MockIdentity {
  #claims: IdTokenClaims | undefined;

  constructor(claims: MockClaims | undefined) {
    this.#claims = complete(claims);
  }

  /** Who the caller is from now on; `undefined`: nobody. */
  become(claims: MockClaims | undefined): void {
    this.#claims = complete(claims);
  }

  /** @throws {@link OAuthError} 401 for nobody, 401 or 403 where the rule of the handler does not hold. */
  async identify(_credentials: Credentials, rule: CheckedAuthRule): Promise<Identity> {
    const claims = this.#claims;
    if (claims === undefined) {
      throw new OAuthError('invalid_token', 'A bearer token is required', {
        credentialsMissing: true,
      });
    }
    const { idp = DEFAULT_PROVIDER } = claims;
    const provider = typeof idp === 'string' ? idp : undefined;
    const identity = { claims, provider, roles: rolesOf(claims, []), holds: () => true };
    authorize(identity, rule, [], { nowSec: epochNow(), toleranceSec: 0 });
    return identity;
  }

  /** The same, whatever the token. */
  authenticate(_token: string, rule: CheckedAuthRule): Promise<Identity> {
    return this.identify({ headers: {} }, rule);
  }
}

function epochNow(): number {
  return Math.floor(Date.now() / 1000);
}

function complete(claims: MockClaims | undefined): IdTokenClaims | undefined {
  if (claims === undefined) return undefined;
  const now = epochNow();
  return Object.freeze({
    iss: 'https://issuer.example.org',
    sub: 'test-user',
    iat: now,
    exp: now + 3600,
    auth_time: now,
    ...claims,
  });
}

/**
 * A caller for a host's tests, without any provider or token: `@Auth()`, `@IdToken()`, roles, scopes, claims and conditions see these
 * claims, under `@UseGuards` and `APP_GUARD` alike. Rules count as they do in earnest.
 *
 * @param claims left out: nobody, so that guarded handlers answer 401.
 *
 * @example
 * ```ts
 * const caller = mockIdentity({ sub: 'alice', roles: ['admins'], scope: 'orders:read' });
 * const moduleRef = await Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(Authenticator).useValue(caller).compile();
 * // later: caller.become({ sub: 'bob' }); caller.become(undefined);
 * ```
 */
export function mockIdentity(claims?: MockClaims): MockIdentity {
  return new MockIdentity(claims);
}
