import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { AbstractLogger, DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TypeOrmBrokerStore, brokerEntities } from '../../lib/store/typeorm/index.js';
import {
  NOW,
  aSession,
  aState,
  after,
  anId,
  hashOf,
} from '../../lib/testing/store-contract/rows.js';
import { required } from './required.js';
import { sqliteMissing } from './sqlite-driver.js';

const missing = required('SQLite', sqliteMissing());

/** A revocation that nothing needs any more. */
const old = () =>
  ({ kind: 'subject', id: hashOf(anId()), at: after(-120), expiresAt: after(-60) }) as const;

/** Does something once, right before the first statement that looks so. */
class Interruption extends AbstractLogger {
  /** How many there were so far. */
  seen = 0;
  #statement: RegExp | undefined;
  #work: () => void = () => undefined;

  before(statement: RegExp, work: () => void): void {
    this.#statement = statement;
    this.#work = work;
  }

  override logQuery(query: string): void {
    this.seen += 1;
    if (this.#statement?.test(query) !== true) return;
    this.#statement = undefined;
    this.#work();
  }

  protected writeLog(): void {}
}

describe.skipIf(missing)(`Statements of the SQL store${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let source: DataSource;
  let store: TypeOrmBrokerStore;
  let interruption: Interruption;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oidc-statements-'));
    interruption = new Interruption();
    source = await new DataSource({
      type: 'better-sqlite3',
      database: join(folder, 'broker.db'),
      entities: [...brokerEntities],
      synchronize: true,
      logger: interruption,
    }).initialize();
    store = new TypeOrmBrokerStore(source);
  });

  afterEach(async () => {
    await source.destroy();
    await rm(folder, { recursive: true });
  });

  /** What another process writes. */
  function elsewhere(statement: string): void {
    const Database: new (file: string) => { exec(sql: string): void; close(): void } =
      createRequire(import.meta.url)('better-sqlite3');
    const other = new Database(join(folder, 'broker.db'));
    other.exec(statement);
    other.close();
  }

  it('are one for each thing that a refresh asks', async () => {
    const session = aSession();
    await store.createSession(session);
    const [leaseId, { generation }] = [anId(), session];
    const asked = [
      () => store.findSession(session.id, NOW),
      () => store.takeLease(session.id, { leaseId, until: after(15), now: NOW, generation }),
      () => store.rotateSession(session.id, leaseId, aState()),
    ];

    const statements: number[] = [];
    for (const ask of asked) {
      const before = interruption.seen;
      expect(await ask()).toBeTruthy();
      statements.push(interruption.seen - before);
    }

    expect(statements).toEqual([1, 1, 1]);
  });

  it('ST-3: write a revocation whose older one is purged meanwhile', async () => {
    const first = old();
    const renewed = { ...first, at: NOW, expiresAt: after(60) };
    await store.addRevocation(first);
    interruption.before(/^UPDATE "oidc_revocation"/, () =>
      elsewhere('DELETE FROM oidc_revocation'),
    );

    await store.addRevocation(renewed);

    expect(await store.listRevocations(NOW, NOW)).toStrictEqual([renewed]);
  });

  it('ST-3: write a key set whose older one is deleted meanwhile', async () => {
    const issuer = 'https://peer.example.org';
    const keys = { issuer, issuerHash: hashOf(issuer), jwks: '{}', fetchedAt: NOW };
    await store.savePeerKeys(keys);
    interruption.before(/^UPDATE "oidc_peer_keys"/, () => elsewhere('DELETE FROM oidc_peer_keys'));

    await store.savePeerKeys(keys);

    expect(await store.listPeerKeys()).toStrictEqual([keys]);
  });

  it('ST-5: do not purge a revocation that is renewed while they look', async () => {
    const first = old();
    await store.addRevocation(first);
    interruption.before(/^DELETE FROM "oidc_revocation"/, () =>
      elsewhere(
        `UPDATE oidc_revocation SET revoked_at = ${NOW.getTime()}, expires_at = ${after(60).getTime()}`,
      ),
    );

    expect(await store.purgeExpired(after(-30), 10)).toBe(0);

    expect(await store.listRevocations(NOW, NOW)).toStrictEqual([
      { ...first, at: NOW, expiresAt: after(60) },
    ]);
  });
});
