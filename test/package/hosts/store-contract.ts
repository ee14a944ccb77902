import { after, describe, it } from 'node:test';

import { MemoryBrokerStore } from 'nestjs-oidc-auth';
import { brokerStoreContract } from 'nestjs-oidc-auth/testing';

// The contract on the store in memory, under Node's own runner.

brokerStoreContract(async () => new MemoryBrokerStore(), { after, describe, it });
