export type { TestProofRequest } from './proof-key.js';
export type { IssuerUser } from './issuer-grants.js';
export { MockIdentity, type MockClaims, mockIdentity } from './mock-identity.js';
export { brokerStoreContract } from './store-contract/broker-store-contract.js';
export type { TestRunner } from './store-contract/test-runner.js';
export { TestClock } from './test-clock.js';
export {
  TestIssuer,
  type IssuerEndpoint,
  type TestIssuerOptions,
  type TestTokenClaims,
} from './test-issuer.js';
