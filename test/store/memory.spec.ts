import { afterAll, describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../lib/store/memory-broker.store.js';
import { NOW, aSession } from '../../lib/testing/store-contract/rows.js';
import { brokerStoreContract } from '../../lib/testing/index.js';

describe('MemoryBrokerStore', () => {
  brokerStoreContract(async () => new MemoryBrokerStore(), { afterAll, describe, it });

  it('shares no object with its callers', async () => {
    const store = new MemoryBrokerStore();
    const session = aSession();
    await store.createSession(session);
    session.endsAt.setTime(0);
    const found = await store.findSession(session.id, NOW);

    found?.createdAt.setTime(0);

    expect((await store.findSession(session.id, NOW))?.endsAt.getTime()).toBeGreaterThan(0);
    expect((await store.findSession(session.id, NOW))?.createdAt).toStrictEqual(NOW);
  });
});
