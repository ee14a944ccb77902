import { describe, expect, it } from 'vitest';

import {
  type BrokerSession,
  BrokerStore,
  type LeaseRequest,
  type Revocation,
  type SessionEnding,
  type SessionFilter,
  type SessionState,
  type SessionUse,
} from '../../../lib/contract/broker-store.js';
import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { brokerStoreContract } from '../../../lib/testing/index.js';

interface Contract {
  readonly titles: readonly string[];
  /** Runs all tests; gives the titles of those that failed. */
  readonly failures: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** The contract on a store, under a runner that only writes down what it is told. */
function contractOf(open: () => Promise<BrokerStore>): Contract {
  const topics: string[] = [];
  const tests: [title: string, run: () => Promise<void>][] = [];
  const endings: (() => Promise<void>)[] = [];
  brokerStoreContract(open, {
    describe: (title, declare) => {
      topics.push(title);
      declare();
      topics.pop();
    },
    it: (title, run) => tests.push([[...topics, title].join(' '), run]),
    after: (run) => endings.push(run),
  });
  const failures = async (): Promise<readonly string[]> => {
    const failed = [];
    for (const [title, run] of tests) {
      const failure = await run().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure !== undefined) failed.push(title);
    }
    return failed;
  };
  const close = async (): Promise<void> => {
    for (const end of endings) await end();
  };
  return { titles: tests.map(([title]) => title), failures, close };
}

/** Lets other calls in between, as a database does between two statements. */
const meanwhile = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class EverySession extends MemoryBrokerStore {
  override async createSession(session: BrokerSession): Promise<boolean> {
    return super.createSession({ ...session, loginHash: session.id });
  }
}

class Immortal extends MemoryBrokerStore {
  override findSession(id: string): Promise<BrokerSession | undefined> {
    return super.findSession(id, new Date(0));
  }
}

class Forgetful extends MemoryBrokerStore {
  override async findSession(id: string, now: Date): Promise<BrokerSession | undefined> {
    const found = await super.findSession(id, now);
    return found && { ...found, createdAt: new Date(Math.floor(+found.createdAt / 1000) * 1000) };
  }
}

class Upturned extends MemoryBrokerStore {
  override async listSessions(filter: SessionFilter, now: Date): Promise<BrokerSession[]> {
    return (await super.listSessions(filter, now)).toReversed();
  }
}

/** Looks, and writes later: no compare and swap. */
class Unfenced extends MemoryBrokerStore {
  override async takeLease(id: string, request: LeaseRequest): Promise<boolean> {
    const session = await super.findSession(id, request.now);
    await meanwhile();
    if (session === undefined || session.leaseId !== undefined) return false;
    await super.releaseLease(id, (await super.findSession(id, request.now))?.leaseId ?? '');
    return super.takeLease(id, request);
  }
}

class AnyLease extends MemoryBrokerStore {
  override async rotateSession(id: string, _: string, state: SessionState): Promise<boolean> {
    const session = await super.findSession(id, state.usedAt);
    return super.rotateSession(id, session?.leaseId ?? '', state);
  }
}

class NoCookie extends MemoryBrokerStore {
  override async findSession(id: string, now: Date): Promise<BrokerSession | undefined> {
    const { cookieHash: _, ...found } = (await super.findSession(id, now)) ?? {};
    return 'id' in found ? found : undefined;
  }
}

class AnyCookie extends MemoryBrokerStore {
  override async touchSession(id: string, use: SessionUse): Promise<boolean> {
    const { cookieHash = '' } = (await super.findSession(id, use.now)) ?? {};
    return super.touchSession(id, { ...use, cookieHash });
  }
}

class Unused extends MemoryBrokerStore {
  override async touchSession(): Promise<boolean> {
    return true;
  }
}

class Revived extends MemoryBrokerStore {
  override touchSession(id: string, use: SessionUse): Promise<boolean> {
    return super.touchSession(id, { ...use, now: new Date(0) });
  }
}

class KeptLease extends MemoryBrokerStore {
  override async releaseLease(): Promise<void> {}
}

class AnyEnding extends MemoryBrokerStore {
  override revokeSession(id: string, { leaseId: _, ...ending }: SessionEnding): Promise<boolean> {
    return super.revokeSession(id, ending);
  }
}

class AlwaysEnded extends MemoryBrokerStore {
  override async revokeSession(id: string, ending: SessionEnding): Promise<boolean> {
    await super.revokeSession(id, ending);
    return true;
  }
}

class ShortMemory extends MemoryBrokerStore {
  override addRevocation(revocation: Revocation): Promise<void> {
    return super.addRevocation({ ...revocation, expiresAt: new Date(+revocation.at + 1000) });
  }
}

class AllRevocations extends MemoryBrokerStore {
  override listRevocations(_: Date, now: Date): Promise<Revocation[]> {
    return super.listRevocations(new Date(0), now);
  }
}

class LastKeyWins extends MemoryBrokerStore {
  override async insertSigningKey(
    key: Parameters<BrokerStore['insertSigningKey']>[0],
  ): Promise<boolean> {
    await super.deleteSigningKey(key.sequence);
    return super.insertSigningKey(key);
  }
}

class AlwaysRetired extends MemoryBrokerStore {
  override async retireSigningKey(sequence: number, at: Date): Promise<boolean> {
    await super.retireSigningKey(sequence, at);
    return true;
  }
}

class AnySealed extends MemoryBrokerStore {
  override async resealSigningKey(
    sequence: number,
    { next }: { expected: string; next: string },
  ): Promise<boolean> {
    const [key] = await super.listSigningKeys();
    return super.resealSigningKey(sequence, { expected: key?.sealed ?? '', next });
  }
}

class AnyKid extends MemoryBrokerStore {
  override deleteSigningKey(sequence: number): Promise<void> {
    return super.deleteSigningKey(sequence);
  }
}

class AnyKeySet extends MemoryBrokerStore {
  override deletePeerKeys(issuerHash: string): Promise<void> {
    return super.deletePeerKeys(issuerHash);
  }
}

class NoPurge extends MemoryBrokerStore {
  override async purgeExpired(): Promise<number> {
    return 0;
  }
}

const use = { cookieHash: '', usedAt: new Date(), expiresAt: new Date(), now: new Date() };

const withGlobalsAlone = (): void => brokerStoreContract(async () => new MemoryBrokerStore());

const defects = {
  EverySession,
  Immortal,
  Forgetful,
  Upturned,
  Unfenced,
  AnyLease,
  NoCookie,
  AnyCookie,
  Unused,
  Revived,
  KeptLease,
  AnyEnding,
  AlwaysEnded,
  ShortMemory,
  AllRevocations,
  LastKeyWins,
  AlwaysRetired,
  AnySealed,
  AnyKid,
  AnyKeySet,
  NoPurge,
};

describe('brokerStoreContract', () => {
  it.each(Object.entries(defects))('notices the defect %s of a store', async (_, Store) => {
    const { failures } = contractOf(async () => new Store());

    expect(await failures()).not.toEqual([]);
  });

  it('names each test once, and nothing is wrong with the store in memory', async () => {
    const { titles, failures } = contractOf(async () => new MemoryBrokerStore());

    expect(await failures()).toEqual([]);
    expect(titles.length).toBeGreaterThan(40);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('opens the store with the first test, and closes it at the end', async () => {
    const calls: string[] = [];
    class Counted extends MemoryBrokerStore {
      override async close(): Promise<void> {
        calls.push('close');
      }
    }
    const { failures, close } = contractOf(async () => {
      calls.push('open');
      return new Counted();
    });

    expect(calls).toEqual([]);
    await failures();
    await close();

    expect(calls).toEqual(['open', 'close']);
  });

  it('takes rows of any class, as an ORM gives them', async () => {
    class Row {}
    class Entities extends MemoryBrokerStore {
      override async findSession(id: string, now: Date): Promise<BrokerSession | undefined> {
        const found = await super.findSession(id, now);
        return found && Object.assign(new Row(), found);
      }
    }
    const { failures } = contractOf(async () => new Entities());

    expect(await failures()).toEqual([]);
  });

  it('asks nothing of sessions of browsers of a store that was written before there were any', async () => {
    class Before extends MemoryBrokerStore {}
    const { touchSession } = Object.getOwnPropertyDescriptors(BrokerStore.prototype);
    Object.defineProperty(Before.prototype, 'touchSession', touchSession);
    const { failures } = contractOf(async () => new Before());

    expect(await failures()).toEqual([]);
    await expect(new Before().touchSession('', use)).rejects.toThrow(TypeError);
  });

  it('says what to pass where no test runner is to be found', () => {
    expect(withGlobalsAlone).toThrow(TypeError);
    expect(withGlobalsAlone).toThrow(/node:test.*after, describe, it/);
  });
});
