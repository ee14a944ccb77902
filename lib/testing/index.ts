export type { IssuerUser } from './issuer-grants.js';
export { MockIdentity, type MockClaims, mockIdentity } from './mock-identity.js';
export { TestClock } from './test-clock.js';
export {
  TestIssuer,
  type IssuerEndpoint,
  type TestIssuerOptions,
  type TestTokenClaims,
} from './test-issuer.js';
