import { describe, expect, it } from 'vitest';

import { MemoryBrokerStore } from '../../../lib/store/memory-broker.store.js';
import { startKeyKeeper } from '../../support/key-keeper.js';
import { capturedLogs } from '../../support/output-capture.js';

const OLD = 'old-encryption-key-of-at-least-32-characters';
const NEW = 'new-encryption-key-of-at-least-32-characters';

describe('a changed encryption key', () => {
  it('KM-5: that is gone makes 503 of everything, names the option and replaces nothing', async () => {
    const before = await startKeyKeeper({ options: { encryptionKeys: [OLD] } });
    const { kid } = await before.keys.current();
    const { store, clock } = before;
    const linesBefore = capturedLogs().length;
    const after = await startKeyKeeper({ store, clock, options: { encryptionKeys: [NEW] } });
    const events = after.record('undecryptable');

    for (const asked of [
      () => after.keys.current(),
      () => after.keys.published(),
      () => after.keys.find({ alg: 'ES256', kid }),
      () => after.token(),
    ]) {
      await expect(asked()).rejects.toMatchObject({
        error: 'temporarily_unavailable',
        status: 503,
      });
    }
    await after.keys.refresh();

    expect(await store.listSigningKeys()).toMatchObject([{ kid }]);
    expect(events).toContainEqual({ provider: 'default', what: 'signing-key' });
    const lines = capturedLogs()
      .slice(linesBefore)
      .filter((line) => line.includes('undecryptable'));
    expect(lines).toHaveLength(1); // once, not once a look
    expect(lines[0]).toContain('"encryptionKeys"');
  });

  it('KM-5: makes no next key either, which the other instances could not open', async () => {
    const before = await startKeyKeeper({ options: { encryptionKeys: [OLD] } });
    await before.keys.current();
    const { store, clock } = before;
    const wrong = await startKeyKeeper({ store, clock, options: { encryptionKeys: [NEW] } });

    clock.advance(90 * 24 * 3600 - 1800);
    await wrong.keys.refresh();

    expect(await store.listSigningKeys()).toHaveLength(1);
    await before.keys.refresh();
    expect(await store.listSigningKeys()).toHaveLength(2);
  });

  it('fault 20: with the old one second opens what is there, and encrypts it anew', async () => {
    const before = await startKeyKeeper({ options: { encryptionKeys: [OLD] } });
    const { kid } = await before.keys.current();
    const { store, clock } = before;

    const both = { store, clock, options: { encryptionKeys: [NEW, OLD] } };
    const [one, other] = await Promise.all([startKeyKeeper(both), startKeyKeeper(both)]);
    await Promise.all([one.keys.refresh(), other.keys.refresh()]);

    expect((await one.keys.current()).kid).toBe(kid);
    expect((await other.keys.current()).kid).toBe(kid);
    const alone = await startKeyKeeper({ store, clock, options: { encryptionKeys: [NEW] } });
    expect((await alone.keys.current()).kid).toBe(kid);
    expect(await store.listSigningKeys()).toHaveLength(1);
  });

  it('fault 20: leaves instances that still have the former list alone, until they start anew', async () => {
    const former = await startKeyKeeper({ options: { encryptionKeys: [OLD] } });
    const { store, clock } = former;
    const token = await former.token();
    const { kid } = await former.keys.current();
    const newer = { store, clock, options: { encryptionKeys: [NEW, OLD] } };
    await (await startKeyKeeper(newer)).keys.refresh(); // encrypts it anew

    await former.keys.refresh();

    expect((await former.keys.current()).kid).toBe(kid);
    expect(await former.keys.find({ alg: 'ES256', kid })).toBeDefined();
    expect(await former.token()).not.toBe(token);
    const restarted = await startKeyKeeper({ store, clock, options: { encryptionKeys: [OLD] } });
    await expect(restarted.keys.current()).rejects.toMatchObject({ status: 503 });
  });

  it('fault 20: leaves what was verified before as it is', async () => {
    const { keys, store, clock } = await startKeyKeeper({ options: { encryptionKeys: [OLD] } });
    const { kid } = await keys.current();
    const found = await keys.find({ alg: 'ES256', kid });
    if (found === undefined) throw new Error('There is no key');
    await startKeyKeeper({ store, clock, options: { encryptionKeys: [NEW, OLD] } }).then((next) =>
      next.keys.refresh(),
    );

    const again = await startKeyKeeper({ store, clock, options: { encryptionKeys: [OLD, NEW] } });
    await again.keys.refresh();

    expect(keys.holds(found)).toBe(true);
    expect((await again.keys.current()).kid).toBe(kid);
  });
});

describe('a store that is down', () => {
  it('fault 8: makes 503 until the keys were read once, then nothing', async () => {
    class Failing extends MemoryBrokerStore {
      down = true;

      override async listSigningKeys(): ReturnType<MemoryBrokerStore['listSigningKeys']> {
        if (this.down) throw new Error('ECONNREFUSED');
        return super.listSigningKeys();
      }
    }
    const store = new Failing();
    const { keys } = await startKeyKeeper({ store });
    await expect(keys.current()).rejects.toMatchObject({ status: 503 });
    await expect(keys.published()).rejects.toMatchObject({ status: 503 });

    store.down = false;
    const { kid } = await keys.current();
    store.down = true;

    await expect(keys.refresh()).rejects.toMatchObject({ status: 503 });
    expect((await keys.current()).kid).toBe(kid);
    expect(await keys.published()).toHaveLength(1);
    expect(await keys.find({ alg: 'ES256', kid })).toBeDefined();
  });
});
